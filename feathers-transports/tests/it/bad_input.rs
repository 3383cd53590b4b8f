//! Hostile and broken requests: each gets a clear answer, and the server serves on.

use feathers_transports::Running;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::services::{Gate, standard};
use crate::support::{get, post, raw, send, serve};

async fn assert_alive(server: &Running) {
    assert_eq!(get(server, "/echo").await.status, 200);
}

#[tokio::test]
async fn invalid_text_in_ids_and_placeholders_is_a_400() {
    let server = serve(standard).await;
    get(&server, "/echo/%ff").await.assert_error(400, "BadRequest", "the path is not valid UTF-8");
    get(&server, "/echo/a%00b").await.assert_error(400, "BadRequest", "the path must not contain a NUL character");
    get(&server, "/users/%00/messages").await.assert_error(
        400,
        "BadRequest",
        "the path must not contain a NUL character",
    );
    assert_alive(&server).await;
}

#[tokio::test]
async fn invalid_utf_8_in_a_body_is_a_400() {
    let server = serve(standard).await;
    for content_type in ["application/json", "text/plain", "application/x-www-form-urlencoded"] {
        let body = b"{\"a\":\"\xff\"}".to_vec();
        let answer = send(&server, "POST", "/echo", &[("content-type", content_type)], body).await;
        assert_eq!((answer.status, &answer.json()["name"]), (400, &"BadRequest".into()), "{content_type} {answer:?}");
        assert!(answer.text.contains("UTF-8"), "{answer:?}");
    }
    assert_alive(&server).await;
}

#[tokio::test]
async fn deep_json_is_a_400() {
    let server = serve(standard).await;
    let text = format!(r#"{{"a":"\"{}"}}"#, "[".repeat(500));
    assert_eq!(post(&server, "/echo", &text).await.status, 201);
    let fits = format!("{}{}", "[".repeat(100), "]".repeat(100));
    assert_eq!(post(&server, "/echo", &fits).await.status, 201);
    for depth in [101, 100_000] {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let answer = post(&server, "/echo", &body).await;
        answer.assert_error(400, "BadRequest", "Invalid JSON: nested deeper than 100 levels at byte 100");
    }
    assert_alive(&server).await;
}

#[tokio::test]
async fn deep_and_huge_queries_are_a_400() {
    let server = serve(standard).await;
    let deep = format!("/echo?a{}=1", "[b]".repeat(50));
    let many: Vec<_> = (0..6_000).map(|n| format!("{n:x}")).collect();
    for path in [deep, format!("/echo?{}", many.join("&")), "/echo?a[5000]=1".to_owned()] {
        let answer = get(&server, &path).await;
        assert_eq!((answer.status, &answer.json()["name"]), (400, &"BadRequest".into()), "{answer:?}");
    }
    let request = format!("GET /echo?{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(300_000));
    // More than is read of a head.
    assert!(raw(&server, request.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert_alive(&server).await;
}

#[tokio::test]
async fn a_body_of_10_mb_is_a_413() {
    let server = serve(standard).await;
    let big = format!(r#"{{"a":"{}"}}"#, "x".repeat(10 << 20));
    post(&server, "/echo", &big).await.assert_error(413, "BadRequest", "request entity too large");
    // The same without a length in advance.
    let pieces = (0..160).map(|_| Ok::<_, std::io::Error>("x".repeat(64 << 10)));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let answer = send(&server, "POST", "/echo", &[("content-type", "text/plain")], body).await;
    answer.assert_error(413, "BadRequest", "request entity too large");
    let fits = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_000_000));
    assert_eq!(post(&server, "/echo", &fits).await.status, 201);
}

#[tokio::test]
async fn a_client_that_waits_to_send_too_much_is_told_at_once() {
    let server = serve(standard).await;
    let request = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\nexpect: 100-continue\r\n\r\n";
    let answer = raw(&server, request).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let server = serve(standard).await;
    for bytes in [&b"hello\r\n\r\n"[..], b"GET /echo\xff HTTP/1.1\r\n\r\n", b"GET /echo HTTP/1.1\r\nbad header\r\n\r\n"]
    {
        assert!(raw(&server, bytes).await.starts_with("HTTP/1.1 400"));
    }
    assert_alive(&server).await;
}

#[tokio::test]
async fn a_service_that_panics_is_a_500() {
    let server = serve(standard).await;
    get(&server, "/errors/panic").await.assert_error(500, "GeneralError", "Internal server error");
    post(&server, "/errors", "{}").await.assert_error(500, "GeneralError", "Internal server error");
    assert_alive(&server).await;
}

#[tokio::test]
async fn a_call_is_finished_when_the_client_vanishes() {
    let gate = Gate::default();
    let mounted = gate.clone();
    let server = serve(|app| {
        standard(app);
        app.service("gate", mounted);
    })
    .await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let request = b"POST /gate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
    stream.write_all(request).await.unwrap();
    gate.entered.notified().await;
    drop(stream);
    assert_alive(&server).await;
    gate.go.notify_one();
    gate.done.notified().await;
}
