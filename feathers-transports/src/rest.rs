//! The REST transport: one HTTP request is one call.
//!
//! It is the fallback of the router: every path that no other route takes is looked up among the services.
//! It decodes and encodes, and holds no rule of its own.

mod asked;
mod body;
mod encode;
mod feathers;
mod inflate;
mod personal;
mod verb;
mod version;

use std::convert::Infallible;
use std::future::{Future, ready as at_once};
use std::net::IpAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use feathers_core::query::qs;
use feathers_core::{
    AppHandle, CONNECTION_TOKEN, Call, CrossSite, Encoding, Error, Method, Params, Payload, Provider, Reply,
    ResolvedRoute, Result, SecretHeaders, ServiceInfo,
};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderName, HeaderValue, StatusCode, header};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};
use tower::ServiceExt;
use tower_http::services::ServeDir;

use self::asked::RequestFlags;
pub use self::feathers::CallExtensions;
use crate::kit::address::client_address;
use crate::kit::answer::{error_response, too_late};
use crate::kit::budget::{Budget, Link, Meter};
use crate::kit::origin::Origins;
use crate::kit::transport::Transport;

/// Where the event log stood before the call, so that a client can ask for everything that came after.
pub(crate) const EVENT_CURSOR: HeaderName = HeaderName::from_static("event-cursor");

/// Names a custom method on a POST.
const SERVICE_METHOD: HeaderName = HeaderName::from_static("x-service-method");

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
/// Every error is a Feathers error in JSON. An unknown path is a 404, and a method that clients may not call a 405 with
/// `Allow`. A body that is too large is a 413, and one that cannot be read a 400.
/// Data comes as JSON (an object or an array), as a form, or as plain text; a body of any other content type is a 415
/// with `Accept-Post`. It may be compressed with gzip, deflate or brotli; any other coding is a 415 too.
///
/// Every answer of a service has the header `Event-Cursor`: where the event log stood before the call.
/// With the secret of a session in `X-Connection-Token`, the call is one of that session's connection. The secret is no
/// login: if a user is logged in on the connection, a call without a token of its own is a 401. One with the token of
/// another user is a 403. An unknown or expired secret is ignored. An answer of a service to a request with
/// credentials has `Cache-Control: private, no-store`, unless a hook sets another one, and `Vary: Authorization,
/// Cookie`. A request with a cookie from a page of another origin is a 403 too, unless the server's CORS lets that
/// send cookies.
#[derive(Clone, Debug)]
pub struct Rest {
    max_body: usize,
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
        Self { max_body: 1 << 20, timeout: None, public: None }
    }

    /// Sets the size in bytes up to which a body is read; a larger one is a 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
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

impl Rest {
    pub(crate) const NAME: &'static str = "rest";

    pub(crate) fn endpoint(self, app: &AppHandle) -> Endpoint {
        if let Some(timeout) = self.timeout {
            app.allow_calls(timeout);
        }
        Endpoint(Arc::new(Shared { app: app.clone(), budget: Budget::of(app), rest: self }))
    }
}

impl Transport for Rest {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn router(self: Box<Self>, app: &AppHandle) -> Router {
        Router::new().fallback_service(self.endpoint(app))
    }
}

/// Answers the requests that no other route takes. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Endpoint(Arc<Shared>);

struct Shared {
    app: AppHandle,
    budget: Budget,
    rest: Rest,
}

impl tower::Service<Request> for Endpoint {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (client, link) = (client_address(request.extensions()), request.extensions().get().cloned());
        self.answer(request, client, link).map(Ok).boxed()
    }
}

