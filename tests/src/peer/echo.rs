//! Echo: answers every call with what it was called with.

use feathers::Method;
use feathers::app::Descriptor;
use feathers::prelude::*;
use serde_json::{Map, Value};

/// What an original server returns for data that is not there.
const UNDEFINED: &str = "<undefined>";

/// The service; it has all six methods and a custom one.
pub(super) struct Echo;

#[async_trait]
impl Service for Echo {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD).method("custom", "Answers with what it was called with.")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let method = request.method;
        let mut echo = Map::new();
        echo.insert("method".into(), method.name().into());
        if method.has_id() {
            echo.insert("id".into(), json!(request.id));
        }
        if method.has_data() {
            match request.data.value()? {
                Value::Null if method.has_id() => None,
                Value::Null => echo.insert("data".into(), UNDEFINED.into()),
                data => echo.insert("data".into(), data.clone()),
            };
        }
        echo.insert("params".into(), params(request.params));
        Ok(Value::Object(echo).into())
    }
}

fn params(params: &Params) -> Value {
    let route: Map<String, Value> = params.route.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let mut shown = Map::new();
    shown.insert("query".into(), params.query.clone().into());
    shown.insert("route".into(), route.into());
    if let Some(provider) = params.provider {
        shown.insert("provider".into(), provider.name().into());
    }
    if let Some(channel) = params.connection.as_ref().and_then(|connection| connection.query().get("channel")) {
        shown.insert("channel".into(), channel.clone());
    }
    shown.insert("hasConnection".into(), params.connection.is_some().into());
    let mut headers: Vec<&str> = params.headers.iter().map(|(name, _)| name).collect();
    headers.sort_unstable();
    if !headers.is_empty() {
        shown.insert("headers".into(), json!(headers));
    }
    shown.into()
}
