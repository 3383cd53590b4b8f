//! The wire of a WebSocket at a proxy: requests bring what the client says, and answers take what is said to it.
//!
//! Proxies drop what is published to a client that does not read fast enough, without reporting it; answers they keep.
//! So everything is in answers. When there is something to say and no request to answer, a ping is published: the
//! client answers it, and the proxy asks.
//!
//! With [`Grip::fan_out`](crate::Grip::fan_out), events are published instead. Answers and publications do not wait for
//! each other, so an event is in one of them only. Missed events are in answers. The next request shows that the answer
//! has arrived; from then on events are published.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use feathers_core::{Connection, Cursor, DeliveredEvent, Result, Session, Subscription};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, Sleep};

use crate::grip::Origin;
use crate::grip::events::{Close, Event};
use crate::grip::item::Item;
use crate::kit::budget::Permit;
use crate::kit::close_code;
use crate::realtime::rpc;
use crate::realtime::wire::Wire;
use crate::websocket::{Ended, Message};

/// From this many bytes on an answer leaves.
const FULL: usize = 32 << 10;
/// The most that an answer may have: proxies take a megabyte.
const MOST: usize = 950_000;
/// The largest message: Pushpin 1.36 stops for ever at one of 45,000 bytes to a client.
const LARGEST: usize = 30_000;
/// How long an answer waits for calls; what they return later is published.
const PATIENCE: Duration = Duration::from_secs(5);
/// After how long without a request the client is taken for gone: the proxy asks every 20 seconds.
const GONE: Duration = Duration::from_mins(1);

/// After how long an unanswered ping is repeated at first; the pauses double.
const REPEAT: Duration = Duration::from_secs(1);
const LONGEST_REPEAT: Duration = Duration::from_secs(16);

/// A request of the proxy.
#[derive(Debug)]
pub(super) struct WsRequest {
    /// How many answers the proxy had got when it asked.
    pub(super) number: u64,
    pub(super) events: Vec<Event>,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// What the proxy is answered.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// How many answers it has got with this one.
    pub(super) number: u64,
    pub(super) events: Vec<Event>,
}

/// The wire.
pub(super) struct WsOverHttp {
    origin: Origin,
    own: Arc<str>,
    inbox: mpsc::Receiver<WsRequest>,
    answer: Option<oneshot::Sender<Answer>>,
    /// The last answer, until the proxy shows that it has got it.
    last: Answer,
    patience: Pin<Box<Sleep>>,
    input: VecDeque<Event>,
    output: Vec<Event>,
    queued: usize,
    phase: Phase,
    /// When a ping is repeated, and after which pause, if one has been published.
    woken: Option<(Pin<Box<Sleep>>, Duration)>,
    connection: Option<Connection>,
    asked: Instant,
    /// The last two positions that the client got: what was published before the earlier has arrived.
    told: Option<(Cursor, Cursor)>,
}

/// How far a client is with what it had missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It is not connected.
    Outside,
    /// It gets its events in answers.
    Answered,
    /// An answer with all that there was is on its way.
    Waiting,
    /// The answer has arrived: what follows is published.
    Arrived,
    /// Events are published.
    Live,
}

impl WsOverHttp {
    pub(super) fn new(origin: Origin, own: Arc<str>, inbox: mpsc::Receiver<WsRequest>) -> Self {
        origin.socket_begins();
        Self {
            origin,
            own,
            inbox,
            answer: None,
            last: Answer { number: 0, events: Vec::new() },
            patience: Box::pin(tokio::time::sleep(PATIENCE)),
            input: VecDeque::new(),
            output: Vec::new(),
            queued: 0,
            phase: Phase::Outside,
            woken: None,
            connection: None,
            asked: Instant::now(),
            told: None,
        }
    }

    fn begin(&mut self, exchange: WsRequest) {
        self.asked = Instant::now();
        if exchange.number < self.last.number {
            // The answer has been lost on its way, and the request is the same once more.
            if exchange.number + 1 == self.last.number {
                let _ = exchange.answer.send(self.last.clone());
            }
            return;
        }
        self.woken = None;
        self.patience.as_mut().reset(self.asked + PATIENCE);
        // A request that is still here has been given up by the proxy, and this is the same once more.
        if self.answer.replace(exchange.answer).is_some() {
            return;
        }
        self.input = exchange.events.into();
        if self.phase == Phase::Waiting {
            self.phase = Phase::Arrived;
        }
        if let (Phase::Live, Some(connection)) = (self.phase, &self.connection) {
            self.origin.set_busy(connection, true);
        }
    }

    fn push(&mut self, event: Event, size: usize) {
        self.queued += size;
        if size > LARGEST || self.queued > MOST {
            // Nothing may follow the close.
            self.queued = MOST;
            self.output = vec![Event::Close(Some(Close::new(close_code::SIZE, "too big for the proxy")))];
        } else {
            self.output.push(event);
        }
        if self.answer.is_none() && self.woken.is_none() && self.phase == Phase::Answered {
            self.wake(REPEAT);
        }
    }

    /// Has the proxy ask, and again after a pause if it has not.
    fn wake(&mut self, pause: Duration) {
        self.origin.publish(Item::ping(self.own.clone()));
        self.woken = Some((Box::pin(tokio::time::sleep(pause)), pause));
    }

