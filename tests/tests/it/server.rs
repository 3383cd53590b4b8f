//! What the tests of this crate share: a peer with a client for each transport.

use feathers::log::Retention;
use feathers::prelude::*;
use feathers::transports::Running;
use feathers_tests::client::SocketClient;
use feathers_tests::peer;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// A peer in this process, and a client to send it anything at all over REST.
pub(crate) struct Peer {
    running: Running,
    http: reqwest::Client,
}

impl Peer {
    pub(crate) async fn start() -> Self {
        Self { running: peer::start().await, http: reqwest::Client::new() }
    }

    /// Starts one whose log has room for so many events, so that one client may make many.
    pub(crate) async fn keeping(events: usize) -> Self {
        let mut app = peer::app().unwrap();
        app.retention(Retention::default().count(events));
        let running = Server::new(app).bind("127.0.0.1:0").start().await.unwrap();
        Self { running, http: reqwest::Client::new() }
    }

    pub(crate) fn url(&self) -> String {
        self.running.url()
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url()))
    }

    /// Sends a body as JSON, whatever it is.
    pub(crate) fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, path).header("content-type", "application/json").body(body)
    }

    pub(crate) async fn socket(&self) -> SocketClient {
        SocketClient::connect(&self.url()).await
    }

    /// Checks that the peer still answers on both transports.
    pub(crate) async fn serves_on(&self) {
        let answer = self.request(Method::GET, "/findonly").send().await.unwrap();
        assert_eq!((answer.status(), answer.text().await.unwrap()), (StatusCode::OK, "[]".into()));
        assert_eq!(self.socket().await.call(&json!(["find", "findonly"])).await, [json!(null), json!([])]);
    }

    /// Returns all records of a service, to see that nothing was stored by half.
    pub(crate) async fn records(&self, path: &str) -> Value {
        let records = self.running.handle().service(path).unwrap().find(()).await.unwrap();
        records.value().unwrap().clone()
    }
}

/// Checks that a response is a full Feathers error, and returns it.
pub(crate) async fn feathers_error(request: RequestBuilder, status: u16, name: &str) -> Value {
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json; charset=utf-8");
    let got = answer.status().as_u16();
    let error: Value = answer.json().await.unwrap();
    assert_eq!((got, error["name"].as_str()), (status, Some(name)), "{error}");
    assert_eq!(error["code"], status, "{error}");
    assert!(
        error["className"].is_string() && error["message"].as_str().is_some_and(|text| !text.is_empty()),
        "{error}"
    );
    error
}

/// Checks that the answer to a call over a socket is a Feathers error, and returns it.
pub(crate) fn socket_error(answer: &[Value], name: &str) -> Value {
    assert_eq!(answer.len(), 1, "an error has one argument: {answer:?}");
    assert_eq!(answer[0]["name"], name, "{answer:?}");
    assert!(answer[0]["message"].as_str().is_some_and(|text| !text.is_empty()), "{answer:?}");
    answer[0].clone()
}
