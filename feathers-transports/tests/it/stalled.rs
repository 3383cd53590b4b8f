//! Clients that never read: their connections are closed, whatever they were opened for, and others go on.

use std::time::{Duration, Instant};

use feathers_core::{App, AppHandle, Descriptor, Method, Payload, Request, Result, Service, async_trait};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::serve_with;

const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(30);

/// More than the buffers of the operating system hold for a client.
const EVENTS: usize = 128;
const EVENT_BYTES: usize = 256 << 10;

/// Answers with many bytes, and has an event.
struct Big;

#[async_trait]
impl Service for Big {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Find]).events(["ticked"])
    }

    async fn call(&self, _request: Request<'_>) -> Result<Payload> {
        Ok(json!("x".repeat(EVENTS * EVENT_BYTES)).into())
    }
}

/// Opens a connection that does not read from now on, and sends the client's part of the beginning.
///
/// There is room for two connections. One other client reads all events meanwhile; a third is refused until the
/// first has been closed.
async fn check(beginning: &[u8], is_listener: bool) {
    let server = serve_with(
        |app: &mut App| {
            app.service("big", Big).publish(|_event, app| app.channel("everybody"));
            app.on_connect(|connection, app| app.channel("everybody").join(connection));
        },
        |server| server.write_timeout(WRITE_TIMEOUT).max_connections(2),
    )
    .await;
    let handle = server.handle().clone();
    let started = Instant::now();
    let mut silent = TcpStream::connect(server.addr()).await.unwrap();
    silent.write_all(beginning).await.unwrap();
    let listeners = usize::from(is_listener);
    until_connections(&handle, listeners).await;
    let mut reader = TcpStream::connect(server.addr()).await.unwrap();
    reader.write_all(b"GET /realtime?transport=sse HTTP/1.0\r\nhost: a\r\n\r\n").await.unwrap();
    until_connections(&handle, listeners + 1).await;
    let asks = async || {
        let mut third = TcpStream::connect(server.addr()).await.unwrap();
        third.write_all(b"GET /nosuch HTTP/1.0\r\nhost: a\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        // A connection that is closed unread was refused too.
        third.read_to_string(&mut answer).await.map_or_else(|_| String::new(), |_| answer)
    };
    assert!(asks().await.starts_with("HTTP/1.0 503"));

    let text = Value::from("x".repeat(EVENT_BYTES));
    for n in 0..EVENTS {
        handle.service("big").unwrap().emit("ticked", json!({ "n": n, "text": text }));
    }
    let read = async {
        let mut lines = BufReader::new(reader);
        let mut seen = 0;
        let mut line = String::new();
        while seen < EVENTS {
            line.clear();
            assert_ne!(lines.read_line(&mut line).await.unwrap(), 0);
            let expected = format!("\"n\":{seen},");
            seen += usize::from(line.starts_with("data:") && line.contains(&expected));
        }
        lines
    };
    let reader = tokio::time::timeout(PATIENCE, read).await.expect("the other client reads on");

    let place = async { while !asks().await.starts_with("HTTP/1.0 404") {} };
    tokio::time::timeout(PATIENCE, place).await.expect("a place becomes free");
    assert!(started.elapsed() >= WRITE_TIMEOUT);
    until_connections(&handle, 1).await;
    let mut rest = Vec::new();
    // Bytes that were sent are still there to read; how the connection ends is up to the operating system.
    let _ = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut rest)).await.expect("the connection is closed");
    assert!(rest.len() < EVENTS * EVENT_BYTES, "{}", rest.len());
    drop(reader);
}

async fn until_connections(handle: &AppHandle, count: usize) {
    let waiting = async {
        while handle.connections() != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("a number of connections");
}

/// The beginning of a WebSocket, and one message on it. The mask is zero, so that the message can be read here.
fn websocket(path: &str, message: &str) -> Vec<u8> {
    let mut bytes = format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes();
    let length = u8::try_from(message.len()).unwrap();
    assert!(length < 126);
    bytes.extend([0x81, 0x80 | length, 0, 0, 0, 0]);
    bytes.extend(message.as_bytes());
    bytes
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    check(b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n", false).await;
}

#[tokio::test]
async fn a_stream_that_nobody_reads_is_given_up() {
    check(b"GET /realtime?transport=sse HTTP/1.1\r\nhost: a\r\n\r\n", true).await;
}

#[tokio::test]
async fn a_websocket_that_nobody_reads_is_given_up() {
    check(&websocket("/realtime", r#"{"jsonrpc":"2.0","id":1,"method":"$hello"}"#), true).await;
}

#[cfg(feature = "socketio")]
#[tokio::test]
async fn a_socketio_client_that_does_not_read_is_given_up() {
    check(&websocket("/socket.io/?EIO=4&transport=websocket", "40"), true).await;
}
