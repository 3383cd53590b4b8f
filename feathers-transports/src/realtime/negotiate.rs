//! What the server offers, for clients that choose.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::Shared;
use crate::kit::answer::json;

/// The ways to listen at this URL, the best one first.
const TRANSPORTS: &[&str] = &["websocket", "sse", "longpoll", "poll"];

/// The answer; times are in milliseconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Offer {
    transports: &'static [&'static str],
    heartbeat_ms: u128,
    max_wait_ms: u128,
    poll_interval_ms: u128,
    linger_ms: u128,
    /// The server's clock, since the beginning of 1970.
    time: u128,
}

pub(super) fn answer(shared: &Shared) -> Response {
    let options = &shared.options;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).as_ref().map_or(0, Duration::as_millis);
    let offer = Offer {
        transports: TRANSPORTS,
        heartbeat_ms: options.heartbeat_interval.as_millis(),
        max_wait_ms: options.max_wait.as_millis(),
        poll_interval_ms: options.poll_interval.as_millis(),
        linger_ms: options.session_timeout.as_millis(),
        time,
    };
    let mut response = json(StatusCode::OK, serde_json::to_vec(&offer).unwrap_or_default().into());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
