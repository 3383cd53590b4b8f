//! Ev: a hook shapes the event as the query asks for.

use feathers::prelude::*;
use serde_json::Value;

/// Answers with id and data.
pub(super) struct Ev;

#[service]
impl Ev {
    async fn find(&self) -> Result<Value> {
        Ok(json!([{ "a": 1 }]))
    }

    async fn get(&self, id: Id) -> Result<Value> {
        Ok(json!({ "id": id }))
    }

    async fn create(&self, data: Value) -> Result<Value> {
        Ok(data)
    }

    async fn update(&self, id: Id, data: Value) -> Result<Value> {
        Ok(with_id(&id, &data))
    }

    async fn patch(&self, id: Id, data: Value) -> Result<Value> {
        Ok(with_id(&id, &data))
    }

    async fn remove(&self, id: Id) -> Result<Value> {
        Ok(json!({ "id": id }))
    }

    /// Answers with the data; emits nothing by itself.
    #[method]
    async fn custom(&self, data: Value) -> Result<Value> {
        Ok(data)
    }
}

fn with_id(id: &Id, data: &Value) -> Value {
    let mut record = json!({ "id": id });
    for (field, value) in data.as_object().into_iter().flatten() {
        record[field] = value.clone();
    }
    record
}

/// Changes the event, its data, or adds a custom one.
pub(super) async fn shape(ctx: &mut Context) -> Result<()> {
    let query = &ctx.params.query;
    if query.contains_key("noevent") {
        ctx.event = None;
    }
    if let Some(event) = query.get("event").and_then(Value::as_str) {
        ctx.event = Some(event.to_owned().into());
    }
    if query.contains_key("dispatch") {
        let mut safe = ctx.result.clone().unwrap_or_default();
        match safe.value_mut()? {
            Value::Array(items) => items.iter_mut().for_each(|item| item["safe"] = true.into()),
            item => item["safe"] = true.into(),
        }
        ctx.dispatch = Some(safe);
    }
    if query.contains_key("emit") {
        ctx.emit("customEvent", json!({ "hello": "custom" }));
    }
    Ok(())
}
