//! The raw WebSocket: one task per client, which reads calls and writes answers and events.
//!
//! Events are pulled from the log when there is room to write them, each as one frame that all clients share. A client
//! that does not read gets nothing and costs nothing; when its place is no longer kept it gets one `$reset`.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use feathers_core::{
    AppHandle, Call, Connection, Credentials, Cursor, Delivery, DisconnectReason, Encoding, Error, Handshake,
    HandshakeCredentials, Method, Result, Resumption, Session, Subscription, UnderWay,
};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use super::rpc::{self, Fault, Incoming, Reply, RequestId};
use super::wire::Wire;
use crate::kit::budget::Permit;
use crate::kit::calls::{Calls, DEFAULT_RATE, DRAIN, Encode, GOODBYE};
use crate::kit::close_code;
use crate::kit::closed::Closed;
use crate::kit::rate_limit::RateLimit;
use crate::kit::since::newest_since;
use crate::kit::timer::Timer;
use crate::websocket::{Ended, Message};

/// How many messages are read before others get a turn.
const TURN: usize = 32;

/// The settings of a raw WebSocket.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How long a client may take to say hello.
    pub(super) hello_timeout: Duration,
    /// How often it is pinged.
    pub(super) ping_interval: Duration,
    /// The largest message in bytes.
    pub(crate) max_message: usize,
    /// How often a client may call.
    pub(super) call_rate: RateLimit,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hello_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(25),
            max_message: 1 << 20,
            call_rate: DEFAULT_RATE,
        }
    }
}

/// The task of one client.
pub(crate) struct Driver<W> {
    app: AppHandle,
    socket: W,
    settings: Arc<Settings>,
    client: Client,
    calls: Calls<Reply>,
    /// What is kept of the request that began it.
    _kept: Permit,
    timer: Timer,
    /// The server stops; calls under way are still answered.
    draining: bool,
}

enum Client {
    /// Has not said hello.
    Handshaking(Box<Handshake>),
    /// Is being connected.
    Connecting(Box<Connecting>),
    /// Is connected.
    Connected(Box<Connected>),
}

struct Connecting {
    session: BoxFuture<'static, Result<Session>>,
    /// The request that is answered then.
    id: Option<RequestId>,
}

struct Connected {
    /// Ends with this task: the connection leaves its channels.
    session: Session,
    events: Subscription,
    closed: Closed,
}

