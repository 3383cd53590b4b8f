//! Services to ask.

use std::sync::Arc;

use feathers_core::{
    App, Context, Descriptor, Error, Method, Payload, Request, Result, RouteParams, Service, async_trait,
};
use serde_json::{Map, Value, json};
use tokio::sync::Notify;

/// Answers with what it was called with.
pub(crate) struct Echo;

#[async_trait]
impl Service for Echo {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD).method("custom", "")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let mut answer = Map::new();
        answer.insert("method".to_owned(), request.method.name().into());
        if request.method.has_id() {
            answer.insert("id".to_owned(), json!(request.id));
        }
        if request.method.has_data() {
            answer.insert("data".to_owned(), request.data.value()?.clone());
        }
        let params = json!({
            "query": request.params.query,
            "route": route(&request.params.route),
            "provider": request.params.provider.map(feathers_core::Provider::name),
        });
        answer.insert("params".to_owned(), params);
        Ok(Value::Object(answer).into())
    }
}

fn route(params: &RouteParams) -> Value {
    params.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect::<Map<_, _>>().into()
}

/// Lists nothing, and can do nothing else.
pub(crate) struct FindOnly;

#[async_trait]
impl Service for FindOnly {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Find])
    }

    async fn call(&self, _request: Request<'_>) -> Result<Payload> {
        Ok(json!([]).into())
    }
}

/// Answers with the JSON in the id, or in `result` of the data.
pub(crate) struct Values;

#[async_trait]
impl Service for Values {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Get, Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        match request.method {
            Method::Create => Ok(request.data.value()?["result"].clone().into()),
            _ => Ok(serde_json::from_str::<Value>(&request.require_id()?.to_string())?.into()),
        }
    }
}

/// Fails in the way that the id names.
pub(crate) struct Errors;

#[async_trait]
impl Service for Errors {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Get, Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let id = request.id.map(|id| id.to_string()).unwrap_or_default();
        Err(match &*id {
            "foreign" => std::io::Error::other("the password is 1234").into(),
            "bad" => {
                Error::bad_request("bad").with_data(json!({ "foo": "bar" })).with_errors(json!({ "email": "invalid" }))
            }
            "list" => Error::bad_request("bad").with_data(json!([1, 2])),
            "forbidden" => Error::forbidden("no"),
            "teapot" => Error::bad_request("odd").with_code(418),
            "impossible" => Error::bad_request("odd").with_code(7),
            _ => panic!("a bug"),
        })
    }
}

/// Waits inside a call for a signal, and says when it is entered and done.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    pub(crate) entered: Arc<Notify>,
    pub(crate) go: Arc<Notify>,
    pub(crate) done: Arc<Notify>,
}

#[async_trait]
impl Service for Gate {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Find, Method::Create])
    }

    async fn call(&self, _request: Request<'_>) -> Result<Payload> {
        self.entered.notify_one();
        self.go.notified().await;
        self.done.notify_one();
        Ok(json!({ "done": true }).into())
    }
}

/// Mounts what most tests use.
pub(crate) fn standard(app: &mut App) {
    app.service("echo", Echo);
    app.service("users/:userId/messages", Echo);
    app.service("users", Echo);
    app.service("findonly", FindOnly);
    app.service("values", Values);
    app.service("errors", Errors);
    app.service("hidden", Echo).methods(["find"]);
    app.service("http", Echo).after("all", shape);
}

/// Shapes the answer as the query says.
async fn shape(ctx: &mut Context) -> Result<()> {
    let query = ctx.params.query.clone();
    let text = |name: &str| query.get(name).and_then(Value::as_str);
    ctx.result = Some(json!({ "id": "1" }).into());
    ctx.http.status = text("status").map(str::parse).transpose()?;
    ctx.http.location = text("location").map(str::to_owned);
    if let Some(dispatch) = text("dispatch") {
        ctx.dispatch = Some(serde_json::from_str::<Value>(dispatch)?.into());
    }
    for header in text("headers").into_iter().flat_map(|headers| headers.split(';')) {
        let (name, value) = header.split_once(':').unwrap_or((header, ""));
        ctx.http.header(name, value)?;
    }
    Ok(())
}
