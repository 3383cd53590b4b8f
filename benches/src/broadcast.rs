//! A WebSocket broadcast written by hand in axum: a message is encoded once and sent to everybody.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use tokio::sync::broadcast;

use crate::process::Outcome;

pub(crate) async fn serve() -> Outcome {
    let (sender, _) = broadcast::channel::<Utf8Bytes>(1_024);
    let router = Router::new().route("/messages", post(publish)).route("/ws", get(subscribe)).with_state(sender);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    crate::process::announce(listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

async fn publish(State(sender): State<broadcast::Sender<Utf8Bytes>>, body: String) -> StatusCode {
    let _ = sender.send(body.into());
    StatusCode::CREATED
}

async fn subscribe(State(sender): State<broadcast::Sender<Utf8Bytes>>, upgrade: WebSocketUpgrade) -> Response {
    // The default buffer of 128 KiB would be held for every connection.
    upgrade.read_buffer_size(4 << 10).on_upgrade(move |socket| forward(socket, sender.subscribe()))
}

async fn forward(mut socket: WebSocket, mut messages: broadcast::Receiver<Utf8Bytes>) {
    loop {
        tokio::select! {
            message = messages.recv() => {
                let Ok(message) = message else { return };
                if socket.send(Message::Text(message)).await.is_err() {
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
