//! The REST transport: one HTTP request is one call.
//!
//! It is the fallback of the router: every path that no other route takes is looked up among the services.
//! It decodes and encodes, and holds no rule of its own.

mod body;
mod encode;
mod feathers;
mod personal;
mod verb;

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use feathers_core::query::qs;
use feathers_core::{Call, Encoding, Error, Handle, Params, Payload, Provider, Result, Route};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::Map;
use tower::ServiceExt;
use tower_http::services::ServeDir;

pub use self::feathers::Feathers;
use crate::address::client_address;
use crate::answer::{error_response, too_late};
use crate::origin::Origins;
use crate::transport::Transport;

/// Where the event log stood before the call, so that a client can ask for everything that came after.
pub(crate) const EVENT_CURSOR: HeaderName = HeaderName::from_static("event-cursor");

/// Names a custom method on a POST.
const SERVICE_METHOD: HeaderName = HeaderName::from_static("x-service-method");

/// Says which session the caller listens on, by its secret.
const CONNECTION_ID: HeaderName = HeaderName::from_static("x-connection-id");

/// Serves all services over plain HTTP, as Feathers' REST transport does.
///
/// | request | call |
/// |---|---|
/// | `GET /todos` | `find` |
/// | `GET /todos/1` | `get` |
/// | `POST /todos` | `create` |
/// | `PUT /todos/1` | `update` |
/// | `PATCH /todos/1`, `PATCH /todos` | `patch` one, or all that match |
/// | `DELETE /todos/1`, `DELETE /todos` | `remove` one, or all that match |
/// | `POST /todos` with `X-Service-Method: archive` | the custom method `archive` |
///
/// `HEAD` is `GET` without the body, and `OPTIONS` is a 204 with `Allow`.
/// Every error is a Feathers error in JSON. An unknown path is a 404, a method that clients may not call a 405 with
/// `Allow`, a body that is too large a 413 and one that cannot be read a 400.
/// Data comes as JSON (an object or an array), as a form, or as plain text; any other content type is no data.
///
/// Every answer of a service has the header `Event-Cursor`: where the event log stood before the call.
/// With the secret of a session in `X-Connection-Id`, the call is one of that session's connection; a secret that is not
/// known, or no longer, is none, and one of a session on which somebody else is logged in is a 403.
/// An answer of a service to a request with credentials has `Cache-Control: private, no-store`, unless a hook sets
/// another one, and `Vary: Authorization, Cookie`.
/// A request with a cookie from a page of another origin is a 403 too, unless the server's CORS lets that send cookies.
#[derive(Clone, Debug)]
pub struct Rest {
    body_limit: usize,
    timeout: Option<Duration>,
    public: Option<ServeDir>,
}

impl Default for Rest {
    fn default() -> Self {
        Self::new()
    }
}

impl Rest {
    /// Makes the transport with bodies of at most 1 MiB and no limit of its own on the time of a call.
    pub fn new() -> Self {
        Self { body_limit: 1 << 20, timeout: None, public: None }
    }

    /// Sets the size in bytes up to which a body is read; a larger one is a 413.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// Sets how long reading the body and the call may take; then the answer is a 408.
    ///
    /// A call that may have changed something is finished in the background all the same.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Serves the files of a folder at paths that no service has, `index.html` for a folder.
    pub fn public(mut self, folder: impl AsRef<Path>) -> Self {
        self.public = Some(ServeDir::new(folder));
        self
    }
}

impl Transport for Rest {
    fn name(&self) -> &'static str {
        "rest"
    }

    fn router(self: Box<Self>, app: &Handle) -> Router {
        let unused = (u64::MAX, HeaderValue::from_static(""));
        let cursor = Arc::new(ArcSwap::from_pointee(unused));
        Router::new().fallback_service(Endpoint { app: app.clone(), rest: *self, cursor })
    }
}

