//! Refusals that come while the client still sends: it can read each of them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use feathers_core::Error;
use feathers_transports::{RateLimit, Running, error_response};
use http::StatusCode;

use crate::services::standard;
use crate::support::serve_with;

/// Much more than the buffers of a connection hold.
const LENGTH: usize = 5 << 20;
const TRIES: usize = 2;

/// Sends a head and a body as a client does that reads only after it has sent everything, and reads the answer.
fn send_all(address: SocketAddr, head: &str, chunked: bool) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let framing = if chunked { "transfer-encoding: chunked".to_owned() } else { format!("content-length: {LENGTH}") };
    stream.write_all(format!("{head}\r\nhost: a\r\n{framing}\r\n\r\n").as_bytes())?;
    let piece = vec![b' '; 64 << 10];
    for _ in 0..LENGTH / piece.len() {
        if chunked {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
        }
        stream.write_all(&piece)?;
        if chunked {
            stream.write_all(b"\r\n")?;
        }
    }
    if chunked {
        stream.write_all(b"0\r\n\r\n")?;
    }
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

async fn start() -> Running {
    serve_with(standard, |server| {
        server.map_router(|router| {
            router.layer(from_fn(async |request: Request, next: Next| {
                match request.headers().get("x-refuse").map(|code| StatusCode::from_bytes(code.as_bytes()).unwrap()) {
                    Some(code) if code == StatusCode::UNAUTHORIZED => {
                        error_response(&Error::not_authenticated("who are you?"))
                    }
                    Some(code) => code.into_response(),
                    None => next.run(request).await,
                }
            }))
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_read_by_a_client_that_still_sends() {
    let server = start().await;
    let json = "content-type: application/json";
    let deep = "[a]".repeat(50);
    let echo = format!("POST /echo?x{deep}=1 HTTP/1.1\r\n{json}");
    let mut clients = tokio::task::JoinSet::new();
    for (head, status) in [
        ("POST /nope HTTP/1.1", 404),
        ("POST /findonly HTTP/1.1", 405),
        (&echo, 400),
        ("POST /echo HTTP/1.1\r\nx-refuse: 401", 401),
        ("POST /echo HTTP/1.1\r\nx-refuse: 415", 415),
        (&format!("POST /echo HTTP/1.1\r\n{json}"), 413),
        ("POST /socket.io/?EIO=4&transport=polling&sid=nope HTTP/1.1", 400),
        ("POST /realtime HTTP/1.1", 405),
        ("POST /health/live HTTP/1.1", 405),
    ] {
        for chunked in [false, true].repeat(TRIES) {
            let (address, head) = (server.addr(), head.to_owned());
            clients.spawn_blocking(move || {
                let text = send_all(address, &head, chunked);
                let text = text.unwrap_or_else(|error| panic!("{error}, chunked: {chunked}, {head}"));
                assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{head}: {text}");
            });
        }
    }
    clients.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_past_its_rate_reads_so_although_it_still_sends() {
    let server = serve_with(standard, |server| server.rate_limit(RateLimit::per_minute(1).burst(1))).await;
    let mut statuses = Vec::new();
    for _ in 0..=TRIES {
        let address = server.addr();
        let send = move || send_all(address, "POST /nope HTTP/1.1", false);
        let text = tokio::task::spawn_blocking(send).await.unwrap().unwrap();
        statuses.push(text.split(' ').nth(1).unwrap().to_owned());
    }
    assert_eq!(statuses, ["404", "429", "429"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_waits_for_a_go_ahead_is_not_waited_for() {
    let server = start().await;
    let address = server.addr();
    let text = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let head = "POST /nope HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5000000\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        // A server that threw bytes away would take them for half a minute.
        let sent = (0..500).try_for_each(|_| {
            stream.write_all(b"x")?;
            std::thread::sleep(Duration::from_millis(20));
            Ok::<_, std::io::Error>(())
        });
        assert!(sent.is_err(), "the connection is still there");
        text
    });
    let text = text.await.unwrap();
    assert!(text.starts_with("HTTP/1.1 404 ") && !text.contains("100 Continue"), "{text}");
}

#[tokio::test]
async fn a_request_says_once_whom_it_is_for() {
    let server = start().await;
    for (head, status) in [
        ("GET /echo HTTP/1.1\r\n", 400),
        ("GET /echo HTTP/1.1\r\nhost: a\r\nhost: b\r\n", 400),
        ("GET /echo HTTP/1.1\r\nhost: a\r\nhost: a\r\n", 400),
        ("GET /health/live HTTP/1.1\r\n", 400),
        ("GET /realtime HTTP/1.1\r\n", 400),
        ("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n", 400),
        ("GET /echo HTTP/1.0\r\nhost: a\r\nhost: b\r\n", 400),
        ("GET /echo HTTP/1.0\r\n", 200),
        ("GET /echo HTTP/1.1\r\nhost: a\r\n", 200),
    ] {
        let text = crate::support::raw(&server, format!("{head}connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(text.split(' ').nth(1), Some(&*status.to_string()), "{head}: {text}");
        if status == 400 {
            assert!(text.contains(r#""className":"bad-request""#) && text.contains("Host"), "{text}");
        }
    }
}
