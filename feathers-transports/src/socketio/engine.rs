//! Engine.IO 4: sessions over HTTP polling and on `WebSocket`s, and the change from one to the other.
//!
//! The requests are answered here; what a session is, and what it says, is in [`session`].

mod outbox;
mod packet;
mod recovery;
mod repeat;
mod session;

use std::collections::HashMap;
use std::fmt;
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use feathers_core::query::qs;
use feathers_core::{AppHandle, Credentials, Handshake, Headers, Provider, Result, Session};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
use http::{HeaderValue, Method, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};

use self::packet::Open;
use self::recovery::Recovery;
use self::repeat::{Mark, Sent};
use self::session::{Command, Driver};
use crate::kit::address::client_address;
use crate::kit::answer::{error_response, too_late};
use crate::kit::budget::{Budget, Meter, Permit, cost_of_head};
use crate::kit::handshake::{Checks, handshake_credentials};
use crate::kit::incoming;
use crate::kit::origin::Origins;
use crate::kit::rate_limit::RateLimit;
use crate::kit::session_limit::SessionLimit;
use crate::websocket::{Unfit, Upgrade, WebSocket};

/// How many requests of one client may wait for its session.
const COMMANDS: usize = 8;

/// The settings of the engine.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
    pub(crate) max_message: usize,
    /// How many sessions there may be over HTTP polling, which outlive their connections.
    pub(crate) max_sessions: usize,
    /// How many of them one address may have; `None` is the default.
    pub(crate) max_sessions_per_address: Option<usize>,
    /// How long a client may be away and still be recognised.
    pub(crate) recovery: Duration,
    /// Whose pages may connect.
    pub(crate) origins: Origins,
    /// How often a client may call.
    pub(crate) call_rate: RateLimit,
}

pub(crate) struct Engine {
    app: AppHandle,
    options: Options,
    checks: Checks,
    recovery: Recovery,
    budget: Budget,
    session_limit: SessionLimit,
    /// The sessions that are reached by requests; those that began on a WebSocket are not.
    sessions: Mutex<HashMap<String, mpsc::Sender<Command>>>,
}

impl Engine {
    pub(crate) fn new(app: AppHandle, options: Options, checks: Checks) -> Arc<Self> {
        let recovery = Recovery::new(options.recovery, options.max_sessions);
        let session_limit = SessionLimit::sessions(options.max_sessions_per_address);
        let budget = Budget::of(&app);
        Arc::new(Self { app, options, checks, recovery, budget, session_limit, sessions: Mutex::default() })
    }

    /// Returns the routes of the engine.
    pub(crate) fn router(self: Arc<Self>, path: &str) -> Router {
        let engine = self;
        Router::new().route(&format!("{path}/"), any(answer)).route(path, any(answer)).with_state(engine)
    }

    /// Connects a client; `kept` are its earlier credentials, if it reconnects.
    fn open(
        &self,
        handshake: Handshake,
        auth: Map<String, Value>,
        kept: Option<Credentials>,
    ) -> BoxFuture<'static, Result<Session>> {
        let (app, checks) = (self.app.clone(), self.checks.clone());
        let handshake = handshake.credentials(handshake_credentials(&auth, kept));
        Box::pin(
            async move { app.open_if(handshake, async |connection| checks.run(&connection, &app, auth).await).await },
        )
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, mpsc::Sender<Command>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn greeting(&self, sid: &str, upgrades: &[&str]) -> Bytes {
        Open {
            sid,
            upgrades,
            ping_interval: self.options.ping_interval.as_millis(),
            ping_timeout: self.options.ping_timeout.as_millis(),
            max_message: self.options.max_message,
        }
        .packet()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Makes a name that cannot be guessed: 128 random bits.
fn random_name() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>())
}

/// What is wrong with a request, in the words of the original.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    UnknownTransport,
    UnknownSession,
    BadMethod,
    BadRequest,
    /// A WebSocket of another version.
    WrongVersion,
    Forbidden,
    UnsupportedVersion,
    Full,
    TooMany,
}

