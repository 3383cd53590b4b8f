//! Hostile clients, each of one kind.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};

use super::options::Options;
use super::socket::{connect, drain, frame, message, trickle_in, trickle_out, upgrade};

/// How many attempts of one client are under way at the same time.
const AT_ONCE: usize = 2;
/// How long one takes at most.
const LONGEST: Duration = Duration::from_secs(30);

/// What a client does.
#[derive(Clone, Copy, Debug)]
enum Kind {
    SlowHead,
    SlowBody,
    SlowReader,
    Flood,
    HalfFrame,
    HalfPost,
    JunkLogin,
    Leaver,
}

const KINDS: [Kind; 8] = [
    Kind::SlowHead,
    Kind::SlowBody,
    Kind::SlowReader,
    Kind::Flood,
    Kind::HalfFrame,
    Kind::HalfPost,
    Kind::JunkLogin,
    Kind::Leaver,
];

/// All hostile clients.
pub(super) struct Attack {
    server: SocketAddr,
    options: Options,
    attempts: AtomicUsize,
}

impl Attack {
    pub(super) fn new(server: SocketAddr, options: Options) -> Self {
        Self { server, options, attempts: AtomicUsize::new(0) }
    }

    /// Returns how many attempts there were.
    pub(super) fn attempts(&self) -> usize {
        self.attempts.load(Ordering::Relaxed)
    }

    /// Runs all of them for so long.
    pub(super) async fn run(self: Arc<Self>, time: Duration) {
        let until = Instant::now() + time;
        let clients: Vec<_> = (0..self.options.clients).map(|n| tokio::spawn(self.clone().client(n, until))).collect();
        for client in clients {
            let _ = client.await;
        }
    }

    /// One client: it tries once a second, whatever becomes of that.
    async fn client(self: Arc<Self>, number: usize, until: Instant) {
        let from = u8::try_from(number % self.options.addresses).unwrap_or_default();
        let kind = KINDS[number / self.options.addresses % KINDS.len()];
        // Not all in the same moment.
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..1_000))).await;
        let mut under_way = tokio::task::JoinSet::new();
        while Instant::now() < until {
            if under_way.len() < AT_ONCE {
                self.attempts.fetch_add(1, Ordering::Relaxed);
                let server = self.server;
                under_way.spawn(async move { timeout(LONGEST, attempt(kind, server, from)).await });
            }
            let _ = timeout_at(until.min(Instant::now() + Duration::from_secs(1)), std::future::pending::<()>()).await;
            while under_way.try_join_next().is_some() {}
        }
    }
}

async fn attempt(kind: Kind, server: SocketAddr, from: u8) -> io::Result<()> {
    let mut stream = connect(server, from).await?;
    match kind {
        Kind::SlowHead => {
            stream.write_all(b"GET /notes HTTP/1.1\r\nhost: a\r\nx-").await?;
            trickle_out(stream).await
        }
        Kind::SlowBody => {
            stream.write_all(&post("/notes", 1_000_000)).await?;
            stream.write_all(" ".repeat(200_000).as_bytes()).await?;
            trickle_out(stream).await
        }
        Kind::SlowReader => {
            stream.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await?;
            trickle_in(stream).await
        }
        Kind::Flood => {
            upgrade(&mut stream, "/socket.io/?EIO=4&transport=websocket").await?;
            let mut flood = message("40");
            for id in 0..500 {
                flood.extend(message(&format!(r#"42{id}["find","notes",{{"$limit":50}}]"#)));
            }
            stream.write_all(&flood).await?;
            // It reads nothing.
            std::future::pending().await
        }
        Kind::HalfFrame => {
            upgrade(&mut stream, "/realtime").await?;
            stream.write_all(&message(r#"{"jsonrpc":"2.0","id":1,"method":"$hello"}"#)).await?;
            stream.write_all(&frame("x".repeat(100_000).as_bytes(), 1_000_000)).await?;
            trickle_out(stream).await
        }
        Kind::HalfPost => {
            stream.write_all(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: a\r\n\r\n").await?;
            let mut answer = vec![0; 4_096];
            let read = stream.read(&mut answer).await?;
            let text = String::from_utf8_lossy(&answer[..read]).into_owned();
            let sid =
                text.split_once("\"sid\":\"").and_then(|(_, rest)| rest.split_once('"')).map_or("x", |(sid, _)| sid);
            stream.write_all(&post(&format!("/socket.io/?EIO=4&transport=polling&sid={sid}"), 900_000)).await?;
            stream.write_all("4".repeat(100_000).as_bytes()).await?;
            trickle_out(stream).await
        }
        Kind::JunkLogin => {
            let body = r#"{"strategy":"local","email":"nobody@example.org","password":"junk"}"#;
            stream.write_all(&post("/authentication", body.len())).await?;
            stream.write_all(body.as_bytes()).await?;
            drain(stream).await
        }
        // It goes before it is answered.
        Kind::Leaver => {
            stream.write_all(&post("/slow", 2)).await?;
            stream.write_all(b"{}").await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(())
        }
    }
}

fn post(path: &str, length: usize) -> Vec<u8> {
    let kind = "content-type: application/json";
    format!("POST {path} HTTP/1.1\r\nhost: a\r\n{kind}\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}
