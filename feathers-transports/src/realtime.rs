//! Events over plain HTTP: one URL, and the request chooses how to listen.
//!
//! A client that can hold a stream gets server-sent events; one that cannot asks again and again, and its polls wait
//! for events or not. All of them read the same subscription, so what one way promises, every way does.

pub(crate) mod asked;
mod cut;
pub(crate) mod envelope;
#[cfg(feature = "grip")]
mod holder;
mod negotiate;
pub(crate) mod poll;
pub(crate) mod resumption;
pub(crate) mod rpc;
pub(crate) mod socket;
pub(crate) mod sse;
pub(crate) mod streams;
pub(crate) mod upgrade;
pub(crate) mod wire;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::any_service;
use feathers_core::{AppHandle, Error, Result};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use self::asked::TransportChoice;
#[cfg(feature = "grip")]
pub(crate) use self::holder::{HeldBy, Holder, Instructions};
use self::poll::Clients;
use self::streams::Streams;
use crate::kit::answer::error_response;
use crate::kit::budget::{Budget, Meter, cost_of_head};
use crate::kit::origin::Origins;
use crate::kit::rate_limit::RateLimit;
use crate::kit::session_limit::SessionLimit;
use crate::kit::transport::Transport;

/// The realtime transport: events at `/realtime` for clients without Socket.IO.
///
/// | request | answer |
/// |---|---|
/// | `GET /realtime` with `Upgrade: websocket` | calls and events on a WebSocket, as JSON-RPC 2.0 |
/// | `GET /realtime` with `Accept: text/event-stream` or `?transport=sse` | a stream of server-sent events |
/// | `GET /realtime?since=C&wait=30` | a long poll: what came after `C`, or nothing after 30 seconds |
/// | `GET /realtime?since=C&wait=0` | a short poll: the same, at once |
/// | `DELETE /realtime` with `X-Connection-Token: S` | ends a polling session |
/// | `GET /realtime/negotiate` | what the server offers |
///
/// Every event carries a cursor. A client that reconnects with its last one gets exactly what it has missed, or one
/// `reset` that says why not. The cursor is `since` or `last_event_id` in the query, or the header `Last-Event-ID`; the
/// newest of several counts.
///
/// `connectionToken` in the answers is the secret of the session. Polls and REST calls with it in the header
/// `X-Connection-Token` belong to the session's connection; it is no login, and in a URL it is a 400.
///
/// A client that does not read costs a position in the log and its socket's buffers, and delays no other client.
/// A stream is ended by cutting its body off, since some clients take a proper end for the last word and stay away.
/// Past the bounds, a stream gets the time to try again and ends in the same way. A poll then gets a 503, or a 429 if
/// its address has too many.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
/// use std::time::Duration;
///
/// use feathers::transports::{RateLimit, Realtime, Server};
///
/// let transport = Realtime::new()
///     .path("/events")
///     .origins(["https://app.example"])
///     // streams
///     .heartbeat_interval(Duration::from_secs(15))
///     .max_lifetime(Duration::from_mins(10))
///     .max_streams(50_000)
///     // polls
///     .session_timeout(Duration::from_secs(60))
///     .max_sessions(20_000)
///     .max_sessions_per_address(500)
///     .max_wait(Duration::from_secs(25))
///     .collect(Duration::from_millis(50))
///     .poll_interval(Duration::from_secs(5))
///     .batch_bytes(64 << 10)
///     // WebSockets
///     .ping_interval(Duration::from_secs(20))
///     .hello_timeout(Duration::from_secs(5))
///     .max_message(256 << 10)
///     .call_rate(RateLimit::per_second(50).burst(200));
///
/// # let app = feathers::App::new();
/// let server = Server::new(app).transport(transport);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a transport does nothing before it is added to a server"]
pub struct Realtime {
    path: String,
    pub(crate) heartbeat_interval: Duration,
    pub(crate) max_lifetime: Duration,
    max_streams: usize,
    max_sessions: usize,
    max_sessions_per_address: Option<usize>,
    session_timeout: Duration,
    max_wait: Duration,
    collect: Duration,
    poll_interval: Duration,
    batch_bytes: usize,
    origins: Origins,
    pub(crate) socket: Arc<socket::Settings>,
}

impl Realtime {
    /// Makes the transport with the defaults for all options.
    pub fn new() -> Self {
        Self {
            path: "/realtime".to_owned(),
            heartbeat_interval: Duration::from_secs(20),
            max_lifetime: Duration::from_mins(30),
            max_streams: 10_000,
            max_sessions: 10_000,
            max_sessions_per_address: None,
            session_timeout: Duration::from_secs(30),
            max_wait: Duration::from_mins(1),
            collect: Duration::from_millis(20),
            poll_interval: Duration::from_secs(3),
            batch_bytes: 256 << 10,
            origins: Origins::default(),
            socket: Arc::default(),
        }
    }

