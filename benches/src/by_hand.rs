//! The same routes written by hand in axum, typed throughout: what the framework is measured against.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::message::{Message, MessageData, SEED, seed};
use crate::process::Outcome;

#[derive(Default)]
struct Store {
    next: AtomicI64,
    messages: RwLock<BTreeMap<i64, Message>>,
}

impl Store {
    fn create(&self, data: MessageData) -> Message {
        let id = 1 + self.next.fetch_add(1, Ordering::Relaxed);
        let message = Message { id, text: data.text, user: data.user, ts: data.ts.unwrap_or_default() };
        self.messages.write().unwrap_or_else(PoisonError::into_inner).insert(id, message.clone());
        message
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "$limit")]
    limit: Option<usize>,
    #[serde(rename = "$skip")]
    skip: Option<usize>,
}

#[derive(Serialize)]
struct Found<'a> {
    total: usize,
    limit: usize,
    skip: usize,
    data: Vec<&'a Message>,
}

pub(crate) async fn serve() -> Outcome {
    let store = Arc::new(Store::default());
    for number in 0..SEED {
        store.create(seed(number));
    }
    let router =
        Router::new().route("/messages", get(find).post(create)).route("/messages/{id}", get(read)).with_state(store);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    crate::process::announce(listener.local_addr()?);
    axum::serve(listener, router).await?;
    Ok(())
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn read(State(store): State<Arc<Store>>, Path(id): Path<i64>) -> Response {
    match store.messages.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
        Some(message) => json(StatusCode::OK, message),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn find(State(store): State<Arc<Store>>, Query(page): Query<Page>) -> Response {
    let (limit, skip) = (page.limit.unwrap_or(10).min(50), page.skip.unwrap_or(0));
    let messages = store.messages.read().unwrap_or_else(PoisonError::into_inner);
    let data = messages.values().skip(skip).take(limit).collect();
    json(StatusCode::OK, &Found { total: messages.len(), limit, skip, data })
}

async fn create(State(store): State<Arc<Store>>, Json(data): Json<MessageData>) -> Response {
    json(StatusCode::CREATED, &store.create(data))
}
