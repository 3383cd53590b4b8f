//! Connections of hostile clients: bytes written by hand, from an address that is chosen.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// How often something small is sent or read.
const TRICKLE: Duration = Duration::from_millis(400);

/// Connects from the address of this number.
pub(super) async fn connect(server: SocketAddr, from: u8) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4 << 10)?;
    socket.bind((IpAddr::V4(Ipv4Addr::new(127, 0, 1, from)), 0).into())?;
    socket.connect(server).await
}

/// Sends a byte every now and then until the server has had enough.
pub(super) async fn trickle_out(mut stream: TcpStream) -> io::Result<()> {
    let mut answer = [0; 1024];
    loop {
        tokio::select! {
            read = stream.read(&mut answer) => if read? == 0 { return Ok(()) },
            () = tokio::time::sleep(TRICKLE) => stream.write_all(b"a").await?,
        }
    }
}

/// Reads a byte every now and then until the server has had enough.
pub(super) async fn trickle_in(mut stream: TcpStream) -> io::Result<()> {
    while stream.read(&mut [0]).await? > 0 {
        tokio::time::sleep(TRICKLE).await;
    }
    Ok(())
}

/// Reads until there is nothing more.
pub(super) async fn drain(mut stream: TcpStream) -> io::Result<()> {
    let mut answer = vec![0; 16 << 10];
    while stream.read(&mut answer).await? > 0 {}
    Ok(())
}

/// Becomes a WebSocket at this path.
pub(super) async fn upgrade(stream: &mut TcpStream, path: &str) -> io::Result<()> {
    let head = format!(
        "GET {path} HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await
}

/// Makes a masked frame of text; the mask is zero. `length` says how long it claims to be.
pub(super) fn frame(text: &[u8], length: u32) -> Vec<u8> {
    let mut frame = vec![0x81, 0xFF, 0, 0, 0, 0];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}

/// Makes a whole frame.
pub(super) fn message(text: &str) -> Vec<u8> {
    frame(text.as_bytes(), u32::try_from(text.len()).unwrap_or(u32::MAX))
}