impl Endpoint {
    /// Answers a request from this client on this connection.
    pub(crate) fn answer(
        &self,
        request: Request,
        client: Option<IpAddr>,
        link: Option<Arc<Link>>,
    ) -> BoxFuture<'static, Response> {
        let shared = &self.0;
        let route = match shared.app.lookup(request.uri().path(), Encoding::Percent) {
            Ok(Some(route)) => route,
            Ok(None) => return shared.clone().file(request).boxed(),
            Err(error) => return Box::pin(at_once(error_response(&error))),
        };
        if request.method() == http::Method::OPTIONS {
            return Box::pin(at_once(verb::options(&route)));
        }
        let asked = RequestFlags::read(request.headers(), shared.app.secret_headers());
        let personal = asked.personal.then(|| shared.app.secret_headers().clone());
        let (has_id, service, cursor) = (route.id().is_some(), route.service(), shared.cursor());
        let meter = Meter::new(&shared.budget, link, client);
        // What is large is put together here, and not carried through the futures.
        let decoded = begin(&shared.app, route, request, asked, client);
        let method = decoded.as_ref().map_or(Method::Find, |decoded| decoded.call.method.clone());
        let meta = ResponseMeta { method, has_id, service, cursor, personal, meter };
        match decoded {
            Err(refused) => Box::pin(at_once(meta.on(refused.into_response()))),
            Ok(DecodedCall { call, body: None, on_connection: false }) => {
                Box::pin(Respond::new(shared.reading().call(call), shared.rest.timeout, meta))
            }
            Ok(decoded) => {
                let work = shared.clone().complete(Box::new(decoded), meta.meter.clone());
                Box::pin(Respond::new(work, shared.rest.timeout, meta))
            }
        }
    }
}

pin_project! {
    /// Waits for the reply and makes the response. It is not an async function, which would have room for its work twice.
    struct Respond<W> {
        #[pin]
        work: W,
        limit: Option<Duration>,
        // Most calls are answered at once; the timer is for the others.
        timer: Option<Pin<Box<Sleep>>>,
        meta: Option<ResponseMeta>,
    }
}

impl<W: Future<Output = Result<Reply>>> Respond<W> {
    fn new(work: W, limit: Option<Duration>, meta: ResponseMeta) -> Self {
        Self { work, limit, timer: None, meta: Some(meta) }
    }
}

impl<W: Future<Output = Result<Reply>>> Future for Respond<W> {
    type Output = Response;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let this = self.project();
        let reply = match (this.work.poll(cx), *this.limit) {
            (Poll::Ready(reply), _) => reply,
            (Poll::Pending, None) => return Poll::Pending,
            (Poll::Pending, Some(limit)) => {
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
                ready!(timer.as_mut().poll(cx));
                Err(too_late(limit))
            }
        };
        this.meta.take().map_or(Poll::Pending, |meta| Poll::Ready(meta.respond(reply)))
    }
}

/// What is added to every response of a service.
struct ResponseMeta {
    /// The method; a `create` that succeeds is a 201.
    method: Method,
    /// Whether the path has an id.
    has_id: bool,
    service: ServiceInfo,
    /// Where the log stood before the call.
    cursor: HeaderValue,
    /// The headers that make the answer one for the caller only, if there was one of them.
    personal: Option<SecretHeaders>,
    meter: Meter,
}

impl ResponseMeta {
    /// Says with an error of the call what the path has, if it was for the wrong method.
    fn refuse(&self, error: Error) -> Rejection {
        let is_of_method = error.code() == StatusCode::METHOD_NOT_ALLOWED.as_u16();
        let allow = is_of_method.then(|| verb::allow(&self.service, self.has_id, Some(&self.method))).flatten();
        Rejection { error, allow }
    }

    /// Makes the response.
    fn respond(self, reply: Result<Reply>) -> Response {
        let changes = !matches!(self.method, Method::Find | Method::Get);
        let count = |bytes| self.meter.answer(bytes, changes);
        let response = reply.and_then(|reply| {
            let mut response = encode::reply(&reply, self.method == Method::Create, count)?;
            version::tag(&mut response, &self.service, &self.method, reply.body());
            Ok(response)
        });
        let response = response.unwrap_or_else(|error| self.refuse(error).into_response());
        self.on(response)
    }

    fn on(self, mut response: Response) -> Response {
        response.headers_mut().insert(EVENT_CURSOR, self.cursor);
        if let Some(secrets) = &self.personal {
            personal::mark(response.headers_mut(), secrets);
        }
        response
    }
}

/// A call that has been decoded, but for what has to be waited for.
struct DecodedCall {
    call: Call,
    /// The body of a method that has data, and how it is written.
    body: Option<(body::Format, Body)>,
    /// Whether a session is named, on whose connection the call is one.
    on_connection: bool,
}

