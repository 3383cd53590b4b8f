//! A hook that marks records as deleted instead of deleting them.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::call::context::Context;
use crate::call::crud_options::{CrudOptions, Multi};
use crate::call::hook::{AroundHook, Hook, Next};
use crate::call::method::Method;
use crate::data::error::{Error, Result};
use crate::data::payload::Payload;
use crate::data::schema::DataType;

/// Marks records as deleted in a field, and leaves them in the store: an around hook for all methods.
///
/// The field is a boolean, which becomes `true`, or an optional whole number, which becomes the time in milliseconds
/// since 1970. What holds then:
///
/// - **Reads**: `find` and `get` see only records that are not marked, and `total` counts only those.
/// - **Writes**: `update`, `patch` and `remove` of a marked record are a 404. A client that sets the mark is a 400.
///   `remove` marks, right before the method, when all other before hooks have let the call through; with a
///   query it marks all that match, where the service allows to remove several.
/// - **Events**: `remove` is told as `removed`, with the marked record. Nothing is told of marked records after that.
/// - **Replay**: a client that was away gets the events from before the mark, and then `removed`, as with any record.
/// - **Constraints** of the store hold for marked records as well: their unique values stay taken.
///
/// Calls from inside have the same view. One with [`WithDeleted`] among its parameters sees all records, changes marked
/// ones, also back, and removes for good.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::hook::{WithDeleted, soft_delete};
/// use feathers::{App, Document, Memory, Params};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let mut app = App::new();
/// app.service("notes", Memory::<Document>::new()).around("all", soft_delete("deleted"));
///
/// let notes = app.start().await?.service("notes")?;
/// notes.create(json!({ "text": "milk" }), ()).await?;
/// notes.remove(Some(1.into()), ()).await?;
/// assert_eq!(notes.get(1, ()).await.unwrap_err().code(), 404);
///
/// let mut params = Params::new();
/// params.insert(WithDeleted);
/// assert_eq!(notes.get(1, params).await?.value()?["text"], "milk");
/// # Ok(())
/// # }
/// ```
pub fn soft_delete(field: &str) -> SoftDelete {
    SoftDelete { field: field.into() }
}

/// The hook that [`soft_delete`] makes.
#[derive(Clone, Debug)]
pub struct SoftDelete {
    field: Arc<str>,
}

/// Among the parameters of a call from inside: it sees what is marked as deleted, too, and `remove` removes.
#[derive(Clone, Copy, Debug)]
pub struct WithDeleted;

#[async_trait]
impl AroundHook for SoftDelete {
    async fn run(&self, ctx: &mut Context, next: Next<'_>) -> Result<()> {
        let mark = self.mark(ctx)?;
        self.refuse_mark(ctx)?;
        let sees_all = !ctx.params.is_external() && ctx.params.get::<WithDeleted>().is_some();
        let has_records = !matches!(ctx.method(), Method::Create | Method::Custom(_));
        if has_records && !sees_all {
            // Now for other hooks, and once more when those have done what they like with the query.
            mark.narrow(ctx);
            let removes = *ctx.method() == Method::Remove;
            ctx.defer(Last { mark, removes });
        }
        next.run(ctx).await?;
        if sees_all && self.has_mark(ctx.result.as_ref())? {
            ctx.event = None;
        }
        Ok(())
    }
}

impl SoftDelete {
    fn mark(&self, ctx: &Context) -> Result<Mark> {
        let field = self.field.clone();
        let Some(schema) = ctx.service().schema().filter(|schema| !schema.open) else {
            return Ok(Mark { field, is_time: false });
        };
        let found = schema.fields.iter().find(|known| known.name == &*field);
        match found.map(|known| known.data_type) {
            Some(DataType::Boolean) => Ok(Mark { field, is_time: false }),
            Some(DataType::Integer) => Ok(Mark { field, is_time: true }),
            _ => {
                let path = ctx.path();
                let wanted = "a boolean or an optional whole number of its records";
                Err(Error::internal(format!("`soft_delete` of service '{path}' wants {wanted}, and not '{field}'")))
            }
        }
    }

    /// Refuses a client that marks a record itself.
    fn refuse_mark(&self, ctx: &Context) -> Result<()> {
        let takes_data = matches!(ctx.method(), Method::Create | Method::Update | Method::Patch);
        if !takes_data || !ctx.params.is_external() {
            return Ok(());
        }
        let sets = |item: &Payload| -> Result<bool> { Ok(is_marked(item.value()?.get(&*self.field))) };
        let any = match ctx.data.items()? {
            Some(items) => items.iter().map(sets).collect::<Result<Vec<_>>>()?.contains(&true),
            None => sets(&ctx.data)?,
        };
        if any { Err(Error::bad_request(format!("'{}' is set by the server", self.field))) } else { Ok(()) }
    }

    fn has_mark(&self, result: Option<&Payload>) -> Result<bool> {
        let Some(result) = result else { return Ok(false) };
        Ok(match result.value()? {
            Value::Array(records) => records.iter().any(|record| is_marked(record.get(&*self.field))),
            record => is_marked(record.get(&*self.field)),
        })
    }
}

fn is_marked(value: Option<&Value>) -> bool {
    !matches!(value, None | Some(Value::Null | Value::Bool(false)))
}

/// The field of the mark, and what it is.
#[derive(Clone)]
struct Mark {
    field: Arc<str>,
    is_time: bool,
}

impl Mark {
    /// Adds the condition to the query that the record has no mark.
    fn narrow(&self, ctx: &mut Context) {
        let unmarked = if self.is_time { Value::Null } else { json!({ "$ne": true }) };
        let condition = json!({ &*self.field: unmarked });
        let query = &mut ctx.params.query;
        match query.get_mut("$and") {
            Some(Value::Array(all)) if all.contains(&condition) => {}
            Some(Value::Array(all)) => all.push(condition),
            Some(other) => *other = json!([{ "$and": other.take() }, condition]),
            None => {
                query.insert("$and".to_owned(), json!([condition]));
            }
        }
    }

    fn value(&self) -> Value {
        if !self.is_time {
            return true.into();
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_millis);
        i64::try_from(since).unwrap_or(i64::MAX).into()
    }
}

/// What is done right before the method.
struct Last {
    mark: Mark,
    removes: bool,
}

#[async_trait]
impl Hook for Last {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        self.mark.narrow(ctx);
        if !self.removes {
            return Ok(());
        }
        let mut params = ctx.params.clone();
        if ctx.id.is_none() {
            let options = params.get::<CrudOptions>().cloned().unwrap_or_default();
            let own = options.multi.as_ref().or(ctx.service().descriptor().multi.as_ref());
            if !own.is_none_or(|multi| multi.allows(&Method::Remove)) {
                return Err(Error::method_not_allowed("Can not remove multiple entries"));
            }
            params.insert(CrudOptions { multi: Some(Multi::All), ..options });
        }
        let data = json!({ &*self.mark.field: self.mark.value() });
        ctx.change_instead(&Method::Patch, data.into(), &params).await
    }
}
