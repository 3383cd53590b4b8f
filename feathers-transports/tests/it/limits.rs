//! The bounds of the server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post as route;
use feathers_core::{Context, Document, Memory, Retention, hook};
use feathers_transports::{Cors, Running, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;

use crate::services::{Gate, standard};
use crate::support::{get, post, raw, send, serve_with};

/// How long anything may take that should happen at once.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn slow_heads_are_cut_off() {
    let server = serve_with(standard, |server| server.header_timeout(Duration::from_millis(100))).await;
    let started = Instant::now();
    // One client that says nothing, and one that stops in the middle.
    for bytes in [&b""[..], b"GET /echo HTTP/1.1\r\nhost:"] {
        let answer = raw(&server, bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn calls_that_take_too_long_are_a_408_and_are_finished_all_the_same() {
    let gate = Gate::default();
    let mounted = gate.clone();
    let server = serve_with(
        |app| {
            app.service("gate", mounted);
        },
        |server| server.request_timeout(Duration::from_millis(50)),
    )
    .await;
    post(&server, "/gate", "{}").await.assert_error(408, "Timeout", "no answer after 50ms");
    gate.go.notify_one();
    gate.done.notified().await;
}

#[tokio::test]
async fn what_a_request_reads_has_its_deadline() {
    const LIMIT: Duration = Duration::from_mins(10);
    let deadline = async |ctx: &mut Context| {
        let left = ctx.app().deadline().map(|deadline| deadline.duration_since(tokio::time::Instant::now()));
        let is_ours = left.map(|left| left > LIMIT / 2 && left <= LIMIT);
        ctx.result = Some(serde_json::json!({ "deadline": is_ours }).into());
        Ok(())
    };
    let build = |app: &mut feathers_core::App| {
        app.service("notes", Memory::<Document>::new()).before("all", deadline);
    };
    let server = serve_with(build, |server| server.request_timeout(LIMIT)).await;
    for path in ["/notes", "/notes/1"] {
        assert_eq!(get(&server, path).await.text, r#"{"deadline":true}"#, "{path}");
    }
    let posted = post(&server, "/notes", "{}").await.text;
    assert_eq!(posted, r#"{"deadline":null}"#, "a change is finished past any time");
}

/// Says when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[tokio::test]
async fn a_hook_that_waits_does_not_outlive_the_408() {
    let dropped = Arc::new(Notify::new());
    let waits = hook::with_state(dropped.clone(), async |dropped: &Arc<Notify>, _: &mut Context| {
        let _dropped = Dropped(dropped.clone());
        std::future::pending().await
    });
    let server = serve_with(
        |app| {
            app.service("notes", Memory::<Document>::new()).before("create", waits);
        },
        |server| server.request_timeout(Duration::from_millis(50)),
    )
    .await;
    post(&server, "/notes", "{}").await.assert_error(408, "Timeout", "no answer after 50ms");
    tokio::time::timeout(PATIENCE, dropped.notified()).await.expect("the call is dropped");
    assert_eq!(get(&server, "/notes").await.text, "[]");
}

#[tokio::test]
async fn one_address_does_not_push_out_the_events_of_others() {
    let server = serve_with(
        |app| {
            app.retention(Retention::default().count(20));
            app.service("notes", Memory::<Document>::new()).publish(|_, app| app.channel("all"));
        },
        |server| server.trusted_proxies(["127.0.0.1"]),
    )
    .await;
    let create = async |address: &str| {
        let headers = [("content-type", "application/json"), ("x-forwarded-for", address)];
        send(&server, "POST", "/notes", &headers, "{}").await
    };
    for _ in 0..30 {
        assert_eq!(create("10.0.0.1").await.status, 201, "alone it is not stopped");
    }
    assert_eq!(create("10.0.0.2").await.status, 201);
    for _ in 0..19 {
        assert_eq!(create("10.0.0.1").await.status, 201, "these push out its own");
    }
    let refused = create("10.0.0.1").await;
    refused.assert_error(429, "TooManyRequests", "too many changes, whose events would push out those of others");
    assert_eq!((refused.header("retry-after"), refused.json()["data"]["retryAfter"].as_u64()), (Some("60"), Some(60)));
    assert_eq!(create("10.0.0.2").await.status, 201);
}

#[tokio::test]
async fn bodies_that_trickle_are_a_408() {
    let server = serve_with(standard, |server| server.request_timeout(Duration::from_millis(50))).await;
    let request = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let answer = raw(&server, request).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"name\":\"Timeout\""), "{answer}");
}

#[tokio::test]
async fn the_limit_of_bodies_is_an_option_that_holds_for_own_routes_too() {
    let own = Router::new()
        .route("/own", route(|body: Bytes| async move { body.len().to_string() }))
        .route("/slow", route(std::future::pending::<()>));
    let server =
        serve_with(standard, |server| server.max_body(10).request_timeout(Duration::from_millis(50)).merge(own)).await;
    for path in ["/echo", "/own"] {
        post(&server, path, r#"{"a":"bcdef"}"#).await.assert_error(413, "BadRequest", "request entity too large");
    }
    assert_eq!(post(&server, "/own", "1234567890").await.text, "10");
    send(&server, "POST", "/slow", &[], "").await.assert_error(408, "Timeout", "no answer after 50ms");
}

/// Connects from an address of this machine, asks for a path, and keeps the connection. Returns the answer's status.
async fn ask_from(server: &Running, from: [u8; 4], path: &str) -> (TcpStream, u16, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(server.addr()).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\norigin: http://b\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let head_and_body = |answer: &[u8]| {
        let text = String::from_utf8_lossy(answer).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let length = head.to_lowercase().split_once("content-length: ")?.1.lines().next()?.parse::<usize>().ok()?;
        (body.len() >= length).then_some(text)
    };
    loop {
        if let Some(text) = head_and_body(&answer) {
            return (stream, text[9..12].parse().unwrap(), text);
        }
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "{}", String::from_utf8_lossy(&answer));
    }
}

/// Asks again until there is an answer of this status.
async fn until_answered(server: &Running, from: [u8; 4], status: u16) -> TcpStream {
    let asking = async {
        loop {
            let (stream, got, _) = ask_from(server, from, "/echo").await;
            if got == status {
                return stream;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("there is room again")
}

const HERE: [u8; 4] = [127, 0, 0, 1];
const THERE: [u8; 4] = [127, 0, 0, 2];

#[tokio::test]
async fn when_all_connections_are_taken_only_health_checks_are_answered() {
    let server = serve_with(standard, |server| server.max_connections(2)).await;
    let mut taken = Vec::new();
    for _ in 0..2 {
        let (stream, status, _) = ask_from(&server, HERE, "/echo").await;
        assert_eq!(status, 200);
        taken.push(stream);
    }
    let (mut third, status, answer) = ask_from(&server, HERE, "/echo").await;
    assert_eq!(status, 503, "{answer}");
    assert!(answer.contains("retry-after: 1") && answer.contains("\"name\":\"Unavailable\""), "{answer}");
    assert_eq!(third.read(&mut [0]).await.unwrap(), 0, "it is closed");
    let (mut check, status, _) = ask_from(&server, HERE, "/health/live").await;
    assert_eq!((status, check.read(&mut [0]).await.unwrap()), (200, 0));
    // A connection that says nothing there is closed soon, and makes room.
    let mut silent = TcpStream::connect(server.addr()).await.unwrap();
    let closed = tokio::time::timeout(PATIENCE, silent.read(&mut [0])).await.expect("it is closed");
    assert_eq!(closed.unwrap_or_default(), 0);
    taken.pop();
    until_answered(&server, HERE, 200).await;
}

#[tokio::test]
async fn one_address_does_not_have_the_connections_of_all() {
    let server = serve_with(standard, |server| server.max_connections_per_address(2)).await;
    let mut taken = Vec::new();
    for _ in 0..2 {
        taken.push(ask_from(&server, HERE, "/echo").await.0);
    }
    let (_, status, answer) = ask_from(&server, HERE, "/echo").await;
    assert_eq!(status, 429, "{answer}");
    assert!(answer.contains("retry-after: 1") && answer.contains("too many connections from this address"), "{answer}");
    assert_eq!(ask_from(&server, HERE, "/health/ready").await.1, 200);
    assert_eq!(ask_from(&server, THERE, "/echo").await.1, 200);
    taken.pop();
    until_answered(&server, HERE, 200).await;
    // A proxy is not one client.
    let proxied = |server: Server| server.max_connections_per_address(1).trusted_proxies(["127.0.0.1"]);
    let server = serve_with(standard, proxied).await;
    for _ in 0..3 {
        let (stream, status, _) = ask_from(&server, HERE, "/echo").await;
        assert_eq!(status, 200);
        taken.push(stream);
    }
}

#[tokio::test]
async fn heads_have_a_limit_and_pages_can_read_that() {
    let server = serve_with(standard, |server| server.cors(Cors::any())).await;
    let header = |bytes: usize| format!("x-long: {}\r\n", "x".repeat(bytes));
    let ask = async |path: &str, more: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\norigin: http://b\r\nconnection: close\r\n{more}\r\n");
        raw(&server, request.as_bytes()).await
    };
    assert!(ask("/echo", &header(32 << 9)).await.starts_with("HTTP/1.1 200"));
    for (path, more, status) in [
        ("/echo".to_owned(), header(33 << 10), "431"),
        (format!("/echo?{}", "x".repeat(20_000)), header(20_000), "431"),
        (format!("/echo?{}", "x".repeat(33 << 10)), String::new(), "414"),
    ] {
        let answer = ask(&path, &more).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains("access-control-allow-origin: *"), "{answer}");
        assert!(answer.contains("in the body of a POST, or over a socket"), "{answer}");
        assert!(answer.contains(&format!("\"code\":{status}")), "{answer}");
    }
    // A head far past the limit is not read to its end.
    let answer = ask("/echo", &header(300 << 10)).await;
    assert!(answer.starts_with("HTTP/1.1 431") && !answer.contains("content-type"), "{answer}");
    let server = serve_with(standard, |server| server.head_limit(5_000)).await;
    let long = [("x-long", &*"x".repeat(6_000))];
    send(&server, "GET", "/echo", &long, "").await.assert_error(
        431,
        "BadRequest",
        "the head of the request is longer than 5000 bytes: send what is long in the body of a POST, or over a socket",
    );
}
