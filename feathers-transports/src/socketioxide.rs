//! Socket.IO, as Feathers speaks it: every event of a client is a call, every event of a service reaches the clients
//! in its channels.
//!
//! The wire format is Feathers 5's: `emit("find", "todos", query, callback)`, answers `(null, result)` or `(error)`,
//! and `"todos created"` with the data. The data is followed by the event's cursor, which Feathers clients ignore.
//! The events that a call causes arrive before its answer.

mod calls;
mod client;
mod handshake;
mod pump;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use feathers_core::{AppHandle, Connection, Error, Result};
use http::{StatusCode, header};
use socketioxide::handler::ConnectHandler;
use socketioxide::{ParserConfig, SocketIoBuilder};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use self::handshake::ClientOpener;
use crate::kit::answer::error_response;
use crate::kit::calls::DEFAULT_RATE;
use crate::kit::handshake::Checks;
#[cfg(doc)]
use crate::kit::handshake::HandshakeAuth;
use crate::kit::origin::Origins;
use crate::kit::rate_limit::RateLimit;
use crate::kit::transport::Transport;
use crate::socketio::bundle;

/// How long answers of calls under way may take once the shutdown has begun.
const DRAIN: Duration = Duration::from_secs(5);
/// How long the engine may take to say goodbye to its clients.
const GOODBYE: Duration = Duration::from_secs(1);
/// How many binary attachments an event may have; it is refused with an answer in any case.
const ATTACHMENTS: usize = 16;

/// The Socket.IO transport: `/socket.io/` with polling, WebSocket and the upgrade between them, and the client bundle
/// at `/socket.io/socket.io.js`.
///
/// Calls of one client start in the order of their arrival; 64 run at the same time, and up to 1,024 more wait. Further
/// calls are answered with a 429. So are the calls of a client that calls too often.
///
/// A client that does not read delays no other client. Up to [`SocketIoxide::buffer`] packets are kept for it; past
/// that its events stay in the event log. A client whose buffer is full at the next ping is closed, and so is one that
/// takes nothing for the time of a ping and its answer. When it reconnects, it reads its lists again, as after any
/// disconnect; events are never left out of the middle.
///
/// At the shutdown, new clients get a 503, and calls under way have five seconds for their answers. Then the engine is
/// closed, so that clients reconnect elsewhere by themselves. A client that the server ends by
/// [`Connection::disconnect`] does not reconnect by itself.
///
/// A page of another origin gets a 403 if its browser sends a cookie along, unless the server's CORS lets it send them.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
/// use feathers::transports::SocketIoxide;
///
/// let transport = SocketIoxide::new().handshake(|connection| {
///     connection.headers().value("user-agent").map(drop).ok_or_else(|| {
///         feathers::Error::forbidden("who are you?")
///     })
/// });
/// ```
pub struct SocketIoxide {
    path: String,
    payload: usize,
    ping_interval: Duration,
    ping_timeout: Duration,
    buffer: usize,
    call_rate: RateLimit,
    checks: Checks,
}

impl SocketIoxide {
    /// Makes the transport with the original's settings.
    pub fn new() -> Self {
        Self {
            path: "/socket.io".to_owned(),
            payload: 1_000_000,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            buffer: 1_024,
            call_rate: DEFAULT_RATE,
            checks: Checks::default(),
        }
    }

    /// Sets the path instead of `/socket.io`.
    pub fn path(mut self, path: &str) -> Self {
        self.path = format!("/{}", path.trim_matches('/'));
        self
    }

