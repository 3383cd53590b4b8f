//! Http: a hook shapes the reply as the query asks for.

use feathers::prelude::*;
use serde_json::Value;

/// Answers with the id or the data.
pub(super) struct Http;

#[service]
impl Http {
    async fn find(&self) -> Result<Value> {
        Ok(json!([]))
    }

    async fn get(&self, id: Id) -> Result<Value> {
        Ok(json!({ "id": id }))
    }

    async fn create(&self, data: Value) -> Result<Value> {
        Ok(data)
    }
}

/// Sets status, headers, location and dispatch from the query.
pub(super) async fn shape(ctx: &mut Context) -> Result<()> {
    let query = &ctx.params.query;
    for name in ["status", "statusCode"] {
        if let Some(status) = query.get(name).and_then(Value::as_str) {
            ctx.http.status = Some(status.parse()?);
        }
    }
    if query.contains_key("headers") {
        for (name, value) in [("foo", "first"), ("bar", "second"), ("bar", "third")] {
            ctx.http.header(name, value)?;
        }
    }
    if let Some(location) = query.get("location").and_then(Value::as_str) {
        ctx.http.location = Some(location.to_owned());
    }
    match query.get("dispatch") {
        None => {}
        Some(text) if text == "null" => ctx.dispatch = Some(Payload::NULL),
        Some(_) => ctx.dispatch = Some(json!({ "dispatch": true }).into()),
    }
    Ok(())
}
