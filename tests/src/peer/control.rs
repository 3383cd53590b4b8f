//! The test control: `$adapter` in a query changes a store's options for one call.
//!
//! The official adapter suite assigns the options of a service in its own process. Over a wire it sends them in the
//! query instead. A real app must never have this hook.

use feathers::Method;
use feathers::prelude::*;
use feathers::store::{CrudOptions, Multi};
use serde_json::Value;

/// Moves `$adapter`, a JSON text `{"multi": .., "paginate": ..}`, from the query into the options of the call.
pub(super) async fn control(ctx: &mut Context) -> Result<()> {
    let Some(control) = ctx.params.query.remove("$adapter") else { return Ok(()) };
    let text = control.as_str().ok_or_else(|| Error::bad_request("$adapter must be a JSON text"))?;
    let control: Value = serde_json::from_str(text)
        .map_err(|error| Error::bad_request(format!("$adapter must be a JSON text: {error}")))?;
    let mut options = CrudOptions::default();
    options.multi = control.get("multi").map(multi);
    options.paginate = control.get("paginate").map(paginate);
    ctx.params.insert(options);
    Ok(())
}

fn multi(multi: &Value) -> Multi {
    match multi {
        Value::Array(methods) => Multi::Methods(methods.iter().filter_map(Value::as_str).map(Method::named).collect()),
        other => Multi::from(other == &Value::Bool(true)),
    }
}

fn paginate(sizes: &Value) -> Option<Paginate> {
    let sizes = sizes.as_object()?;
    let mut paginate = Paginate::default();
    paginate.default = sizes.get("default").and_then(Value::as_u64);
    paginate.max = sizes.get("max").and_then(Value::as_u64);
    Some(paginate)
}
