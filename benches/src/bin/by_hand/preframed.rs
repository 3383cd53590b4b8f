//! The floor: a whole WebSocket frame is made once and written to the bare TCP stream of every subscriber.
//!
//! No pings, no fragments, nothing is read but the end: this is a bound to measure against, and no product.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::axum_ws::CAPACITY;
use crate::store::Store;

#[derive(Clone)]
struct Hub {
    store: Arc<Store>,
    sender: Sender<Bytes>,
}

pub(crate) fn router() -> Router {
    let hub = Hub { store: Arc::new(Store::seeded()), sender: broadcast::channel(CAPACITY).0 };
    Router::new().route("/messages", post(publish)).route("/ws", get(subscribe)).with_state(hub)
}

/// Makes the whole frame of a text (RFC 6455, section 5.2); a server masks nothing, so that it is the same for all.
fn frame(text: &[u8]) -> Vec<u8> {
    /// The last fragment of a text.
    const TEXT: u8 = 0x81;
    /// In place of a length: two bytes with it follow.
    const MEDIUM: u8 = 0x7e;
    let mut frame = vec![TEXT];
    if let Ok(short @ 0..MEDIUM) = u8::try_from(text.len()) {
        frame.push(short);
    } else {
        frame.push(MEDIUM);
        frame.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    }
    frame.extend_from_slice(text);
    frame
}

async fn publish(State(hub): State<Hub>, body: Bytes) -> StatusCode {
    let read = hub.store.create_all(&body, |json| {
        let _ = hub.sender.send(frame(&json).into());
    });
    if read { StatusCode::CREATED } else { StatusCode::BAD_REQUEST }
}

async fn subscribe(State(hub): State<Hub>, mut request: Request) -> Response {
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgraded.await {
            forward(upgraded, hub.sender.subscribe()).await;
        }
    });
    let headers = [
        (header::UPGRADE, "websocket"),
        (header::CONNECTION, "Upgrade"),
        (header::SEC_WEBSOCKET_ACCEPT, accept.as_str()),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers, Body::empty()).into_response()
}

async fn forward(upgraded: Upgraded, mut frames: Receiver<Bytes>) {
    let Ok(parts) = downcast::<TokioIo<TcpStream>>(upgraded) else { return };
    let (mut reader, mut writer) = parts.io.into_inner().into_split();
    let (mut waiting, mut ignored) = (Vec::new(), [0; 64]);
    loop {
        tokio::select! {
            frame = frames.recv() => {
                let Ok(first) = frame else { return };
                waiting.clear();
                waiting.extend_from_slice(&first);
                while let Ok(frame) = frames.try_recv() {
                    waiting.extend_from_slice(&frame);
                }
                if writer.write_all(&waiting).await.is_err() {
                    return;
                }
            }
            read = reader.read(&mut ignored) => {
                if !matches!(read, Ok(1..)) {
                    return;
                }
            }
        }
    }
}
