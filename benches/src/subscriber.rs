//! Subscribers: just enough of each protocol to listen and to count.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memmem::Finder;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::process::Outcome;

/// Is in every message once.
pub(crate) const MARK: &str = "#mark#";

/// How a subscriber listens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protocol {
    /// A bare WebSocket at `/ws`.
    Bare,
    /// JSON-RPC on a WebSocket.
    WebSocket,
    SocketIo,
    Sse,
}

/// What all subscribers have received.
#[derive(Debug, Default)]
pub(crate) struct Received {
    count: AtomicU64,
    target: AtomicU64,
    reached: Notify,
}

impl Received {
    /// Waits until so many messages have come, over all subscribers.
    pub(crate) async fn wait_for(&self, target: u64) {
        self.target.store(target, Ordering::SeqCst);
        while self.count.load(Ordering::SeqCst) < target {
            self.reached.notified().await;
        }
    }

    fn add(&self, count: u64) {
        let now = self.count.fetch_add(count, Ordering::SeqCst) + count;
        if now >= self.target.load(Ordering::SeqCst) {
            self.reached.notify_one();
        }
    }
}

/// Connects and counts in the background.
pub(crate) async fn start(authority: &str, protocol: Protocol, received: Arc<Received>) -> Outcome {
    let mut stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    let path = match protocol {
        Protocol::Bare => "/ws",
        Protocol::WebSocket => "/realtime",
        Protocol::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        Protocol::Sse => "/realtime?transport=sse",
    };
    let upgrade = match protocol {
        Protocol::Sse => "Accept: text/event-stream\r\n",
        _ => {
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
    };
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n{upgrade}\r\n").as_bytes()).await?;
    let ready = match protocol {
        Protocol::Bare => "\r\n\r\n",
        Protocol::WebSocket => {
            stream.write_all(&text(r#"{"jsonrpc":"2.0","id":1,"method":"$hello"}"#)).await?;
            "\"recovered\""
        }
        Protocol::SocketIo => {
            stream.write_all(&text("40")).await?;
            "40{"
        }
        Protocol::Sse => "event: ready",
    };
    read_until(&mut stream, ready).await?;
    tokio::spawn(count(stream, received));
    Ok(())
}

/// Writes a text frame as a client does; a mask of zeros changes nothing.
fn text(payload: &str) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or(125);
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend_from_slice(payload.as_bytes());
    frame
}

async fn read_until(stream: &mut TcpStream, wanted: &str) -> Outcome {
    let mut seen = Vec::new();
    let finder = Finder::new(wanted);
    while finder.find(&seen).is_none() {
        if stream.read_buf(&mut seen).await? == 0 {
            return Err(format!("the connection ended: {}", String::from_utf8_lossy(&seen)).into());
        }
    }
    Ok(())
}

async fn count(mut stream: TcpStream, received: Arc<Received>) {
    let finder = Finder::new(MARK);
    let mut buffer = Vec::with_capacity(8 << 10);
    while stream.read_buf(&mut buffer).await.is_ok_and(|read| read > 0) {
        let found = finder.find_iter(&buffer).count() as u64;
        // A mark may be cut in two.
        let after_last = finder.find_iter(&buffer).last().map_or(0, |at| at + MARK.len());
        buffer.drain(..after_last.max(buffer.len().saturating_sub(MARK.len() - 1)));
        if found > 0 {
            received.add(found);
        }
    }
}
