//! An app with events, and clients that read them from a real server or in-process.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use feathers_core::{App, AppHandle, Connection, Document, Memory, Mount, Payload, Retention};
use feathers_testing::sse::{Block, Events};
use feathers_transports::{Realtime, Running, Server};
use futures_util::StreamExt;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// How long anything may take that should happen at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The header that names a session by its secret.
pub(crate) const CONNECTION_TOKEN: &str = "x-connection-token";

/// A name of an event that would end a line, and begin others.
pub(crate) const NASTY: &str = "a\r\n\r\ndata: b\n\nid: c";

/// Mounts notes with custom events.
pub(crate) fn notes<'a>(app: &'a mut App, path: &str) -> &'a mut Mount<Document> {
    app.service(path, Memory::<Document>::new()).events(["ticked", "finished", NASTY])
}

/// An app whose clients are all in the channel `everybody`, where the events of `notes` go.
/// Those of `quiet` go nowhere.
pub(crate) fn app() -> App {
    let mut app = App::new();
    notes(&mut app, "notes").publish(|_, app| app.channel("everybody"));
    notes(&mut app, "quiet").publish(|_, app| app.channel("nobody"));
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    app
}

/// Keeps so many events.
pub(crate) fn kept(count: usize) -> Retention {
    Retention::default().count(count)
}

/// Serves an app on a free port with this realtime transport.
pub(crate) async fn serve(app: App, realtime: Realtime) -> Running {
    let rest = feathers_transports::Rest::new();
    Server::new(app).without_defaults().transport(rest).transport(realtime).bind("127.0.0.1:0").start().await.unwrap()
}

/// Serves an app on the address of another server.
pub(crate) async fn serve_at(app: App, listener: TcpListener) -> Running {
    Server::new(app).listener(listener).start().await.unwrap()
}

/// Serves an app without a socket.
pub(crate) async fn inside(app: App, realtime: Realtime) -> Inside {
    let rest = feathers_transports::Rest::new();
    let server = Server::new(app).without_defaults().transport(rest).transport(realtime);
    let (handle, router) = server.into_router().await.unwrap();
    Inside { handle, router }
}

/// Publishes the numbers as events `ticked`.
pub(crate) fn tick(handle: &AppHandle, numbers: impl IntoIterator<Item = u64>) {
    let notes = handle.service("notes").unwrap();
    for n in numbers {
        notes.emit("ticked", Payload::from(json!({ "n": n })));
    }
}

/// Publishes events that reach no client.
pub(crate) fn pass(handle: &AppHandle, count: u64) {
    let quiet = handle.service("quiet").unwrap();
    for n in 0..count {
        quiet.emit("ticked", Payload::from(json!({ "n": n })));
    }
}

/// Waits until the app has so many connections.
pub(crate) async fn until_connections(handle: &AppHandle, count: usize) {
    tokio::time::timeout(PATIENCE, async {
        while handle.connections() != count {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap_or_else(|_| panic!("{} connections, not {count}", handle.connections()));
}

/// Returns the only member of the channel `everybody`.
pub(crate) fn only_member(handle: &AppHandle) -> Connection {
    let [connection] = handle.channel("everybody").connections().try_into().unwrap();
    connection
}

/// A server without a socket.
#[derive(Clone)]
pub(crate) struct Inside {
    pub(crate) handle: AppHandle,
    router: Router,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Inside {
    pub(crate) async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        Response { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.request(method, path, headers, body).await.read().await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// Opens a stream.
    pub(crate) async fn sse(&self, query: &str) -> Events {
        self.request("GET", &format!("/realtime?transport=sse{query}"), &[], "").await.events()
    }
}

/// An answer whose body has not been read.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
}

impl Response {
    pub(crate) async fn read(self) -> Answer {
        let text = self.body.collect().await.unwrap().to_bytes();
        Answer { status: self.status, headers: self.headers, text: String::from_utf8(text.to_vec()).unwrap() }
    }

    /// Reads what there is in an answer that is cut off.
    pub(crate) async fn read_cut(self) -> Answer {
        let (status, headers) = (self.status, self.headers.clone());
        let mut events = self.events();
        let mut text = String::new();
        while let Some(chunk) = events.chunk().await {
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        assert!(events.cut, "the answer has a proper end: {text}");
        Answer { status, headers, text }
    }

    pub(crate) fn events(self) -> Events {
        assert_eq!(self.status, 200);
        Events::new(self.body.into_data_stream().map(Result::ok))
    }
}

/// What sends requests, each on a connection of its own. To make one costs much more than a request.
static HTTP: LazyLock<reqwest::Client> =
    LazyLock::new(|| reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap());

/// Sends a request over a socket.
pub(crate) async fn send(server: &Running, method: &str, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = HTTP.request(method.parse().unwrap(), format!("{}{path}", server.url()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

/// Sends a request over a socket and reads the answer.
pub(crate) async fn ask(server: &Running, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let response = send(server, method, path, headers).await;
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: response.text().await.unwrap() }
}

/// Sends a request over a socket and reads what there is in an answer that is cut off.
pub(crate) async fn ask_cut(server: &Running, path: &str, headers: &[(&str, &str)]) -> Answer {
    let response = send(server, "GET", path, headers).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = Body::from_stream(response.bytes_stream());
    Response { status, headers, body }.read_cut().await
}

/// Returns after how many milliseconds a refused stream says to come again.
pub(crate) fn retry_of(answer: &Answer) -> u64 {
    let block = Block::parse(answer.text.strip_suffix("\n\n").unwrap());
    let retry: u64 = block.retry.as_ref().unwrap().parse().unwrap();
    let data = json!({ "path": "realtime", "event": "busy", "data": { "retryAfterMs": retry } });
    assert_eq!((block.kind(), &block.id, block.json()), ("ready", &None, data));
    retry
}

/// Opens a stream over a socket, as `EventSource` does.
pub(crate) async fn listen(server: &Running, query: &str, headers: &[(&str, &str)]) -> Events {
    let mut all = vec![("accept", "text/event-stream"), ("cache-control", "no-cache")];
    all.extend(headers);
    let response = send(server, "GET", &format!("/realtime{query}"), &all).await;
    assert_eq!(response.status(), 200);
    Events::new(response.bytes_stream().map(Result::ok))
}

/// Returns the numbers of a poll's events.
pub(crate) fn numbers(poll: &Value) -> Vec<u64> {
    poll["events"].as_array().unwrap().iter().map(|event| event["data"]["n"].as_u64().unwrap()).collect()
}
