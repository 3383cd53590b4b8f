//! One client's session: a task that owns the connection, its calls and its way out.
//!
//! All work for a client happens on one task, without locks and copies. The task takes events from the log when there
//! is room to write them. A call's answer leaves after the events that the call has caused.

mod end;
mod goodbye;
mod input;

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use feathers_core::{AppHandle, Cursor, Delivery, Error, Handshake, Params, Payload, Result, Session, Subscription};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::end::End;
pub(super) use self::input::Command;
use self::input::Posted;
use super::Engine;
use super::outbox::{Outlet, Polling, Socket};
use super::packet;
use super::recovery::{RecoveryRequest, SessionIds};
use crate::kit::budget::Permit;
use crate::kit::calls::{Calls, DRAIN, Encode, GOODBYE};
use crate::kit::close_code;
use crate::kit::closed::Closed;
use crate::kit::decode;
use crate::kit::session_limit::SessionPermit;
use crate::kit::timer::Timer;

/// How long a client may take to join the namespace after the handshake.
///
/// The original waits for 45 seconds, but stock clients join in the same moment in which the engine is open.
const JOIN: Duration = Duration::from_secs(15);

/// The task of one client.
pub(super) struct Driver {
    engine: Arc<Engine>,
    handshake: Box<Handshake>,
    commands: Option<mpsc::Receiver<Command>>,
    /// Held for as long as the client polls.
    session_permit: Option<SessionPermit>,
    /// The HTTP body whose packets are being taken in.
    posted: Option<Box<Posted>>,
    outlet: Outlet,
    client: Client,
    calls: Calls<Ack>,
    /// What is kept of the request that began the session.
    _kept: Permit,
    /// Binary messages that belong to a packet that was refused.
    attachments: usize,
    timer: Timer,
    due: Due,
    told: Option<Cursor>,
}

/// What happens when the timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Ping,
    Pong,
    /// The server stops, and the calls under way have had their time.
    End,
    /// The server stops, and a client that polls has had the time to fetch its last answers.
    Fetched,
}

enum Client {
    /// Has not joined the namespace.
    Handshaking { late: Timer },
    /// Is being connected.
    Connecting(Box<Connecting>),
    /// Is connected.
    Connected(Box<Connected>),
}

impl Client {
    fn handshaking() -> Self {
        Self::Handshaking { late: Timer::after(JOIN) }
    }
}

struct Connecting {
    session: BoxFuture<'static, Result<Session>>,
    /// The names of the session that is recovered.
    names: Option<SessionIds>,
}

struct Connected {
    session: Session,
    events: Subscription,
    names: SessionIds,
    params: Params,
    /// When everything up to here has been sent, the client gets `resumed`: it has missed nothing.
    resuming: Option<Cursor>,
    closed: Closed,
}

/// The id under which a client waits for an answer.
struct Ack(Option<u64>);

impl Encode for Ack {
    type Refusal = Error;

    fn encode(&self, result: Result<Payload>) -> Option<Bytes> {
        self.0.map(|id| packet::ack(id, &result))
    }
}

impl Driver {
    pub(super) fn polling(
        engine: Arc<Engine>,
        handshake: Box<Handshake>,
        kept: Permit,
        commands: mpsc::Receiver<Command>,
        session_permit: SessionPermit,
    ) -> Self {
        let polling = Polling::new(kept.account());
        let mut driver = Self::new(engine, handshake, kept, Some(commands), Outlet::Polling(polling));
        driver.session_permit = Some(session_permit);
        driver
    }

    /// Serves a client on a WebSocket, which first gets the greeting.
    pub(super) fn socket(
        engine: Arc<Engine>,
        handshake: Box<Handshake>,
        kept: Permit,
        socket: Socket,
        greeting: Bytes,
    ) -> Self {
        let mut outlet = Outlet::Socket(socket);
        outlet.send(greeting);
        Self::new(engine, handshake, kept, None, outlet)
    }

    fn new(
        engine: Arc<Engine>,
        handshake: Box<Handshake>,
        kept: Permit,
        commands: Option<mpsc::Receiver<Command>>,
        outlet: Outlet,
    ) -> Self {
        let app = engine.app.clone();
        let timer = Timer::after(engine.options.ping_interval);
        Self {
            calls: Calls::new(app, kept.account(), engine.options.call_rate),
            _kept: kept,
            engine,
            handshake,
            commands,
            session_permit: None,
            posted: None,
            outlet,
            client: Client::handshaking(),
            attachments: 0,
            timer,
            due: Due::Ping,
            told: None,
        }
    }

