//! A server to ask, and how to ask it.

use feathers_core::App;
use feathers_transports::{Running, Server};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Serves an app with the default options on a free port.
pub(crate) async fn serve(build: impl FnOnce(&mut App)) -> Running {
    serve_with(build, |server| server).await
}

/// Serves an app on a free port.
pub(crate) async fn serve_with(build: impl FnOnce(&mut App), options: impl FnOnce(Server) -> Server) -> Running {
    let mut app = App::new();
    build(&mut app);
    options(Server::new(app).bind("127.0.0.1:0")).start().await.unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {:?}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Checks that this is an error of Feathers with all its fields.
    #[track_caller]
    pub(crate) fn assert_error(&self, code: u16, name: &str, message: &str) {
        let json = self.json();
        assert_eq!(
            (self.status, json["code"].as_u64(), json["name"].as_str(), json["message"].as_str()),
            (code, Some(code.into()), Some(name), Some(message)),
            "{self:?}"
        );
        assert!(json["className"].is_string());
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"));
    }
}

/// Sends a request without a body.
pub(crate) async fn get(server: &Running, path: &str) -> Answer {
    send(server, "GET", path, &[], "").await
}

/// Sends JSON.
pub(crate) async fn post(server: &Running, path: &str, json: &str) -> Answer {
    send(server, "POST", path, &[("content-type", "application/json")], json.to_owned()).await
}

/// Sends a request.
pub(crate) async fn send(
    server: &Running,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request =
        client().request(Method::from_bytes(method.as_bytes()).unwrap(), format!("{}{path}", server.url()));
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request = request.header(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let response = request.body(body).send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

fn client() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// Sends bytes and returns everything that comes back until the server closes.
pub(crate) async fn raw(server: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut out = Vec::new();
    stream.read_to_end(&mut out).await.unwrap();
    String::from_utf8_lossy(&out).into_owned()
}
