//! Health checks for orchestrators and load balancers.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use bytes::Bytes;
use feathers_core::{AppHandle, Error, Result};
use http::StatusCode;

use crate::kit::answer::{error_response, json};

/// Serves `<path>/live` and `<path>/ready`.
pub(super) fn routes(path: &str, app: &AppHandle) -> Result<Router> {
    let path = path.trim_end_matches('/');
    if !path.is_empty() && !path.starts_with('/') || path.contains(['{', '}']) {
        return Err(Error::general(format!("'{path}' is no path for the health checks, such as '/health'")));
    }
    let app = app.clone();
    let ready = move || {
        let stopping = app.is_stopping();
        async move { if stopping { error_response(&Error::unavailable("shutting down")) } else { fine() } }
    };
    Ok(Router::new()
        .route(&format!("{path}/live"), get(|| async { fine() }))
        .route(&format!("{path}/ready"), get(ready)))
}

/// Tells whether a request is for a health check.
pub(super) fn is_check(path: &str, asked: &str) -> bool {
    let rest = asked.strip_prefix(path.trim_end_matches('/'));
    matches!(rest, Some("/live" | "/ready"))
}

fn fine() -> Response {
    json(StatusCode::OK, Bytes::from_static(br#"{"status":"ok"}"#))
}
