//! Values: results that are no objects.

use feathers::prelude::*;
use serde_json::Value;

/// Answers with the value that the id names.
pub(super) struct Values;

#[service]
impl Values {
    async fn find(&self) -> Result<Value> {
        Ok(Value::Null)
    }

    async fn get(&self, id: Id) -> Result<Value> {
        Ok(match id.to_string().as_str() {
            "zero" => 0.into(),
            "one" => 1.into(),
            "false" => false.into(),
            "true" => true.into(),
            "empty" => "".into(),
            "string" => "hello".into(),
            "array" => json!([]),
            "object" => json!({}),
            "date" => "1970-01-01T00:00:00.000Z".into(),
            "big" => 12_345_678_901_234_567_000_u64.into(),
            _ => Value::Null,
        })
    }

    async fn create(&self, data: Value) -> Result<Value> {
        Ok(data["result"].clone())
    }
}