    /// Runs until the session ends.
    #[expect(clippy::manual_async_fn, reason = "an async fn has room for its arguments twice, for as long as it runs")]
    pub(super) fn run(mut self) -> impl Future<Output = ()> {
        async move {
            let end = poll_fn(|cx| self.poll(cx)).await;
            // In a box, which is there at the end alone.
            Box::pin(self.finish(end)).await;
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        // A client that has not answered in time is lost, whatever it may send now.
        if let Poll::Ready(end) = self.poll_timer(cx) {
            return Poll::Ready(end);
        }
        loop {
            let mut busy = match self.take_in(cx) {
                Ok(busy) => busy,
                Err(end) => return Poll::Ready(end),
            };
            busy |= self.poll_joining(cx);
            busy |= self.calls.poll(cx);
            match self.fill(cx) {
                Ok(more) => busy |= more,
                Err(end) => return Poll::Ready(end),
            }
            let full = (self.outlet.has_room(), self.outlet.is_choked());
            if let Err(gone) = self.outlet.poll_flush(cx, self.engine.options.max_message) {
                return Poll::Ready(gone.into());
            }
            // Work that had no room is tried again, or nothing would wake this task for it.
            busy |= full != (self.outlet.has_room(), self.outlet.is_choked());
            if !busy {
                break;
            }
        }
        // The task is woken when the shutdown begins.
        if !self.is_stopping() && self.engine.app.is_stopping() {
            self.schedule(Due::End, DRAIN);
        }
        if self.due == Due::End && self.calls.are_done() && !self.outlet.is_asked() {
            self.schedule(Due::Fetched, GOODBYE);
        }
        if self.is_stopping() && self.calls.len() == 0 && self.outlet.is_empty() {
            return Poll::Ready(End::Stopping);
        }
        // The timer may have been reset.
        self.poll_timer(cx)
    }

    /// Tells whether the session has heard that the server stops.
    fn is_stopping(&self) -> bool {
        matches!(self.due, Due::End | Due::Fetched)
    }

    /// Begins to connect a client.
    fn join(&mut self, auth: &str) -> Result<(), End> {
        if !matches!(self.client, Client::Handshaking { .. }) {
            return Err(End::Left { code: close_code::PROTOCOL });
        }
        let auth = if auth.is_empty() { "{}" } else { auth };
        let auth: Map<String, Value> =
            serde_json::from_str(auth).map_err(|_| End::Left { code: close_code::PROTOCOL })?;
        let claim = RecoveryRequest::new(&auth, self.engine.app.log().epoch());
        let recognised = self.engine.recovery.recognise(&claim);
        let handshake = self.handshake.as_ref().clone().since(recognised.since);
        let session = self.engine.open(handshake, auth, recognised.credentials);
        self.client = Client::Connecting(Box::new(Connecting { session, names: recognised.names }));
        Ok(())
    }

    fn poll_joining(&mut self, cx: &mut Context<'_>) -> bool {
        let Client::Connecting(connecting) = &mut self.client else { return false };
        let Poll::Ready(result) = connecting.session.as_mut().poll(cx) else { return false };
        let names = connecting.names.take();
        match result {
            Ok(session) => self.joined(session, names),
            Err(error) => {
                self.outlet.send(packet::refused("/", &error));
                self.client = Client::handshaking();
            }
        }
        true
    }

    fn joined(&mut self, session: Session, names: Option<SessionIds>) {
        let events = session.subscribe();
        let reset = events.pending_reset().is_some();
        let start = events.cursor();
        // A client that has to read everything again is a new client.
        let known = names.filter(|_| !reset);
        let names = known.unwrap_or_else(|| SessionIds::random(start));
        self.outlet.send(packet::Connected { sid: &names.sid, pid: &names.pid }.packet());
        let head = self.engine.app.log().head();
        self.engine.recovery.arrived(&names, session.connection(), start);
        let params = session.params();
        let resuming = events.is_resumed().then_some(head);
        self.told = Some(start);
        self.client = Client::Connected(Box::new(Connected {
            session,
            events,
            names,
            params,
            resuming,
            closed: Closed::default(),
        }));
    }

    /// Ends the client's session for good; the engine stays, and the client may join again.
    fn leave(&mut self) -> Result<(), End> {
        let handshaking = Client::handshaking();
        let Client::Connected(client) = std::mem::replace(&mut self.client, handshaking) else {
            return Err(End::Left { code: close_code::PROTOCOL });
        };
        self.engine.recovery.forget(&client.names, client.session.connection());
        self.calls.abandon();
        Ok(())
    }

    /// Ends the session because the server has ended the connection.
    fn dismiss(&mut self) -> Result<(), End> {
        let Client::Connected(client) = &self.client else { return Ok(()) };
        let end = End::of(client.session.connection());
        if end == End::Reconnect || matches!(self.outlet, Outlet::Socket(_)) {
            return Err(end);
        }
        // A polling client gets the disconnect at its next poll and closes the engine itself; the connection leaves its
        // channels now. If the engine were closed in the same answer, a stock client would not see why.
        self.leave()?;
        self.outlet.send(packet::DISCONNECT);
        Ok(())
    }

    /// Takes a call in.
    fn call(&mut self, id: Option<u64>, arguments: &str) -> Result<(), End> {
        let Client::Connected(client) = &self.client else { return Err(End::Left { code: close_code::PROTOCOL }) };
        if self.is_stopping() {
            self.refuse(id, Error::unavailable("the server is shutting down"));
            return Ok(());
        }
        match self.calls.admit(arguments.len()) {
            Ok(permit) => {
                let (under_way, params) = (client.session.connection().call_begins(), client.params.clone());
                let decode = |app: &AppHandle, arguments: &str| decode::call(app, arguments, params);
                self.calls.submit(Ack(id), (under_way, permit), arguments, decode);
            }
            Err(_) if self.calls.is_abused() => return Err(End::Left { code: close_code::POLICY }),
            Err(error) => self.refuse(id, error),
        }
        Ok(())
    }

    /// Answers at once to what is not even tried.
    fn refuse(&mut self, id: Option<u64>, error: Error) {
        if let Some(answer) = Ack(id).encode(Err(error)) {
            self.outlet.send_refusal(answer);
        }
    }

    /// Sends what there is to send and room for; `true` if it has to be looked again whether there is something to do.
    ///
    /// Events alone are not a reason: they end when there are no more, or no room.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let mut busy = false;
        loop {
            let Client::Connected(client) = &mut self.client else { return Ok(busy) };
            // The answers of a connection that has ended leave in any case: there are only so many.
            let connection = client.session.connection();
            if !self.outlet.has_room() && !connection.is_closed() {
                if client.closed.poll(connection, cx) {
                    continue;
                }
                return Ok(busy);
            }
            client.closed.reset();
            if connection.is_closed() {
                client.resuming = None;
            }
            if let Some(head) = client.resuming
                && client.events.has_read(head)
            {
                client.resuming = None;
                let cursor = client.events.cursor();
                self.told = Some(cursor);
                self.outlet.send(packet::notice(&("resumed", ResumedNotice { cursor }, cursor)));
                busy = true;
            }
            if let Some((answer, permit)) = self.calls.next_answer(&client.events) {
                self.outlet.send_answer(answer, permit);
                busy = true;
                continue;
            }
            match client.events.poll_next(cx) {
                Poll::Pending => return Ok(busy),
                Poll::Ready(None) => return self.dismiss().map(|()| true),
                Poll::Ready(Some(Delivery::Event(event))) => {
                    self.told = Some(event.cursor());
                    if let Err(error) = self.outlet.send_event(&event) {
                        tracing::error!(?error, path = %event.path(), "an event cannot be written");
                    }
                }
                Poll::Ready(Some(Delivery::Reset(reset))) => {
                    self.told = Some(reset.cursor);
                    // Continuity is over, whatever was hoped for.
                    client.resuming = None;
                    self.outlet.send(packet::notice(&("reset", reset, reset.cursor)));
                }
                Poll::Ready(Some(_)) => {}
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if let Client::Handshaking { late } = &mut self.client
            && late.poll(cx).is_ready()
        {
            return Poll::Ready(End::Lost);
        }
        loop {
            ready!(self.timer.poll(cx));
            match self.due {
                Due::End => return Poll::Ready(End::Stopping),
                Due::Ping => {}
                // It cannot answer before it has read so far.
                Due::Pong if self.outlet.is_reading() => {
                    self.schedule(Due::Pong, self.engine.options.ping_timeout);
                    continue;
                }
                Due::Fetched | Due::Pong => return Poll::Ready(End::Lost),
            }
            if let Outlet::Polling(polling) = &mut self.outlet {
                polling.give_up_probe(Instant::now());
            }
            self.outlet.send(packet::PING);
            // What is not for this client may have moved its position.
            if let Err(end) = self.fill(cx) {
                return Poll::Ready(end);
            }
            self.tell_position();
            self.schedule(Due::Pong, self.engine.options.ping_timeout);
            if let Err(gone) = self.outlet.poll_flush(cx, self.engine.options.max_message) {
                return Poll::Ready(gone.into());
            }
        }
    }

    /// Tells an idle client how far the log has come without it, so that it can resume from there.
    fn tell_position(&mut self) {
        if let Client::Connected(client) = &self.client {
            let cursor = client.events.cursor();
            if self.told != Some(cursor) {
                self.told = Some(cursor);
                self.outlet.send(packet::notice(&("cursor", cursor)));
            }
        }
    }

    fn schedule(&mut self, due: Due, after: Duration) {
        self.due = due;
        self.timer.set(after);
    }
}

/// The data of the `resumed` notice.
#[derive(serde::Serialize)]
struct ResumedNotice {
    cursor: Cursor,
}
