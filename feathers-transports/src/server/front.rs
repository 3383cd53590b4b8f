//! The front of the server: what happens to every request before and after its route.

use std::convert::Infallible;
use std::future::ready;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use feathers_core::Error;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, Uri, header};
use tower::util::Either;
use tower::{Layer, ServiceExt};
use tower_http::compression::Compression;
use tower_http::compression::predicate::{DefaultPredicate, Predicate, SizeAbove};
use tower_http::cors::{Cors, CorsLayer};
use tracing::{Instrument, Span};

use crate::answer::error_response;
#[cfg(feature = "grip")]
use crate::grip::{Origin, Proxied};
use crate::server::door::Door;
use crate::server::request_id::{self, REQUEST_ID};

/// Below this many bytes compression saves no packet.
const COMPRESS_ABOVE: u64 = 1024;

/// Request headers that nobody may read in a log.
const SECRETS: [HeaderName; 4] =
    [header::AUTHORIZATION, header::PROXY_AUTHORIZATION, header::COOKIE, HeaderName::from_static("x-api-key")];

/// Answers requests: request id, log, the rate limit, CORS, compression, and a 500 instead of a panic.
#[derive(Clone)]
pub(super) struct Front {
    routes: Either<Cors<Router>, Router>,
    door: Arc<Door>,
    compression: bool,
    access_log: bool,
    #[cfg(feature = "grip")]
    grip: Option<Origin>,
}

impl Front {
    pub(super) fn new(inner: Router, door: Door, cors: Option<CorsLayer>, compression: bool, access_log: bool) -> Self {
        let routes = match cors {
            Some(layer) => Either::Left(layer.layer(inner)),
            None => Either::Right(inner),
        };
        Self {
            routes,
            door: Arc::new(door),
            compression,
            access_log,
            #[cfg(feature = "grip")]
            grip: None,
        }
    }

    /// Serves behind proxies.
    #[cfg(feature = "grip")]
    pub(super) fn grip(mut self, origin: Option<Origin>) -> Self {
        self.grip = origin;
        self
    }

    pub(super) fn into_router(self) -> Router {
        Router::new().fallback_service(tower::service_fn(move |request| self.clone().answer(request)))
    }

    pub(super) async fn answer(self, mut request: Request<Body>) -> Result<Response, Infallible> {
        let id = request_id::ensure(request.headers_mut());
        mark_secrets(request.headers_mut());
        #[cfg(feature = "grip")]
        let received = self.grip.as_ref().map_or(Ok(()), |origin| Proxied::receive(origin, &mut request));
        self.door.identify(&mut request);
        let log = Log::begin(&request, &id, self.access_log);
        let span = log.span.clone();
        let admitted = self.door.admit(&request);
        #[cfg(feature = "grip")]
        let admitted = if self.door.is_check(&request) { admitted } else { received.and(admitted) };
        let mut response = match admitted {
            Ok(()) => {
                let work = AssertUnwindSafe(self.route(request)).catch_unwind();
                let result = if span.is_disabled() { work.await } else { work.instrument(span).await };
                result.unwrap_or_else(|_| {
                    tracing::error!(request_id = ?id, "a route panicked");
                    error_response(&Error::internal("panic in a route"))
                })
            }
            Err(error) => self.refuse(request, error).await,
        };
        #[cfg(feature = "grip")]
        crate::grip::finish(&mut response);
        log.end(&response, &id);
        response.headers_mut().insert(REQUEST_ID, id);
        Ok(response)
    }

    /// Answers instead of the routes; CORS adds its headers all the same, so that pages can read why.
    async fn refuse(mut self, request: Request<Body>, error: Error) -> Response {
        let Either::Left(cors) = &mut self.routes else { return error_response(&error) };
        let answer = tower::service_fn(move |_: Request<Body>| ready(Ok::<_, Infallible>(error_response(&error))));
        *cors.get_mut() = Router::new().fallback_service(answer);
        self.route(request).await
    }

    async fn route(self, request: Request<Body>) -> Response {
        let preflight = request.method() == Method::OPTIONS && matches!(self.routes, Either::Left(_));
        // Without the header nothing is compressed, so the layer is only asked when there is one.
        let mut response = if self.compression && request.headers().contains_key(header::ACCEPT_ENCODING) {
            let worth_it = DefaultPredicate::new().and(SizeAbove::new(COMPRESS_ABOVE));
            let compressed = Compression::new(self.routes).compress_when(worth_it);
            let Ok(response) = compressed.oneshot(request).await;
            response.map(Body::new)
        } else {
            let Ok(response) = self.routes.oneshot(request).await;
            response
        };
        if preflight && response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        response
    }
}

/// Hides the values of secrets from everybody who formats the headers for debugging.
fn mark_secrets(headers: &mut HeaderMap) {
    for name in &SECRETS {
        if let Some(value) = headers.get_mut(name) {
            value.set_sensitive(true);
        }
    }
}

/// The log of one request: method and path, but never the query, since that may hold a token.
struct Log {
    span: Span,
    method: Method,
    uri: Uri,
    started: Instant,
    /// Whether every request is logged at level `info`.
    every: bool,
}

impl Log {
    fn begin(request: &Request<Body>, id: &http::HeaderValue, access_log: bool) -> Self {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let path = uri.path();
        let span = if access_log {
            tracing::info_span!(target: "feathers::http", "request", request_id = ?id, %method, path)
        } else {
            tracing::debug_span!(target: "feathers::http", "request", request_id = ?id, %method, path)
        };
        Self { span, method, uri, started: Instant::now(), every: access_log }
    }

    fn end(&self, response: &Response, id: &http::HeaderValue) {
        let (method, path, status) = (&self.method, self.uri.path(), response.status().as_u16());
        let duration = self.started.elapsed();
        if response.status().is_server_error() {
            tracing::warn!(target: "feathers::http", request_id = ?id, %method, path, status, ?duration, "request failed");
        } else if self.every {
            tracing::info!(target: "feathers::http", request_id = ?id, %method, path, status, ?duration, "request");
        } else {
            tracing::debug!(target: "feathers::http", request_id = ?id, %method, path, status, ?duration, "request");
        }
    }
}
