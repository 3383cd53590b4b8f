//! An app with events, and clients that read them from a real server or in-process.

use std::pin::Pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use feathers_core::{App, AppHandle, Connection, Document, Memory, Mount, Payload, Retention};
use feathers_transports::{Realtime, Running, Server};
use futures_util::{Stream, StreamExt};
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

/// Sends a request over a socket.
pub(crate) async fn send(server: &Running, method: &str, path: &str, headers: &[(&str, &str)]) -> reqwest::Response {
    let mut request = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .request(method.parse().unwrap(), format!("{}{path}", server.url()));
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

/// One block of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) event: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) retry: Option<String>,
    pub(crate) data: Option<String>,
}

impl Block {
    pub(crate) fn parse(text: &str) -> Self {
        let mut block = Self::default();
        for line in text.split('\n') {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            let slot = match field {
                "event" => &mut block.event,
                "id" => &mut block.id,
                "retry" => &mut block.retry,
                "data" => &mut block.data,
                _ => panic!("unknown line {line:?}"),
            };
            assert_eq!(slot.replace(value.to_owned()), None, "twice: {line}");
        }
        block
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.data.as_ref().unwrap()).unwrap()
    }

    /// Returns the type of the event as `EventSource` has it.
    pub(crate) fn kind(&self) -> &str {
        self.event.as_deref().unwrap_or("message")
    }

    /// Returns the number of an event `ticked`.
    pub(crate) fn n(&self) -> u64 {
        assert_eq!(self.kind(), "message", "{self:?}");
        self.json()["data"]["n"].as_u64().unwrap_or_else(|| panic!("{self:?}"))
    }
}

/// A client of a stream.
pub(crate) struct Events {
    chunks: Pin<Box<dyn Stream<Item = Option<Bytes>> + Send>>,
    text: String,
    /// The last id, as `EventSource` would send it.
    pub(crate) last_id: String,
    /// Whether the stream was cut off, and has not ended as a body should.
    pub(crate) cut: bool,
}

impl Events {
    fn new(chunks: impl Stream<Item = Option<Bytes>> + Send + 'static) -> Self {
        Self { chunks: Box::pin(chunks), text: String::new(), last_id: String::new(), cut: false }
    }

    /// Returns the next chunk, or what has not been parsed of one yet.
    pub(crate) async fn chunk(&mut self) -> Option<Bytes> {
        let chunk = tokio::time::timeout(PATIENCE, self.chunks.next()).await.expect("nothing comes");
        self.cut |= matches!(chunk, Some(None));
        chunk.flatten()
    }

    /// Returns the next block; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block = Block::parse(&self.text[..end]);
                self.text.drain(..end + 2);
                if let Some(id) = &block.id {
                    self.last_id.clone_from(id);
                }
                return Some(block);
            }
            let chunk = self.chunk().await?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Reads what a stream begins with and returns the data of `ready`.
    pub(crate) async fn ready(&mut self) -> Value {
        let ready = self.next().await.unwrap();
        assert_eq!((ready.kind(), ready.retry.as_deref()), ("ready", Some("2000")));
        ready.json()["data"].clone()
    }

    /// Reads so many events and returns their numbers.
    pub(crate) async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            numbers.push(self.next().await.unwrap().n());
        }
        numbers
    }
}

/// Returns the numbers of a poll's events.
pub(crate) fn numbers(poll: &Value) -> Vec<u64> {
    poll["events"].as_array().unwrap().iter().map(|event| event["data"]["n"].as_u64().unwrap()).collect()
}
