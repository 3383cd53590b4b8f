//! A connection to the app in the process: HTTP/1 through a pipe instead of a socket.

use axum::Router;
use feathers::{Error, Result};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::unexpected;

/// How much may be in the pipe, in each direction.
const CAPACITY: usize = 64 << 10;

/// The client's end.
pub(crate) struct Pipe(DuplexStream);

impl Pipe {
    /// Opens a `WebSocket` at this path of the app.
    pub(crate) async fn upgrade(router: Router, target: &str) -> Result<Self> {
        let (own, servers) = duplex(CAPACITY);
        let service = TowerToHyperService::new(router);
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(servers), service);
        tokio::spawn(connection.with_upgrades());
        let mut pipe = Self(own);
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        pipe.0.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(pipe.0.read_u8().await?);
        }
        if head.starts_with(b"HTTP/1.1 101 ") { Ok(pipe) } else { Err(unexpected(String::from_utf8_lossy(&head))) }
    }

    /// Sends a short text.
    pub(crate) async fn send(&mut self, text: &str) -> Result<()> {
        let length = u8::try_from(text.len()).ok().filter(|length| *length < 126);
        let length = length.ok_or_else(|| Error::general("too long for a frame with a short head"))?;
        // Masked with zeros, which change nothing.
        let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
        frame.extend_from_slice(text.as_bytes());
        self.0.write_all(&frame).await?;
        Ok(())
    }

    /// Waits for the next text and puts it into the buffer.
    pub(crate) async fn receive<'a>(&mut self, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).await?;
        let length = match head {
            [0x81, length @ ..126] => length.into(),
            [0x81, 126] => self.0.read_u16().await?.into(),
            other => return Err(unexpected(other)),
        };
        buffer.resize(length, 0);
        self.0.read_exact(buffer).await?;
        Ok(buffer)
    }
}