impl From<Unfit> for Refusal {
    fn from(unfit: Unfit) -> Self {
        if unfit.is_of_other_version() { Self::WrongVersion } else { Self::BadRequest }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::UnknownTransport => (StatusCode::BAD_REQUEST, 0, "Transport unknown"),
            Self::UnknownSession => (StatusCode::BAD_REQUEST, 1, "Session ID unknown"),
            Self::BadMethod => (StatusCode::BAD_REQUEST, 2, "Bad handshake method"),
            Self::BadRequest | Self::WrongVersion => (StatusCode::BAD_REQUEST, 3, "Bad request"),
            Self::Forbidden => (StatusCode::FORBIDDEN, 4, "Forbidden"),
            Self::UnsupportedVersion => (StatusCode::BAD_REQUEST, 5, "Unsupported protocol version"),
            Self::Full => (StatusCode::SERVICE_UNAVAILABLE, 3, "Too many sessions"),
            Self::TooMany => (StatusCode::TOO_MANY_REQUESTS, 3, "Too many sessions from this address"),
        };
        let body = format!("{{\"code\":{code},\"message\":\"{message}\"}}");
        let mut response = text(status, "application/json", body);
        if matches!(self, Self::Full | Self::TooMany) {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if matches!(self, Self::WrongVersion) {
            Unfit::tell_version(&mut response);
        }
        response
    }
}