/// Answers the requests that no other route takes.
#[derive(Clone)]
struct Endpoint {
    app: Handle,
    rest: Rest,
    /// The last cursor that was sent, and its text.
    cursor: Arc<ArcSwap<(u64, HeaderValue)>>,
}

impl tower::Service<Request> for Endpoint {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let endpoint = self.clone();
        async move { Ok(endpoint.answer(request).await) }.boxed()
    }
}

impl Endpoint {
    async fn answer(self, request: Request) -> Response {
        let path = request.uri().path();
        let route = match self.app.lookup(path, Encoding::Percent) {
            Ok(Some(route)) => route,
            Ok(None) => return self.file(request).await,
            Err(error) => return error_response(&error),
        };
        let cursor = self.cursor();
        if request.method() == http::Method::OPTIONS {
            return verb::options(&route);
        }
        let personal = personal::is_personal(request.headers());
        let mut response = match self.run(route, request).await {
            Ok(response) => response,
            Err(Refused { error, allow }) => {
                let mut response = error_response(&error);
                if let Some(allow) = allow {
                    response.headers_mut().insert(header::ALLOW, allow);
                }
                response
            }
        };
        response.headers_mut().insert(EVENT_CURSOR, cursor);
        if personal {
            personal::mark(response.headers_mut());
        }
        response
    }

    /// Returns the text of the log's head, which is made anew only when the log has moved on.
    fn cursor(&self) -> HeaderValue {
        let head = self.app.log().head();
        let last = self.cursor.load();
        if last.0 == head.seq {
            return last.1.clone();
        }
        let text = HeaderValue::try_from(head.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""));
        self.cursor.store(Arc::new((head.seq, text.clone())));
        text
    }

    /// Answers with a file of the public folder, if there is one at this path.
    async fn file(self, request: Request) -> Response {
        let not_found = Error::not_found(format!("Path {} not found", request.uri().path()));
        let asks = matches!(*request.method(), http::Method::GET | http::Method::HEAD);
        let Some(public) = self.rest.public.filter(|_| asks) else { return error_response(&not_found) };
        let Ok(response) = public.oneshot(request).await;
        match response.status() {
            StatusCode::NOT_FOUND => error_response(&not_found),
            StatusCode::INTERNAL_SERVER_ERROR => error_response(&Error::internal("a public file cannot be read")),
            _ => response.map(Body::new),
        }
    }

    async fn run(&self, route: Route, request: Request) -> Result<Response, Refused> {
        Origins::default().check(&request)?;
        let method = verb::method(&route, request.method(), request.headers().get(SERVICE_METHOD))?;
        let id = if method.has_id() { route.id().cloned() } else { None };
        let created = method == feathers_core::Method::Create;
        let work = async {
            let (mut parts, body) = request.into_parts();
            let mut params = Params::new();
            params.provider = Some(Provider::REST);
            params.query = match parts.uri.query() {
                None | Some("") => Map::new(),
                Some(query) => qs::parse(query)?,
            };
            let data = if method.has_data() {
                body::data(&parts.headers, body, self.rest.body_limit).await?
            } else {
                Payload::NULL
            };
            if let Some(feathers) = parts.extensions.remove::<Feathers>() {
                params.extend(feathers.into_extensions());
            }
            params.address = client_address(&parts.extensions);
            params.headers = parts.headers.into();
            if let Some(secret) = params.headers.value(CONNECTION_ID.as_str()) {
                params.connection = self.app.connection(secret, &params.headers).await?;
            }
            self.app.call(Call { route, method, id, data, params }).await
        };
        let reply = match self.rest.timeout {
            None => work.await,
            Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(too_late(limit))),
        };
        Ok(encode::reply(&reply?, created)?)
    }
}

/// A call that failed, and the methods that would have been right if it was for the wrong one.
struct Refused {
    error: Error,
    allow: Option<HeaderValue>,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, allow: None }
    }
}