    /// Sets the path instead of `/realtime`.
    pub fn path(mut self, path: &str) -> Self {
        self.path = format!("/{}", path.trim_matches('/'));
        self
    }

    /// Sets after how much silence a stream gets a heartbeat, instead of 20 seconds. Up to a tenth is taken off, so
    /// that not all streams wake at once.
    pub fn heartbeat_interval(mut self, every: Duration) -> Self {
        self.heartbeat_interval = every.max(Duration::from_millis(10));
        self
    }

    /// Sets how long a stream lives, instead of 30 minutes; then it is cut off, and the client reconnects by itself and
    /// misses nothing. Up to a tenth is taken off.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.max_lifetime = lifetime;
        self
    }

    /// Sets how many streams there may be, instead of 10,000. Past that, new ones get the time to try again and end.
    pub fn max_streams(mut self, streams: usize) -> Self {
        self.max_streams = streams;
        self
    }

    /// Sets how many polling sessions there may be, instead of 10,000. Past that, new ones get a 503 with
    /// `Retry-After`.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.max_sessions = sessions;
        self
    }

    /// Sets how many streams and polling sessions one address may have together, instead of 200. Past that, new streams
    /// get the time to try again and end, and new polling sessions get a 429 with `Retry-After`.
    ///
    /// All people of an office may have one address, so it should not be too low. The addresses of IPv6 count by their
    /// /64. The default does not hold for addresses of the same machine, where a proxy usually is; a number that is set
    /// holds for all. A proxy elsewhere has to be named in [`trusted_proxies`](crate::Server::trusted_proxies), or its
    /// address has the sessions of all clients.
    ///
    /// `WebSockets` do not count: they are connections, of which there are
    /// [`max_connections`](crate::Server::max_connections).
    pub fn max_sessions_per_address(mut self, sessions: usize) -> Self {
        self.max_sessions_per_address = Some(sessions);
        self
    }

    /// Sets how long a polling client stays connected after its last poll, instead of 30 seconds.
    pub fn session_timeout(mut self, session_timeout: Duration) -> Self {
        self.session_timeout = session_timeout;
        self
    }

    /// Sets how long a poll may wait at most, instead of 60 seconds. A longer `wait` is shortened to this.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Sets how long a waiting poll collects more once its first event has come, instead of 20 milliseconds.
    pub fn collect(mut self, time: Duration) -> Self {
        self.collect = time;
        self
    }

    /// Sets after how long a short poll should be repeated, instead of 3 seconds; answers carry it.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets the bytes of events past which a poll's answer is closed, instead of 256 KiB; the rest comes with the next
    /// poll. One event always fits.
    pub fn batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// Sets how often a WebSocket is pinged, instead of every 25 seconds. A client that has not sent anything by the
    /// next ping is taken for gone.
    pub fn ping_interval(mut self, every: Duration) -> Self {
        Arc::make_mut(&mut self.socket).ping_interval = every.max(Duration::from_millis(10));
        self
    }

    /// Sets how long a WebSocket may take to say `$hello`, instead of 10 seconds; then it is closed with 4408.
    pub fn hello_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.socket).hello_timeout = timeout;
        self
    }

    /// Sets the bytes of the largest message on a WebSocket, instead of 1 MiB; a larger one closes it with 1009.
    pub fn max_message(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.socket).max_message = bytes;
        self
    }

    /// Sets how often one WebSocket may call, instead of 1,000 times a second with 10,000 calls at once. More are
    /// answered with a 429 that says when to try again, in `data.retryAfter`.
    pub fn call_rate(mut self, rate: RateLimit) -> Self {
        Arc::make_mut(&mut self.socket).call_rate = rate;
        self
    }

    /// Names the origins, such as `https://app.example`, whose pages may listen besides those of the server itself.
    /// Others get a 403.
    ///
    /// Without it a page of any origin may, unless its browser sends a cookie along.
    /// The origins of [`Cors::credentials`](crate::Cors::credentials) may in any case.
    pub fn origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.origins = Origins::only(origins);
        self
    }
}

impl Default for Realtime {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for Realtime {
    fn name(&self) -> &'static str {
        "realtime"
    }

    fn paths(&self) -> Option<Vec<String>> {
        Some(vec![self.path.trim_end_matches('/').to_owned()])
    }

