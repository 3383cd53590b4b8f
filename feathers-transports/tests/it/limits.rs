//! The bounds of the server.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post as route;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::services::{Gate, standard};
use crate::support::{get, post, raw, send, serve_with};

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
        serve_with(standard, |server| server.body_limit(10).request_timeout(Duration::from_millis(50)).merge(own))
            .await;
    for path in ["/echo", "/own"] {
        post(&server, path, r#"{"a":"bcdef"}"#).await.assert_error(413, "BadRequest", "request entity too large");
    }
    assert_eq!(post(&server, "/own", "1234567890").await.text, "10");
    send(&server, "POST", "/slow", &[], "").await.assert_error(408, "Timeout", "no answer after 50ms");
}

#[tokio::test]
async fn more_connections_than_allowed_wait() {
    let server = serve_with(standard, |server| server.max_connections(2)).await;
    let request = b"GET /echo HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut taken = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(server.addr()).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        taken.push(stream);
    }
    let mut third = TcpStream::connect(server.addr()).await.unwrap();
    third.write_all(request).await.unwrap();
    let mut first = [0; 12];
    // Nothing comes while the two others are open; it comes as soon as one has gone.
    assert!(tokio::time::timeout(Duration::from_millis(200), third.read_exact(&mut first)).await.is_err());
    taken.pop();
    third.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    drop(taken);
    assert_eq!(get(&server, "/echo").await.status, 200);
}
