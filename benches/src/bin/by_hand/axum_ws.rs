//! A WebSocket broadcast by hand in axum: a message is encoded once, and what waits leaves in one write.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::SinkExt;
use tokio::sync::broadcast::{self, Receiver, Sender};

use crate::store::Store;

/// How many messages a slow reader may be behind; one that is further behind is cut off.
pub(crate) const CAPACITY: usize = 1_024;

#[derive(Clone)]
struct Hub {
    store: Arc<Store>,
    sender: Sender<Utf8Bytes>,
}

pub(crate) fn router() -> Router {
    let hub = Hub { store: Arc::new(Store::seeded()), sender: broadcast::channel(CAPACITY).0 };
    Router::new().route("/messages", post(publish)).route("/ws", get(subscribe)).with_state(hub)
}

async fn publish(State(hub): State<Hub>, body: Bytes) -> StatusCode {
    let read = hub.store.create_all(&body, |json| {
        if let Ok(text) = String::from_utf8(json) {
            let _ = hub.sender.send(text.into());
        }
    });
    if read { StatusCode::CREATED } else { StatusCode::BAD_REQUEST }
}

async fn subscribe(State(hub): State<Hub>, upgrade: WebSocketUpgrade) -> Response {
    // The default buffer of 128 KiB would be held for every connection.
    upgrade.read_buffer_size(4 << 10).on_upgrade(move |socket| forward(socket, hub.sender.subscribe()))
}

async fn forward(mut socket: WebSocket, mut messages: Receiver<Utf8Bytes>) {
    loop {
        tokio::select! {
            message = messages.recv() => {
                let Ok(message) = message else { return };
                if send(&mut socket, message, &mut messages).await.is_err() {
                    return;
                }
            }
            received = socket.recv() => {
                if received.is_none() {
                    return;
                }
            }
        }
    }
}

async fn send(socket: &mut WebSocket, first: Utf8Bytes, more: &mut Receiver<Utf8Bytes>) -> Result<(), axum::Error> {
    socket.feed(Message::Text(first)).await?;
    while let Ok(message) = more.try_recv() {
        socket.feed(Message::Text(message)).await?;
    }
    socket.flush().await
}