/// How the connection ends: the code and the reason of the close frame; none if the client has gone.
type End = Option<(u16, &'static str)>;

/// The server stops.
const GOING_AWAY: End = Some((close_code::AWAY, "going away"));
/// The credentials are not valid, or no longer: the client has to log in again.
const DENIED: End = Some((close_code::UNAUTHENTICATED, "not authenticated"));

/// Says how a connection ends that the server has ended.
fn dismissed(connection: &Connection) -> End {
    match connection.disconnect_reason() {
        Some(DisconnectReason::Unauthenticated(_)) => DENIED,
        Some(DisconnectReason::Reconnect) => Some((close_code::RECONNECT, "come back")),
        _ => Some((close_code::FORBIDDEN, "the server has ended the connection")),
    }
}

impl<W: Wire> Driver<W> {
    pub(crate) fn new(
        app: AppHandle,
        handshake: Box<Handshake>,
        kept: Permit,
        socket: W,
        settings: Arc<Settings>,
    ) -> Self {
        Self {
            calls: Calls::new(app.clone(), kept.account(), settings.call_rate),
            _kept: kept,
            app,
            socket,
            client: Client::Handshaking(handshake),
            timer: Timer::after(settings.hello_timeout),
            settings,
            draining: false,
        }
    }

    #[expect(clippy::manual_async_fn, reason = "an async fn has room for its arguments twice, for as long as it runs")]
    pub(crate) fn run(mut self) -> impl Future<Output = ()> {
        async move {
            let end = poll_fn(|cx| self.poll(cx)).await;
            // The connection leaves its channels before a slow goodbye.
            drop(self.client);
            if let Some((code, reason)) = end {
                // A client that does not read does not hold anything up. In a box, which is there at the end alone.
                let _ = Box::pin(tokio::time::timeout(GOODBYE, self.socket.close(code, reason))).await;
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            let mut busy = match self.take_in(cx) {
                Ok(busy) => busy,
                Err(end) => return Poll::Ready(end),
            };
            match self.poll_joining(cx) {
                Ok(joined) => busy |= joined,
                Err(end) => return Poll::Ready(end),
            }
            busy |= self.calls.poll(cx);
            match self.fill(cx) {
                Ok(more) => busy |= more,
                Err(end) => return Poll::Ready(end),
            }
            let full = (self.socket.has_room(), self.socket.is_choked());
            if let Poll::Ready(Err(_)) = self.socket.poll_flush(cx) {
                return Poll::Ready(None);
            }
            // Work that had no room is tried again, or nothing would wake this task for it.
            busy |= full != (self.socket.has_room(), self.socket.is_choked());
            if !busy {
                break;
            }
        }
        if !matches!(self.client, Client::Connecting(_)) {
            self.socket.idle(cx, self.calls.len());
        }
        // The task is woken when the shutdown begins.
        if !self.draining && self.app.is_stopping() {
            self.draining = true;
            self.timer.set(DRAIN);
        }
        if self.draining && self.calls.len() == 0 && self.socket.is_empty() {
            return Poll::Ready(GOING_AWAY);
        }
        self.poll_timer(cx)
    }

    /// Reads what the client sends; `true` if there may be more.
    fn take_in(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        for turn in 0..TURN {
            // A client whose answers do not leave is not read from.
            if self.calls.is_choked() || self.socket.is_choked() {
                return Ok(turn > 0);
            }
            let Poll::Ready(message) = self.socket.poll_message(cx) else { return Ok(turn > 0) };
            match message {
                Ok(Message::Text(text)) => self.text(&text)?,
                Ok(Message::Ping(payload)) => self.socket.pong(&payload),
                Ok(Message::Pong) => {}
                Ok(Message::Binary(_)) => return Err(Some((close_code::UNSUPPORTED, "binary data is not understood"))),
                Ok(Message::Close(code)) => return Err(Some((code.unwrap_or(close_code::NORMAL), ""))),
                Err(Ended::Gone) => return Err(None),
                Err(Ended::Violation(violation)) => return Err(Some((violation.code, violation.reason))),
            }
        }
        Ok(true)
    }

    fn text(&mut self, text: &[u8]) -> Result<(), End> {
        let text = std::str::from_utf8(text).map_err(|_| Some((close_code::INVALID, "not valid UTF-8")))?;
        match rpc::parse(text) {
            Err(fault) => self.send(&rpc::fault(None, &fault)),
            Ok(batch) => {
                for request in batch {
                    match request {
                        Err(fault) => self.send(&rpc::fault(None, &fault)),
                        Ok(request) => self.request(&request)?,
                    }
                }
            }
        }
        Ok(())
    }

    fn request(&mut self, request: &Incoming<'_>) -> Result<(), End> {
        let outcome = match request.method().as_deref() {
            Err(fault) => Err(fault.clone()),
            Ok("$hello") => self.hello(request),
            Ok("$auth") => self.auth(request)?,
            Ok("$ping") => {
                if let Some(id) = &request.id {
                    let cursor = self.socket.position(self.position());
                    self.send(&rpc::result(id, &rpc::Position { cursor }));
                }
                Ok(())
            }
            Ok("$pong") => Ok(()),
            Ok("$cancel") => self.cancel(request),
            Ok(method) if method.starts_with('$') => {
                Err(Fault::new(rpc::METHOD_NOT_FOUND, format!("there is no {method}")))
            }
            Ok(method) => self.call(request, method)?,
        };
        // What wants no answer gets one all the same when it is no request at all, or comes before its time.
        if let Err(fault) = outcome
            && (request.id.is_some() || fault.code == rpc::INVALID_REQUEST)
        {
            self.send(&rpc::fault(request.id.as_deref(), &fault));
        }
        Ok(())
    }

    fn hello(&mut self, request: &Incoming<'_>) -> Result<(), Fault> {
        let hello: rpc::Hello = request.own_params()?;
        let since = newest_since(self.app.log().epoch(), hello.since.iter().map(|text| ("since", text.as_str())), None)
            .map_err(|error| Fault::new(rpc::INVALID_PARAMS, error.message()))?
            .unwrap_or_default();
        if hello.auth.is_some() && self.app.authentication_path().is_none() {
            return Err(Fault::new(rpc::INVALID_PARAMS, "authentication is not part of this server"));
        }
        let Client::Handshaking(handshake) = &self.client else {
            return Err(Fault::new(rpc::INVALID_REQUEST, "hello was said already"));
        };
        let (app, mut handshake) = (self.app.clone(), handshake.as_ref().clone().since(since));
        if let Some(auth) = hello.auth {
            handshake = handshake.credentials(HandshakeCredentials::Sent(Credentials::new(auth)));
        }
        let session = Box::pin(async move { app.open(handshake).await });
        self.client = Client::Connecting(Box::new(Connecting { session, id: request.id.clone() }));
        Ok(())
    }

    fn poll_joining(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let Client::Connecting(connecting) = &mut self.client else { return Ok(false) };
        let Poll::Ready(session) = connecting.session.as_mut().poll(cx) else { return Ok(false) };
        let id = connecting.id.take();
        let session = match session {
            Ok(session) => session,
            Err(error) => {
                let end =
                    if error.is_not_authenticated() { DENIED } else { Some((close_code::FORBIDDEN, "not let in")) };
                if let Some(answer) = Reply(id).encode(Err(error.into())) {
                    self.send(&answer);
                }
                return Err(end);
            }
        };
        let mut events = session.subscribe();
        let cursor = events.cursor();
        if let Some(id) = id {
            let reset = events.pending_reset();
            if reset.is_some() {
                // It is part of the answer.
                events.try_next();
            }
            let resumption = session.connection().get::<Resumption>();
            let welcome = rpc::Welcome {
                connection_token: session.secret(),
                recovered: events.is_resumed(),
                cursor,
                ticket_secret: resumption.as_ref().map(|resumption| &*resumption.secret),
                reset,
                ping: self.settings.ping_interval.as_millis(),
                max_message: self.settings.max_message,
            };
            self.send(&rpc::result(&id, &welcome));
        }
        self.client = Client::Connected(Box::new(Connected { session, events, closed: Closed::default() }));
        self.timer.set(self.settings.ping_interval);
        Ok(true)
    }

    /// Logs in on this connection: `create` of the service for that.
    fn auth(&mut self, request: &Incoming<'_>) -> Result<Result<(), Fault>, End> {
        let Client::Connected(client) = &self.client else {
            return Ok(Err(Fault::new(rpc::INVALID_REQUEST, "say $hello first")));
        };
        if self.app.authentication_path().is_none() {
            self.refuse(request, Error::not_implemented("authentication is not part of this server"));
            return Ok(Ok(()));
        }
        let data: Map<String, Value> = match request.own_params() {
            Ok(data) => data,
            Err(fault) => return Ok(Err(fault)),
        };
        let params = client.session.params();
        let under_way = client.session.connection().call_begins();
        self.submit(request, under_way, move |app, _| {
            let path = app.authentication_path().unwrap_or_default();
            let route = app.lookup(path, Encoding::Plain)?;
            let route = route.ok_or_else(|| Error::not_found(format!("Service '{path}' not found")))?;
            Ok(Call { route, method: Method::Create, id: None, data: Value::Object(data).into(), params })
        })?;
        Ok(Ok(()))
    }

    fn cancel(&mut self, request: &Incoming<'_>) -> Result<(), Fault> {
        let cancel: rpc::Cancel = request.own_params()?;
        let wanted = cancel.id.unwrap_or_default().to_string();
        let cancelled = self.calls.cancel(|reply| reply.0.as_ref().is_some_and(|id| id.get() == wanted));
        if let Some(Reply(Some(id))) = &cancelled {
            self.send(&rpc::fault(Some(id), &Fault::new(rpc::CANCELLED, "cancelled before it was run")));
        }
        if let Some(id) = &request.id {
            self.send(&rpc::result(id, &cancelled.is_some()));
        }
        Ok(())
    }

    /// Takes a call in.
    fn call(&mut self, request: &Incoming<'_>, method: &str) -> Result<Result<(), Fault>, End> {
        let Client::Connected(client) = &self.client else {
            return Ok(Err(Fault::new(rpc::INVALID_REQUEST, "say $hello first")));
        };
        let (method, params) = (method.to_owned(), client.session.params());
        let under_way = client.session.connection().call_begins();
        self.submit(request, under_way, move |app, text| rpc::call(app, &method, text, params)).map(Ok)
    }

    /// Has a call made, unless there is no room for more.
    fn submit(
        &mut self,
        request: &Incoming<'_>,
        under_way: UnderWay,
        decode: impl FnOnce(&AppHandle, &str) -> Result<Call, rpc::Refusal> + Send + 'static,
    ) -> Result<(), End> {
        if self.draining {
            self.refuse(request, Error::unavailable("the server is shutting down"));
            return Ok(());
        }
        let text = request.text();
        let id = request.id.as_ref().map_or(0, |id| id.get().len());
        match self.calls.admit(text.len() + id) {
            Ok(permit) => self.calls.submit(Reply(request.id.clone()), (under_way, permit), text, decode),
            Err(_) if self.calls.is_abused() => return Err(Some((close_code::POLICY, "too many calls"))),
            Err(error) => self.refuse(request, error),
        }
        Ok(())
    }

    /// Answers at once to what is not even tried.
    fn refuse(&mut self, request: &Incoming<'_>, error: Error) {
        if let Some(answer) = Reply(request.id.clone()).encode(Err(error.into())) {
            self.send(&answer);
        }
    }

    /// Sends what there is to send and room for; `true` if an answer was among it, which may let a call begin.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut busy = false;
        loop {
            let Client::Connected(client) = &mut self.client else { return Ok(busy) };
            self.socket.attend(&client.session, &client.events);
            // The answers of a connection that has ended leave in any case: there are only so many.
            let connection = client.session.connection();
            if !self.socket.has_room() && !connection.is_closed() {
                if client.closed.poll(connection, cx) {
                    continue;
                }
                return Ok(busy);
            }
            client.closed.reset();
            if let Some((answer, permit)) = self.calls.next_answer(&client.events) {
                self.socket.answer(&answer, permit);
                busy = true;
                continue;
            }
            match client.events.poll_next(cx) {
                Poll::Pending => return Ok(busy),
                Poll::Ready(None) => return Err(dismissed(client.session.connection())),
                Poll::Ready(Some(Delivery::Event(event))) => {
                    if let Err(error) = self.socket.event(&event) {
                        tracing::error!(?error, path = %event.path(), "an event cannot be written");
                    }
                }
                Poll::Ready(Some(Delivery::Reset(reset))) => self.send(&rpc::notification("$reset", &reset)),
                Poll::Ready(Some(_)) => {}
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            ready!(self.timer.poll(cx));
            let heard = self.socket.take_heard();
            match &self.client {
                _ if self.draining => return Poll::Ready(GOING_AWAY),
                Client::Handshaking(_) => return Poll::Ready(Some((close_code::HELLO_TIMEOUT, "no $hello"))),
                Client::Connecting(_) | Client::Connected(_) if !heard => return Poll::Ready(None),
                Client::Connecting(_) | Client::Connected(_) => {}
            }
            self.socket.ping(self.position());
            self.timer.set(self.settings.ping_interval);
            if let Poll::Ready(Err(_)) = self.socket.poll_flush(cx) {
                return Poll::Ready(None);
            }
        }
    }

    fn position(&self) -> Cursor {
        match &self.client {
            Client::Connected(client) => client.events.cursor(),
            Client::Handshaking(_) | Client::Connecting(_) => self.app.log().head(),
        }
    }

    fn send(&mut self, message: &[u8]) {
        self.socket.text(message);
    }
}
