//! The protocols of subscribers: how a connection is opened.

use std::time::Duration;

use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::{frame, http};
use crate::outcome::Outcome;

/// How long opening a connection may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How one listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// A bare WebSocket at a path.
    WebSocket(&'static str),
    /// JSON-RPC on a WebSocket.
    Realtime,
    /// Socket.IO 5 on a WebSocket.
    SocketIo,
    /// Server-sent events at a path.
    Sse(&'static str),
}

/// A connection that listens.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(super) stream: TcpStream,
    /// What has come after the opening.
    pub(super) rest: Vec<u8>,
    /// What the server has said at the opening.
    pub(crate) greeting: String,
}

/// A connection that has been upgraded, but has not said yet from where it wants events.
#[derive(Debug)]
pub(crate) struct Upgraded {
    wire: Wire,
    stream: TcpStream,
    seen: Vec<u8>,
}

impl Wire {
    /// Opens a connection that listens from now on.
    pub(crate) async fn open(self, authority: &str) -> Outcome<Opened> {
        self.upgrade(authority, None).await?.join("now").await
    }

    /// Connects, with a receive buffer of the size that is named, and asks for the protocol.
    ///
    /// For server-sent events there is nothing to be said afterwards, so that the request goes out with `join`.
    pub(crate) async fn upgrade(self, authority: &str, buffer: Option<u32>) -> Outcome<Upgraded> {
        let socket = TcpSocket::new_v4()?;
        if let Some(buffer) = buffer {
            socket.set_recv_buffer_size(buffer)?;
        }
        let mut stream = timeout(PATIENCE, socket.connect(authority.parse()?)).await??;
        stream.set_nodelay(true)?;
        let path = match self {
            Self::Sse(_) => return Ok(Upgraded { wire: self, stream, seen: Vec::new() }),
            Self::WebSocket(path) => path,
            Self::Realtime => "/realtime",
            Self::SocketIo => "/socket.io/?EIO=4&transport=websocket",
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut upgraded = Upgraded { wire: self, stream, seen: Vec::new() };
        upgraded.read_until(b"\r\n\r\n").await?;
        match http::head(&upgraded.seen)? {
            Some(head) if head.status == 101 => drop(upgraded.seen.drain(..head.length)),
            _ => return Err(http::unexpected(&upgraded.seen).into()),
        }
        if self == Self::SocketIo {
            upgraded.read_until(b"0{").await?;
        }
        Ok(upgraded)
    }
}

impl Upgraded {
    /// Asks for the events since a cursor, or since `now`, and waits until the server has taken it.
    pub(crate) async fn join(mut self, since: &str) -> Outcome<Opened> {
        let ready: &[u8] = match self.wire {
            Wire::WebSocket(_) => b"",
            Wire::Realtime => {
                let hello = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"$hello","params":{{"since":"{since}"}}}}"#);
                self.stream.write_all(&frame::from_client(frame::TEXT, hello.as_bytes())).await?;
                b"\"recovered\""
            }
            Wire::SocketIo => {
                let connect = if since == "now" { "40".to_owned() } else { format!(r#"40{{"since":"{since}"}}"#) };
                self.stream.write_all(&frame::from_client(frame::TEXT, connect.as_bytes())).await?;
                b"40{"
            }
            Wire::Sse(path) => {
                let since = if since == "now" { String::new() } else { format!("Last-Event-ID: {since}\r\n") };
                let request =
                    format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n{since}\r\n");
                self.stream.write_all(request.as_bytes()).await?;
                if path.starts_with("/realtime") { b"\"recovered\"" } else { b"\r\n\r\n" }
            }
        };
        self.read_until(ready).await?;
        let greeting = String::from_utf8_lossy(&self.seen).into_owned();
        if matches!(self.wire, Wire::Sse(_)) && !greeting.starts_with("HTTP/1.1 200") {
            return Err(http::unexpected(&self.seen).into());
        }
        Ok(Opened { stream: self.stream, rest: self.seen, greeting })
    }

    async fn read_until(&mut self, wanted: &[u8]) -> Outcome {
        while memmem::find(&self.seen, wanted).is_none() {
            if timeout(PATIENCE, self.stream.read_buf(&mut self.seen)).await?? == 0 {
                return Err(http::unexpected(&self.seen).into());
            }
        }
        Ok(())
    }
}
