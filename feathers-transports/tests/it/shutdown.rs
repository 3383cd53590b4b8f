//! How the server stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use feathers_core::{AppHandle, Descriptor, Payload, Request, Result, Service, async_trait};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::services::{Gate, standard};
use crate::support::{get, send, serve_with};

const FIND: &[u8] = b"GET /gate HTTP/1.1\r\nhost: a\r\n\r\n";

/// Notes its teardown.
struct Closing(Arc<AtomicBool>);

#[async_trait]
impl Service for Closing {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::default()
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        request.unknown_method()
    }

    async fn teardown(&self, _app: &AppHandle, _path: &str) -> Result<()> {
        self.0.store(true, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn a_call_under_way_is_answered_before_the_services_close() {
    let (gate, closed) = (Gate::default(), Arc::new(AtomicBool::new(false)));
    let (mounted, closing) = (gate.clone(), closed.clone());
    let server = serve_with(
        |app| {
            app.service("gate", mounted);
            app.service("closing", Closing(closing));
        },
        |server| server.shutdown_timeout(Duration::from_mins(1)),
    )
    .await;
    let (address, handle) = (server.addr(), server.handle().clone());
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(FIND).await.unwrap();
    gate.entered.notified().await;
    // Two connections that the server may close: one without a request, and one that is idle between calls.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"HEAD /health/live HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(idle.read_u8().await.unwrap());
    }

    let stopping = tokio::spawn(server.stop());
    handle.stopping().await;
    for waiting in [&mut silent, &mut idle] {
        let mut nothing = Vec::new();
        waiting.read_to_end(&mut nothing).await.unwrap_or_default();
        assert!(nothing.is_empty());
    }
    assert!(!closed.load(Ordering::SeqCst));

    gate.go.notify_one();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"done":true}"#), "{answer}");
    stopping.await.unwrap().unwrap();
    assert!(closed.load(Ordering::SeqCst));
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_call_that_does_not_end_is_waited_for_only_so_long() {
    let gate = Gate::default();
    let mounted = gate.clone();
    let server = serve_with(
        |app| {
            app.service("gate", mounted);
        },
        |server| server.shutdown_timeout(Duration::from_millis(100)),
    )
    .await;
    let mut stuck = TcpStream::connect(server.addr()).await.unwrap();
    stuck.write_all(FIND).await.unwrap();
    gate.entered.notified().await;
    let started = Instant::now();
    server.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
    let mut nothing = Vec::new();
    stuck.read_to_end(&mut nothing).await.unwrap_or_default();
    assert!(nothing.is_empty());
}

#[tokio::test]
async fn a_shutdown_of_the_app_stops_the_server() {
    let server = serve_with(standard, |server| server).await;
    assert_eq!(get(&server, "/echo").await.status, 200);
    server.handle().shutdown(Duration::from_mins(1)).await.unwrap();
    assert!(TcpStream::connect(server.addr()).await.is_err());
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_polling_client_that_has_gone_does_not_hold_the_stop_up() {
    for closes in [false, true] {
        let server = serve_with(standard, |server| server).await;
        let path = "/socket.io/?EIO=4&transport=polling";
        let open = get(&server, path).await;
        let sid = serde_json::from_str::<Value>(&open.text[1..]).unwrap()["sid"].as_str().unwrap().to_owned();
        let path = format!("{path}&sid={sid}");
        let packets = async |body: &'static str| assert_eq!(send(&server, "POST", &path, &[], body).await.text, "ok");
        packets("40").await;
        assert!(get(&server, &path).await.text.starts_with("40{"));
        packets(r#"421["find","echo"]"#).await;
        if closes {
            packets("1").await;
        }
        // The answer is never asked for.
        let started = Instant::now();
        server.stop().await.unwrap();
        let bound = Duration::from_secs(if closes { 1 } else { 4 });
        assert!(started.elapsed() < bound, "closes: {closes}, {:?}", started.elapsed());
    }
}