    /// Answers the request that is under way.
    fn finish(&mut self, ends: bool) {
        let Some(answer) = self.answer.take() else { return };
        let mut events = std::mem::take(&mut self.output);
        let full = std::mem::take(&mut self.queued) >= FULL;
        match (self.phase, &self.connection) {
            _ if ends => {}
            (Phase::Answered, _) if self.origin.is_fan_out() => {
                if !full {
                    self.phase = Phase::Waiting;
                }
                events.push(Event::Ping(Bytes::new()));
            }
            (Phase::Answered, _) if full => events.push(Event::Ping(Bytes::new())),
            (Phase::Live, Some(connection)) => {
                let turn = self.origin.turn(connection);
                let controls = turn.controls.iter().map(|control| control_text(&control.json()));
                events.splice(0..0, controls);
                if turn.again {
                    events.push(Event::Ping(Bytes::new()));
                }
                self.origin.set_busy(connection, false);
            }
            _ => {}
        }
        self.last = Answer { number: self.last.number + 1, events };
        // A proxy that has given up asks again.
        let _ = answer.send(self.last.clone());
    }
}

/// Makes a message for the client: its prefix keeps it from being read as one for the proxy.
pub(super) fn message_text(text: &[u8]) -> Event {
    prefixed(b"m:", text)
}

/// Makes a message for the proxy.
pub(super) fn control_text(json: &str) -> Event {
    prefixed(b"c:", json.as_bytes())
}

fn prefixed(prefix: &[u8], text: &[u8]) -> Event {
    let mut content = BytesMut::with_capacity(prefix.len() + text.len());
    content.put_slice(prefix);
    content.put_slice(text);
    Event::Text(content.freeze())
}

impl Wire for WsOverHttp {
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Ended>> {
        loop {
            if let Some(event) = self.input.pop_front() {
                return Poll::Ready(match event {
                    Event::Open => continue,
                    Event::Text(text) => Ok(Message::Text(text)),
                    Event::Binary(data) => Ok(Message::Binary(data)),
                    Event::Ping(payload) => Ok(Message::Ping(payload)),
                    Event::Pong(_) => Ok(Message::Pong),
                    Event::Close(close) => Ok(Message::Close(close.as_ref().map(Close::code))),
                    Event::Disconnect => Err(Ended::Gone),
                });
            }
            match self.inbox.poll_recv(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Err(Ended::Gone)),
                Poll::Ready(Some(exchange)) => self.begin(exchange),
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        if self.phase == Phase::Live && self.answer.is_none() {
            self.origin.publish(Item::text(self.own.clone(), Bytes::copy_from_slice(text)));
        } else {
            self.push(message_text(text), text.len() + 2);
        }
    }

    fn answer(&mut self, text: &[u8], _permit: Permit) {
        // What waits for the proxy is bounded itself.
        self.text(text);
    }

    fn event(&mut self, event: &DeliveredEvent) -> Result<()> {
        if self.phase != Phase::Live {
            let text = rpc::event(event)?;
            self.push(message_text(&text), text.len() + 2);
        }
        Ok(())
    }

    fn pong(&mut self, payload: &[u8]) {
        self.push(Event::Pong(Bytes::copy_from_slice(payload)), payload.len());
    }

    fn ping(&mut self, position: Cursor) {
        if self.phase == Phase::Live {
            let now = self.origin.tell_position(&self.own, rpc::ping);
            self.told = Some((now, self.told.map_or(now, |(last, _)| last)));
        } else if self.phase == Phase::Answered {
            self.text(&rpc::ping(position));
        }
    }

    fn position(&self, reader: Cursor) -> Cursor {
        self.told.map_or(reader, |(_, arrived)| arrived)
    }

    fn attend(&mut self, session: &Session, events: &Subscription) {
        match self.phase {
            Phase::Outside => self.phase = Phase::Answered,
            Phase::Arrived => {
                let (connection, from) = (session.connection(), events.cursor());
                self.origin.go_live(connection, &self.own, from);
                self.connection = Some(connection.clone());
                self.told = Some((from, from));
                self.phase = Phase::Live;
            }
            Phase::Answered | Phase::Waiting | Phase::Live => {}
        }
    }

    fn idle(&mut self, cx: &mut Context<'_>, calls: usize) {
        let waits = calls > 0 && self.queued < FULL && self.patience.as_mut().poll(cx).is_pending();
        if self.input.is_empty() && !waits || self.queued >= FULL {
            self.finish(false);
        }
        while let Some((sleep, pause)) = &mut self.woken
            && sleep.as_mut().poll(cx).is_ready()
        {
            let pause = (*pause * 2).min(LONGEST_REPEAT);
            self.wake(pause);
        }
    }

    fn has_room(&self) -> bool {
        match self.phase {
            Phase::Waiting => false,
            // Without a request to answer, one thing is taken, so that there is one.
            Phase::Answered => self.queued < FULL && (self.answer.is_some() || self.woken.is_none()),
            Phase::Outside | Phase::Arrived | Phase::Live => self.queued < FULL,
        }
    }

    fn is_empty(&self) -> bool {
        self.answer.is_none() || self.output.is_empty()
    }

    fn is_choked(&self) -> bool {
        // Without a request to answer it is the next one that makes room, so it must be read.
        self.queued >= FULL && self.answer.is_some()
    }

    fn take_heard(&mut self) -> bool {
        self.asked.elapsed() < GONE
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    async fn close(mut self, code: u16, reason: &'static str) {
        // Answers that no request has taken along: the ping that was published has the proxy ask for them.
        while self.answer.is_none()
            && !self.output.is_empty()
            && let Some(exchange) = self.inbox.recv().await
        {
            self.begin(exchange);
        }
        if self.answer.is_some() {
            self.output.push(Event::Close(Some(Close::new(code, reason))));
            self.finish(true);
        } else {
            self.origin.publish(Item::close(self.own.clone(), code, reason));
        }
    }
}

impl Drop for WsOverHttp {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            self.origin.remove_socket(connection);
        }
        self.origin.socket_ends();
    }
}