/// Decodes the call.
fn begin(
    app: &AppHandle,
    route: ResolvedRoute,
    request: Request,
    asked: RequestFlags,
    address: Option<IpAddr>,
) -> Result<DecodedCall, Rejection> {
    if asked.from_page {
        Origins::default().check(&request)?;
    }
    let mut names = asked.names_method.then(|| request.headers().get_all(SERVICE_METHOD).iter()).into_iter().flatten();
    let custom = names.next();
    if names.next().is_some() {
        return Err(verb::refused(&route, "The header X-Service-Method names one method.".to_owned()));
    }
    let method = verb::method(&route, request.method(), custom)?;
    let id = if method.has_id() { route.id().cloned() } else { None };
    let logs_in = method == Method::Create && app.authentication_path() == Some(route.path());
    let cross_site = logs_in && Origins::is_foreign(&request);
    let (mut parts, body) = request.into_parts();
    let mut params = Params::new();
    if cross_site {
        params.insert(CrossSite);
    }
    params.provider = Some(Provider::REST);
    if let Some(query) = parts.uri.query().filter(|query| !query.is_empty()) {
        params.query = qs::parse(query)?;
    }
    if asked.expects_version {
        version::expect(&parts.headers, &route.service(), id.as_ref(), &mut params.query)?;
    }
    let body = method.has_data().then(|| (body::Format::of(&parts.headers, asked), body));
    if let Some(feathers) = parts.extensions.remove::<CallExtensions>() {
        params.extend(feathers.into_extensions());
    }
    params.address = address;
    params.headers = parts.headers.into();
    let call = Call { route, method, id, data: Payload::NULL, params };
    Ok(DecodedCall { call, body, on_connection: asked.on_connection })
}

impl Shared {
    /// Waits for what the call needs, and runs it.
    async fn complete(self: Arc<Self>, mut decoded: Box<DecodedCall>, meter: Meter) -> Result<Reply> {
        let (app, mut permit) = (self.reading(), None);
        if let Some((format, body)) = decoded.body.take() {
            (decoded.call.data, permit) = body::data(format, body, self.rest.max_body, &meter).await?;
        }
        let params = &mut decoded.call.params;
        if decoded.on_connection
            && let Some(secret) = params.headers.value(CONNECTION_TOKEN.as_str())
        {
            params.connection = self.app.connection(secret, &params.headers).await?;
        }
        match permit {
            Some(permit) => app.call_holding(decoded.call, Box::new(permit)).await,
            None => app.call(decoded.call).await,
        }
    }

    /// Returns the app for a request that begins now: what it reads has to be there when its time is over.
    fn reading(&self) -> AppHandle {
        match self.rest.timeout {
            Some(limit) => self.app.with_deadline(Instant::now() + limit),
            None => self.app.clone(),
        }
    }

    /// Returns the text of the log's head.
    fn cursor(&self) -> HeaderValue {
        HeaderValue::from_str(self.app.log().head().text().as_str()).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// Answers with a file of the public folder, if there is one at this path.
    async fn file(self: Arc<Self>, request: Request) -> Response {
        let not_found = Error::not_found(format!("Path {} not found", request.uri().path()));
        let asks = matches!(*request.method(), http::Method::GET | http::Method::HEAD);
        let Some(public) = self.rest.public.clone().filter(|_| asks) else { return error_response(&not_found) };
        let Ok(response) = public.oneshot(request).await;
        match response.status() {
            StatusCode::NOT_FOUND => error_response(&not_found),
            StatusCode::INTERNAL_SERVER_ERROR => error_response(&Error::internal("a public file cannot be read")),
            _ => response.map(Body::new),
        }
    }
}

/// A call that failed, and the methods that would have been right if it was for the wrong one.
struct Rejection {
    error: Error,
    allow: Option<HeaderValue>,
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self { error, allow: None }
    }
}

impl Rejection {
    fn into_response(self) -> Response {
        let mut response = body::refusal(&self.error);
        if let Some(allow) = self.allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
        response
    }
}