    /// Sets how many bytes one message of a client may have, instead of 1,000,000. A longer one closes the connection.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.payload = bytes;
        self
    }

    /// Sets how often clients are pinged, instead of every 25 seconds.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.ping_interval = interval;
        self
    }

    /// Sets how long the answer to a ping may take, instead of 20 seconds; then the client is taken for gone.
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.ping_timeout = timeout;
        self
    }

    /// Sets how many packets may wait in the engine for one client, instead of 1,024. At least two.
    pub fn buffer(mut self, packets: usize) -> Self {
        self.buffer = packets.max(2);
        self
    }

    /// Sets how often one client may call, instead of 1,000 times a second with 10,000 calls at once. More are answered
    /// with a 429 that says when to try again, in `data.retryAfter`.
    pub fn call_rate(mut self, rate: RateLimit) -> Self {
        self.call_rate = rate;
        self
    }

    /// Adds a check that runs on every new connection before the connect listeners.
    ///
    /// It may put values on the connection. If it fails, the client gets a `connect_error` with the error's message;
    /// the engine has no place for its data.
    /// What the client has sent as `auth` is on the connection as [`HandshakeAuth`].
    pub fn handshake(mut self, check: impl Fn(&Connection) -> Result<()> + Send + Sync + 'static) -> Self {
        self.checks.now(check);
        self
    }

    /// Adds a check like [`SocketIoxide::handshake`] that waits for something, such as the call of a service.
    pub fn handshake_async<Fut: Future<Output = Result<()>> + Send + 'static>(
        mut self,
        check: impl Fn(Connection, AppHandle) -> Fut + Send + Sync + 'static,
    ) -> Self {
        self.checks.later(check);
        self
    }

    fn builder(&self) -> SocketIoBuilder {
        let parser =
            ParserConfig::common().max_incoming_binary_buf_size(self.payload).max_incoming_binaries(ATTACHMENTS);
        socketioxide::SocketIo::builder()
            .req_path(self.path.clone())
            .max_payload(self.payload as u64)
            .ws_max_message_size(self.payload)
            .ws_max_frame_size(self.payload)
            .ping_interval(self.ping_interval)
            .ping_timeout(self.ping_timeout)
            .max_buffer_size(self.buffer)
            .with_parser(parser)
    }
}

impl Default for SocketIoxide {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SocketIoxide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIoxide").field("path", &self.path).field("payload", &self.payload).finish_non_exhaustive()
    }
}

impl Transport for SocketIoxide {
    fn name(&self) -> &'static str {
        "socketio"
    }

    fn router(self: Box<Self>, app: &AppHandle) -> Router {
        let (service, io) = self.builder().build_svc();
        let tasks = Tasks {
            calls: TaskTracker::new(),
            clients: TaskTracker::new(),
            closed: CancellationToken::new(),
            patience: self.ping_interval + self.ping_timeout,
        };
        let handshake = ClientOpener::new(app.clone(), self.checks, tasks.clone(), self.call_rate);
        io.ns("/", pump::start.with(async move |socket, auth| handshake.run(socket, auth).await));
        app.spawn(stop(app.clone(), io, tasks));

        let app = app.clone();
        let engine = any(move |request: Request| {
            let (app, service) = (app.clone(), service.clone());
            async move {
                if let Err(error) = Origins::default().check(&request) {
                    return error_response(&error);
                }
                if app.is_stopping() && !has_session(request.uri().query()) {
                    return unavailable();
                }
                let Ok(response) = service.oneshot(request).await;
                response.map(Body::new)
            }
        });
        let path = self.path;
        Router::new()
            .route(&path, engine.clone())
            .route(&format!("{path}/"), engine.clone())
            .route(&format!("{path}/{{*rest}}"), engine)
            .merge(bundle::router(&path))
    }
}

/// What all clients share.
#[derive(Clone, Debug)]
struct Tasks {
    /// Calls that are to be answered.
    calls: TaskTracker,
    /// Clients that are served.
    clients: TaskTracker,
    /// The engine is closed.
    closed: CancellationToken,
    /// How long a client may take nothing at all.
    patience: Duration,
}

/// Waits for the shutdown, lets calls under way be answered, closes the engine and ends all sessions.
///
/// Packet `41` is not sent: stock clients do not reconnect after it.
async fn stop(app: AppHandle, io: socketioxide::SocketIo, tasks: Tasks) {
    app.stopping().await;
    tasks.calls.close();
    if tokio::time::timeout(DRAIN, tasks.calls.wait()).await.is_err() {
        tracing::warn!(calls = tasks.calls.len(), "closing sockets with calls under way");
    }
    if tokio::time::timeout(GOODBYE, io.close()).await.is_err() {
        tracing::debug!("some sockets did not close in time");
    }
    // The engine does not tell of disconnects that come from closing it.
    tasks.closed.cancel();
    tasks.clients.close();
    tasks.clients.wait().await;
}

/// Tells whether a request belongs to a session that there is already.
fn has_session(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("sid=")))
}

fn unavailable() -> Response {
    let error = Error::unavailable("the server is shutting down").to_value().to_string();
    (StatusCode::SERVICE_UNAVAILABLE, [(header::CONTENT_TYPE, "application/json")], error).into_response()
}
