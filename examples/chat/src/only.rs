//! Hooks that say what clients may send.

use feathers::prelude::*;

/// Lets clients set these fields and no others: the rest is for the server to set.
pub(crate) fn only<const N: usize>(fields: [&'static str; N]) -> impl Hook {
    hook::with_state(fields.to_vec(), async |fields: &Vec<&'static str>, ctx: &mut Context| {
        if !ctx.params.is_external() {
            return Ok(());
        }
        match ctx.data.object_mut()?.keys().find(|name| !fields.contains(&name.as_str())) {
            Some(name) => Err(Error::bad_request(format!("`{name}` is not for clients to set"))),
            None => Ok(()),
        }
    })
}

/// Answers the whole record. Clients that listen get what the caller gets, and publishers look at it.
pub(crate) async fn whole(ctx: &mut Context) -> Result<()> {
    ctx.params.query.shift_remove("$select");
    Ok(())
}