    fn router(self: Box<Self>, app: &AppHandle) -> Router {
        let path = self.path.clone();
        let endpoint = Endpoint(Arc::new(Shared {
            app: app.clone(),
            budget: Budget::of(app),
            name: path.trim_matches('/').into(),
            session_limit: SessionLimit::sessions(self.max_sessions_per_address),
            streams: Streams::new(self.max_streams),
            clients: Clients::new(app, self.max_sessions, self.session_timeout),
            options: *self,
        }));
        let stopped = endpoint.clone();
        app.spawn(async move { stopped.stop().await });
        let negotiation = endpoint.clone();
        let listen = tower::service_fn(move |request| {
            let endpoint = endpoint.clone();
            async move { Ok::<_, Infallible>(endpoint.answer(request).await) }
        });
        let negotiate = tower::service_fn(move |request: Request| {
            let response = negotiation.negotiate(&request);
            async move { Ok::<_, Infallible>(response) }
        });
        let base = path.trim_end_matches('/');
        let router = Router::new()
            .route(&format!("{base}/"), any_service(listen.clone()))
            .route(&format!("{base}/negotiate"), any_service(negotiate.clone()))
            .route(&format!("{base}/negotiate/"), any_service(negotiate));
        // At the root there is no path without the slash.
        if base.is_empty() { router } else { router.route(base, any_service(listen)) }
    }
}

/// What all ways of listening share.
pub(crate) struct Shared {
    pub(crate) app: AppHandle,
    pub(crate) budget: Budget,
    pub(crate) options: Realtime,
    /// The path as the messages of the transport itself name it.
    pub(crate) name: Arc<str>,
    session_limit: SessionLimit,
    streams: Streams,
    clients: Clients,
}

impl Shared {
    /// Takes a place for the stream of a client, whose headers are kept; `None` if there is none for it.
    pub(crate) fn place(&self, address: Option<IpAddr>, headers: &HeaderMap) -> Option<streams::Place> {
        let session_permit = self.session_limit.take(address)?;
        let kept = Meter::of_session(&self.budget, address).account().take(cost_of_head(headers)).ok()?;
        self.streams.reserve(session_permit, kept)
    }
}

#[derive(Clone)]
struct Endpoint(Arc<Shared>);

impl Endpoint {
    /// Ends all clients when the shutdown begins, so that they reconnect elsewhere.
    async fn stop(self) {
        self.0.app.stopping().await;
        self.0.streams.close();
        self.0.clients.close();
    }

    async fn answer(self, request: Request) -> Response {
        #[cfg(feature = "grip")]
        if let Some(holder) = HeldBy::of(request.extensions()).filter(|holder| holder.is_own(&request)) {
            let result = self.answer_holder(&*holder, request).await;
            return result.unwrap_or_else(|error| error_response(&error));
        }
        let result = match *request.method() {
            Method::GET => self.listen(request).await,
            Method::DELETE => self.end(request).await,
            _ => return not_allowed(&request, "GET, DELETE"),
        };
        result.unwrap_or_else(|error| error_response(&error))
    }

    #[cfg(feature = "grip")]
    async fn answer_holder(&self, holder: &dyn Holder, request: Request) -> Result<Response> {
        self.0.options.origins.check(&request)?;
        holder.answer(&self.0, request).await
    }

    async fn listen(self, request: Request) -> Result<Response> {
        self.0.options.origins.check(&request)?;
        let query = asked::query(request.uri())?;
        match asked::way(request.headers(), &query)? {
            TransportChoice::WebSocket => Ok(upgrade::answer(&self.0, request, query)),
            TransportChoice::Sse => sse::answer(&self.0, request.into_parts().0, query).await,
            TransportChoice::Poll => poll::answer(&self.0, request.into_parts().0, query).await,
        }
    }

    /// Ends a polling session; one that is over already is a 404.
    async fn end(&self, request: Request) -> Result<Response> {
        self.0.options.origins.check(&request)?;
        let credentials = asked::credentials(&mut asked::query(request.uri())?);
        let headers = request.into_parts().0.headers;
        let token = asked::connection_token(&headers)
            .ok_or_else(|| Error::bad_request("X-Connection-Token says which session ends, and is missing"))?;
        self.0.app.connection_of(token, &credentials, &headers.clone().into()).await?;
        if self.0.clients.end(token) {
            Ok(empty(StatusCode::NO_CONTENT))
        } else {
            Err(Error::not_found("there is no such polling session"))
        }
    }

    fn negotiate(&self, request: &Request) -> Response {
        match *request.method() {
            Method::GET => negotiate::answer(&self.0),
            _ => not_allowed(request, "GET"),
        }
    }
}

/// Answers `OPTIONS`, and refuses every other method.
fn not_allowed(request: &Request, allow: &'static str) -> Response {
    let mut response = if request.method() == Method::OPTIONS {
        empty(StatusCode::NO_CONTENT)
    } else {
        error_response(&Error::method_not_allowed(format!(
            "Method '{}' is not allowed here, only {allow}",
            request.method()
        )))
    };
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Takes up to a tenth off a time, so that clients that connected together do not reconnect together.
fn jittered(time: Duration) -> Duration {
    time.mul_f64(1.0 - rand::random::<f64>() / 10.0)
}
