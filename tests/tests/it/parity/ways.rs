//! The three ways to make a call.

use feathers::call::{Call, Encoding};
use feathers::{AppHandle, Id, Method, Params, Payload, async_trait};
use feathers_tests::client::SocketClient;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::{Case, qs};

/// Makes calls one way; an error is its JSON form.
#[async_trait]
pub(super) trait Way {
    async fn call(&mut self, case: &Case) -> Result<Value, Value>;
}

/// Inside the server, as a transport would, but without being one.
pub(super) struct Internal(AppHandle);

impl Internal {
    pub(super) fn new(app: AppHandle) -> Self {
        Self(app)
    }

    async fn run(&self, case: &Case) -> feathers::Result<Value> {
        let route = self
            .0
            .lookup(&case.path, Encoding::Plain)?
            .ok_or_else(|| feathers::Error::not_found(format!("Can not find service '{}'", case.path)))?;
        let call = Call {
            route,
            method: Method::named(&case.call),
            id: Id::from_json(&case.id)?,
            data: Payload::from(case.data.clone()),
            params: Params::query(case.query.clone().into()),
        };
        self.0.call(call).await?.result.value().cloned()
    }
}

#[async_trait]
impl Way for Internal {
    async fn call(&mut self, case: &Case) -> Result<Value, Value> {
        self.run(case).await.map_err(|error| error.to_value())
    }
}

/// Over plain HTTP, as the official client does it.
pub(super) struct Rest {
    url: String,
    client: reqwest::Client,
}

impl Rest {
    pub(super) fn new(url: String) -> Self {
        Self { url, client: reqwest::Client::new() }
    }
}

#[async_trait]
impl Way for Rest {
    async fn call(&mut self, case: &Case) -> Result<Value, Value> {
        let method = Method::named(&case.call);
        let verb = match method {
            Method::Find | Method::Get => reqwest::Method::GET,
            Method::Create | Method::Custom(_) => reqwest::Method::POST,
            Method::Update => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Remove => reqwest::Method::DELETE,
        };
        let mut url = format!("{}/{}", self.url, case.path.split('/').map(qs::encode).collect::<Vec<_>>().join("/"));
        match &case.id {
            Value::Null => {}
            Value::String(id) => url = format!("{url}/{}", qs::encode(id)),
            id => url = format!("{url}/{id}"),
        }
        let query = qs::stringify(&case.query);
        if !query.is_empty() {
            url = format!("{url}?{query}");
        }
        let mut request = self.client.request(verb, url);
        if method.has_data() {
            request = request.header(CONTENT_TYPE, "application/json").body(case.data.to_string());
        }
        if let Method::Custom(name) = &method {
            request = request.header("X-Service-Method", &**name);
        }
        let response = request.send().await.unwrap();
        let failed = !response.status().is_success();
        let code = response.status().as_u16();
        let body = response.text().await.unwrap();
        let value = if body.is_empty() { Value::Null } else { serde_json::from_str(&body).unwrap() };
        if failed {
            assert_eq!(value["code"], code, "the status is the code: {value}");
            return Err(value);
        }
        Ok(value)
    }
}

/// Over a Socket.IO connection.
pub(super) struct Socket(SocketClient);

impl Socket {
    pub(super) async fn new(url: &str) -> Self {
        Self(SocketClient::connect(url).await)
    }
}

#[async_trait]
impl Way for Socket {
    async fn call(&mut self, case: &Case) -> Result<Value, Value> {
        let method = Method::named(&case.call);
        let mut arguments = vec![json!(case.call), json!(case.path)];
        if method.has_id() {
            arguments.push(case.id.clone());
        }
        if method.has_data() {
            arguments.push(case.data.clone());
        }
        arguments.push(case.query.clone().into());
        let mut answer = self.0.call(&arguments.into()).await;
        match (answer.len(), answer.pop()) {
            (2, Some(result)) => Ok(result),
            (1, Some(error)) => Err(error),
            (length, _) => panic!("an answer of {length} arguments"),
        }
    }
}
