//! A broadcast over server-sent events by hand in axum: the bytes of an event are made once.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use tokio::sync::broadcast::{self, Sender};

use crate::axum_ws::CAPACITY;
use crate::store::Store;

#[derive(Clone)]
struct Hub {
    store: Arc<Store>,
    sender: Sender<Bytes>,
}

pub(crate) fn router() -> Router {
    let hub = Hub { store: Arc::new(Store::seeded()), sender: broadcast::channel(CAPACITY).0 };
    Router::new().route("/messages", get(subscribe).post(publish)).with_state(hub)
}

async fn publish(State(hub): State<Hub>, body: Bytes) -> StatusCode {
    let read = hub.store.create_all(&body, |json| {
        let event = [b"data: ".as_slice(), &json, b"\n\n"].concat();
        let _ = hub.sender.send(event.into());
    });
    if read { StatusCode::CREATED } else { StatusCode::BAD_REQUEST }
}

async fn subscribe(State(hub): State<Hub>) -> Response {
    let events = stream::unfold(hub.sender.subscribe(), async |mut events| {
        let event = events.recv().await.ok()?;
        Some((Ok::<_, Infallible>(event), events))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(events)).into_response()
}
