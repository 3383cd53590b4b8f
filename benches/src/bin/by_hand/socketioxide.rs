//! A broadcast through the crate socketioxide, as its documentation shows it.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use socketioxide::SocketIo;
use socketioxide::extract::SocketRef;

use crate::message::Message;
use crate::store::Store;

#[derive(Clone)]
struct Hub {
    store: Arc<Store>,
    io: SocketIo,
}

pub(crate) fn router() -> Router {
    let (layer, io) = SocketIo::new_layer();
    io.ns("/", async |_socket: SocketRef| {});
    let hub = Hub { store: Arc::new(Store::seeded()), io };
    Router::new().route("/messages", post(publish)).with_state(hub).layer(layer)
}

async fn publish(State(hub): State<Hub>, body: Bytes) -> StatusCode {
    let mut messages = Vec::new();
    if !hub.store.create_all(&body, |json| messages.push(json)) {
        return StatusCode::BAD_REQUEST;
    }
    for message in messages {
        let Ok(message) = serde_json::from_slice::<Message>(&message) else { continue };
        // An error says that the buffer of some socket was full: that message is lost there.
        let _ = hub.io.emit("messages created", &message).await;
    }
    StatusCode::CREATED
}
