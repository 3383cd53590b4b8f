//! JSON answers, shared by everything that speaks HTTP.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use feathers_core::Error;
use http::{HeaderValue, StatusCode, header};

/// The content type of every JSON answer, as Feathers writes it.
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// Answers with JSON text.
pub(crate) fn json(status: StatusCode, text: Bytes) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// Answers with a Feathers error: its JSON form, under its code as the status. For routes of your own.
///
/// A code that HTTP does not know becomes a 500.
pub fn error_response(error: &Error) -> Response {
    let status = final_status(error.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json(status, serde_json::to_vec(error).unwrap_or_default().into());
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}

/// Refuses a body: HTTP has a code for this and Feathers has no class.
pub(crate) fn too_large() -> Error {
    Error::bad_request("request entity too large").with_code(413)
}

/// Gives up on a call.
pub(crate) fn too_late(limit: Duration) -> Error {
    Error::timeout(format!("no answer after {limit:?}"))
}

/// Returns the status of this code if an answer can end with it.
pub(crate) fn final_status(code: u16) -> Option<StatusCode> {
    StatusCode::from_u16(code).ok().filter(|status| !status.is_informational())
}
