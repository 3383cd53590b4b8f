//! Socket.IO, as Feathers speaks it: every event of a client is a call, every event of a service reaches the clients
//! in its channels.
//!
//! The wire format is Feathers 5's: `emit("find", "todos", query, callback)`, answers `(null, result)` or `(error)`,
//! and `"todos created"` with the data. The data is followed by the event's cursor, which Feathers clients ignore.
//! The events that a call causes arrive before its answer.

pub(crate) mod bundle;
mod engine;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use axum::Router;
use feathers_core::{AppHandle, Connection, Result};

use self::engine::{Engine, Options};
use crate::kit::calls::DEFAULT_RATE;
use crate::kit::handshake::Checks;
#[cfg(doc)]
use crate::kit::handshake::HandshakeAuth;
use crate::kit::origin::Origins;
use crate::kit::rate_limit::RateLimit;
use crate::kit::transport::Transport;

/// The Socket.IO transport: `/socket.io/` with polling, WebSocket and the upgrade between them, and the client bundle
/// at `/socket.io/socket.io.js`.
///
/// Calls of one client start in the order of their arrival; 64 run at the same time, and up to 1,024 more wait. Further
/// calls are answered with a 429. So are the calls of a client that calls too often ([`call_rate`](Self::call_rate)); a
/// hundred thousand refused calls in a row close the connection.
///
/// A client that does not read delays no other client and costs a few bytes: its events stay in the event log.
/// It gets them when it reads again, or one `reset` when they are no longer kept.
///
/// A client that reconnects, by itself as Socket.IO clients do, gets what it has missed: the connect listeners run
/// again, then come the missed events, then `resumed` with the cursor.
/// An application can also name the cursor itself, with `auth: { since }`.
/// When there is no going on from there it gets `reset` with `{ reason, cursor }` instead, and reads its lists again.
///
/// A client that does not join within 15 seconds of opening the engine is closed.
///
/// At the shutdown, new clients get a 503 and the engine is closed, so that clients reconnect elsewhere by themselves.
/// A client that the server ends by [`Connection::disconnect`] does not reconnect by itself.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
/// use feathers::transports::SocketIo;
///
/// let transport = SocketIo::new().handshake(|connection| {
///     connection.headers().value("user-agent").map(drop).ok_or_else(|| {
///         feathers::Error::forbidden("who are you?")
///     })
/// });
/// ```
pub struct SocketIo {
    path: String,
    options: Options,
    checks: Checks,
}

impl SocketIo {
    /// Makes the transport with the original's settings.
    pub fn new() -> Self {
        let options = Options {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            max_message: 1_000_000,
            max_sessions: 10_000,
            max_sessions_per_address: None,
            recovery: Duration::from_mins(2),
            origins: Origins::default(),
            call_rate: DEFAULT_RATE,
        };
        Self { path: "/socket.io".to_owned(), options, checks: Checks::default() }
    }

    /// Sets the path instead of `/socket.io`.
    pub fn path(mut self, path: &str) -> Self {
        self.path = format!("/{}", path.trim_matches('/'));
        self
    }

    /// Sets how many bytes one message of a client may have, instead of 1,000,000. A longer one closes the connection.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.options.max_message = bytes;
        self
    }

    /// Sets how often clients are pinged, instead of every 25 seconds.
    pub fn ping_interval(mut self, interval: Duration) -> Self {
        self.options.ping_interval = interval;
        self
    }

    /// Sets how long the answer to a ping may take, instead of 20 seconds; then the client is taken for gone.
    pub fn ping_timeout(mut self, timeout: Duration) -> Self {
        self.options.ping_timeout = timeout;
        self
    }

    /// Sets how many clients may poll over HTTP, instead of 10,000; more get a 503.
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.options.max_sessions = sessions;
        self
    }

    /// Sets how many clients of one address may poll over HTTP, instead of 200; more get a 429 with `Retry-After`.
    ///
    /// A client that goes over to a WebSocket, as nearly all do, does not count any more.
    /// All people of an office may have one address, so it should not be too low. The addresses of IPv6 count by their
    /// /64. The default does not hold for addresses of the same machine, where a proxy usually is; a number that is set
    /// holds for all. A proxy elsewhere has to be named in [`trusted_proxies`](crate::Server::trusted_proxies), or its
    /// address has the sessions of all clients.
    pub fn max_sessions_per_address(mut self, sessions: usize) -> Self {
        self.options.max_sessions_per_address = Some(sessions);
        self
    }

    /// Sets how long a client that has gone is recognised when it reconnects, instead of two minutes.
    ///
    /// What it gets depends on the event log alone: a client that is not recognised any more goes on from its last
    /// event all the same.
    pub fn recovery(mut self, keep: Duration) -> Self {
        self.options.recovery = keep;
        self
    }

    /// Sets how often one client may call, instead of 1,000 times a second with 10,000 calls at once. More are answered
    /// with a 429 that says when to try again, in `data.retryAfter`.
    pub fn call_rate(mut self, rate: RateLimit) -> Self {
        self.options.call_rate = rate;
        self
    }

    /// Names the origins, such as `https://app.example`, whose pages may connect besides those of the server itself.
    /// Others get a 403.
    ///
    /// Without it a page of any origin may, unless its browser sends a cookie along.
    /// The origins of [`Cors::credentials`](crate::Cors::credentials) may in any case.
    pub fn origins<O: Into<String>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        self.options.origins = Origins::only(origins);
        self
    }

    /// Adds a check that runs on every new connection before the connect listeners.
    ///
    /// It may put values on the connection. If it fails, the client gets a `connect_error` with the error's message and
    /// data.
    /// What the client has sent as `auth` is on the connection as [`HandshakeAuth`].
    pub fn handshake(mut self, check: impl Fn(&Connection) -> Result<()> + Send + Sync + 'static) -> Self {
        self.checks.now(check);
        self
    }

    /// Adds a check like [`SocketIo::handshake`] that waits for something, such as the call of a service.
    pub fn handshake_async<Fut: Future<Output = Result<()>> + Send + 'static>(
        mut self,
        check: impl Fn(Connection, AppHandle) -> Fut + Send + Sync + 'static,
    ) -> Self {
        self.checks.later(check);
        self
    }
}

impl Default for SocketIo {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SocketIo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketIo").field("path", &self.path).field("options", &self.options).finish_non_exhaustive()
    }
}

impl Transport for SocketIo {
    fn name(&self) -> &'static str {
        "socketio"
    }

    fn paths(&self) -> Option<Vec<String>> {
        Some(vec![self.path.trim_end_matches('/').to_owned()])
    }

    fn router(self: Box<Self>, app: &AppHandle) -> Router {
        let engine = Engine::new(app.clone(), self.options, self.checks);
        engine.router(&self.path).merge(bundle::router(&self.path))
    }
}
