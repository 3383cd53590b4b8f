//! The client bundle: many pages load Socket.IO's client from the server, as they do from the original.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};

/// The file of npm's `socket.io-client`, unchanged.
const BUNDLE: &[u8] = include_bytes!("../../assets/socket.io.min.js");
/// The version of the bundle.
const TAG: &str = "\"4.8.4\"";
const WEAK_TAG: &str = "W/\"4.8.4\"";

/// Serves the bundle under both names of the original.
pub(crate) fn router(path: &str) -> Router {
    Router::new()
        .route(&format!("{path}/socket.io.js"), get(bundle))
        .route(&format!("{path}/socket.io.min.js"), get(bundle))
}

async fn bundle(headers: HeaderMap) -> Response {
    if headers.get(IF_NONE_MATCH).is_some_and(|tag| tag == TAG || tag == WEAK_TAG) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let headers =
        [(CACHE_CONTROL, "public, max-age=0"), (CONTENT_TYPE, "application/javascript; charset=utf-8"), (ETAG, TAG)];
    (headers, BUNDLE).into_response()
}