fn text(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn answer(State(engine): State<Arc<Engine>>, request: Request) -> Response {
    engine.answer(request).await.unwrap_or_else(IntoResponse::into_response)
}

impl Engine {
    async fn answer(self: Arc<Self>, request: Request) -> Result<Response, Refusal> {
        let query = qs::parse(request.uri().query().unwrap_or_default()).map_err(|_| Refusal::BadRequest)?;
        let word = |name: &str| query.get(name).and_then(Value::as_str);
        if word("EIO") != Some("4") {
            return Err(Refusal::UnsupportedVersion);
        }
        self.options.origins.check(&request).map_err(|_| Refusal::Forbidden)?;
        let wants_socket = Upgrade::is_wanted(request.headers());
        let (socket, sid) = match (word("transport"), word("sid")) {
            (Some("websocket"), sid) => (true, sid.map(ToOwned::to_owned)),
            (Some("polling"), sid) => (false, sid.map(ToOwned::to_owned)),
            _ => return Err(Refusal::UnknownTransport),
        };
        match (socket, sid) {
            (true, _) if !wants_socket => Err(Refusal::BadRequest),
            (false, _) if wants_socket => Err(Refusal::BadRequest),
            (true, None) => self.open_socket(request, query),
            (true, Some(sid)) => self.probe(&sid, request),
            (false, None) => self.open_polling(&request, query),
            (false, Some(sid)) => {
                let mark = Mark::new(word("t"));
                self.exchange(&sid, mark, request).await
            }
        }
    }

    /// Begins a session over polling.
    fn open_polling(self: Arc<Self>, request: &Request, query: Map<String, Value>) -> Result<Response, Refusal> {
        if request.method() != Method::GET {
            return Err(Refusal::BadMethod);
        }
        let address = client_address(request.extensions());
        let session_permit = self.session_limit.take(address).ok_or(Refusal::TooMany)?;
        let meter = Meter::of_session(&self.budget, address);
        let kept = Self::keep(&meter, request.headers())?;
        let sid = random_name();
        let (sender, commands) = mpsc::channel(COMMANDS);
        {
            let mut sessions = self.sessions();
            if sessions.len() >= self.options.max_sessions || self.app.is_stopping() {
                return Err(Refusal::Full);
            }
            sessions.insert(sid.clone(), sender);
        }
        let greeting = self.greeting(&sid, &["websocket"]);
        let handshake = handshake(request.headers().clone(), query).address(address).into();
        let driver = Driver::polling(self.clone(), handshake, kept, commands, session_permit);
        let app = self.app.clone();
        app.spawn(driver.run().map(move |()| {
            self.sessions().remove(&sid);
        }));
        Ok(text(StatusCode::OK, "text/plain; charset=UTF-8", greeting))
    }

    /// Begins a session on a WebSocket.
    fn open_socket(self: Arc<Self>, request: Request, query: Map<String, Value>) -> Result<Response, Refusal> {
        if self.app.is_stopping() {
            return Err(Refusal::Full);
        }
        let (mut parts, _body) = request.into_parts();
        let upgrade = Upgrade::new(&mut parts)?;
        let meter = Meter::of(&self.budget, &parts.extensions);
        let kept = Self::keep(&meter, &parts.headers)?;
        let handshake = handshake(parts.headers, query).address(client_address(&parts.extensions)).into();
        let (response, on_upgrade) = upgrade.accept(None);
        let app = self.app.clone();
        // Not an async block, which would keep room for what it began with.
        app.spawn(on_upgrade.then(move |upgraded| match upgraded {
            Ok(upgraded) => {
                let socket = WebSocket::new(TokioIo::new(upgraded), self.options.max_message, kept.account());
                let greeting = self.greeting(&random_name(), &[]);
                Either::Left(Driver::socket(self, handshake, kept, socket, greeting).run())
            }
            Err(_) => Either::Right(ready(())),
        }));
        Ok(response)
    }

    /// Offers a WebSocket to a session that polls.
    fn probe(self: Arc<Self>, sid: &str, request: Request) -> Result<Response, Refusal> {
        let session = self.session(sid)?;
        let (mut parts, _body) = request.into_parts();
        let upgrade = Upgrade::new(&mut parts)?;
        let account = Meter::of(&self.budget, &parts.extensions).account();
        let (response, on_upgrade) = upgrade.accept(None);
        let app = self.app.clone();
        app.spawn(async move {
            let Ok(upgraded) = on_upgrade.await else { return };
            let socket = WebSocket::new(TokioIo::new(upgraded), self.options.max_message, account);
            let _ = session.send(Command::Probe(Box::new(socket))).await;
        });
        Ok(response)
    }

    /// Exchanges packets with a session that polls; the mark says which request it is.
    async fn exchange(&self, sid: &str, mark: Option<Mark>, request: Request) -> Result<Response, Refusal> {
        let session = self.session(sid)?;
        let meter = Meter::of(&self.budget, request.extensions());
        match *request.method() {
            Method::GET => {
                let (sender, body) = oneshot::channel();
                session.send(Command::Poll(sender, mark)).await.map_err(|_| Refusal::UnknownSession)?;
                let body = body.await.map_err(|_| Refusal::BadRequest)?;
                // It was counted for the session, and is gone there.
                let body = meter.answer(body, true).map_err(|_| Refusal::BadRequest)?;
                Ok(text(StatusCode::OK, "text/plain; charset=UTF-8", body))
            }
            Method::POST => {
                let mut body = request.into_body();
                let read = incoming::read(&mut body, self.options.max_message, &meter);
                let limit = self.budget.body_time();
                let read = tokio::select! {
                    read = tokio::time::timeout(limit, read) => read.unwrap_or_else(|_| Err(too_late(limit))),
                    // A session that is over takes nothing in.
                    () = session.closed() => return Err(Refusal::UnknownSession),
                };
                let body = match read {
                    Ok(body) => body,
                    Err(error) if error.code() == 413 => return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
                    Err(error) => return Ok(error_response(&error)),
                };
                let sent = mark.map(|mark| Sent::new(mark, &body.bytes));
                let (sender, done) = oneshot::channel();
                session.send(Command::Post(body, sent, sender)).await.map_err(|_| Refusal::UnknownSession)?;
                match done.await {
                    Ok(true) => Ok(text(StatusCode::OK, "text/html", "ok")),
                    Ok(false) | Err(_) => Err(Refusal::BadRequest),
                }
            }
            _ => Err(Refusal::BadRequest),
        }
    }

    /// Begins to count a session, for as long as it keeps the headers of its request.
    fn keep(meter: &Meter, headers: &http::HeaderMap) -> Result<Permit, Refusal> {
        meter.account().take(cost_of_head(headers)).map_err(|error| match error.code() {
            429 => Refusal::TooMany,
            _ => Refusal::Full,
        })
    }

    fn session(&self, sid: &str) -> Result<mpsc::Sender<Command>, Refusal> {
        self.sessions().get(sid).cloned().ok_or(Refusal::UnknownSession)
    }
}

/// Describes a client by its handshake; the words of the protocol are not part of its query.
fn handshake(headers: http::HeaderMap, mut query: Map<String, Value>) -> Handshake {
    for word in ["EIO", "transport", "t", "b64"] {
        query.shift_remove(word);
    }
    Handshake::new(Provider::SOCKETIO).headers(Headers::from(headers)).query(query)
}
