//! The same routes written by hand in axum, typed throughout: what the framework is measured against.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::message::{Message, MessageData};
use crate::store::Store;

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

pub(crate) fn router() -> Router {
    let store = Arc::new(Store::seeded());
    let routes = Router::new().route("/messages", get(find).post(create)).route("/messages/{id}", get(read));
    routes.with_state(store)
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn read(State(store): State<Arc<Store>>, Path(id): Path<i64>) -> Response {
    match store.read().get(&id) {
        Some(message) => json(StatusCode::OK, message),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn find(State(store): State<Arc<Store>>, Query(page): Query<Page>) -> Response {
    let (limit, skip) = (page.limit.unwrap_or(10).min(50), page.skip.unwrap_or(0));
    let messages = store.read();
    let data = messages.values().skip(skip).take(limit).collect();
    json(StatusCode::OK, &Found { total: messages.len(), limit, skip, data })
}

async fn create(State(store): State<Arc<Store>>, Json(data): Json<MessageData>) -> Response {
    json(StatusCode::CREATED, &store.create(data))
}
