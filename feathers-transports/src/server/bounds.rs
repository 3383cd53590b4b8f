//! Bounds for routes of the user: the size of bodies, the time until the answer, and whose pages may send cookies.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use http_body_util::Limited;
use hyper::body::Body as _;

use crate::kit::answer::{error_response, too_large, too_late};
use crate::kit::origin::Origins;

/// How large and how slow requests may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of a body.
    pub(super) body: usize,
    /// Time until the head of the answer.
    pub(super) time: Duration,
}

impl Bounds {
    /// Holds all routes of a router to the bounds.
    pub(super) fn layer(self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(self, hold))
    }
}

async fn hold(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    if let Err(error) = Origins::default().check(&request) {
        return error_response(&error);
    }
    if request.body().size_hint().lower() > bounds.body as u64 {
        return error_response(&too_large());
    }
    let request = request.map(|body| Body::new(Limited::new(body, bounds.body)));
    tokio::time::timeout(bounds.time, next.run(request))
        .await
        .unwrap_or_else(|_| error_response(&too_late(bounds.time)))
}
