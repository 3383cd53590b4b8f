//! Subscriptions: how a transport reads the events of one connection.

mod heartbeat;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use self::heartbeat::Heartbeat;
use crate::data::error::Result;
use crate::data::payload::Payload;
use crate::event::connection::{Connection, Mail};
use crate::event::log::{Cursor, EventLog, Generation, Lookup, Reset, ResetReason};
use crate::event::{Body, Event, Seen, WireFormat};

/// Reads the events of one connection, in order and once each.
///
/// A reader that stops costs a few bytes: what waits for it is in the shared log.
/// When what waits for it is no longer kept, it reads one [`Delivery::Reset`] instead, never less than everything
/// without a word.
/// Replay and live delivery are the same: rights are looked at when an event is read, so a connection that has left a
/// channel reads nothing more from it.
#[derive(Debug)]
#[must_use = "a subscription reads nothing by itself"]
pub struct Subscription {
    connection: Connection,
    log: EventLog,
    generation: Generation,
    /// Everything up to here has been read, or was not for this connection.
    last: u64,
    /// In a box, which is there for few.
    reset: Option<Box<Reset>>,
    resumed: bool,
    max_replay: Option<usize>,
    /// Set while the replay waits for a login, at most until this is ready.
    hold: Option<Pin<Box<Sleep>>>,
    heartbeat: Option<Heartbeat>,
}

/// What a subscription reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// An event.
    Event(DeliveredEvent),
    /// Continuity has ended: the client reads its lists again and goes on from here.
    Reset(Reset),
    /// Nothing has come for a while; the position moves on all the same.
    Heartbeat(Cursor),
}

/// An event on its way to one connection.
#[derive(Clone, Debug)]
pub struct DeliveredEvent {
    event: Arc<Event>,
    /// The place in the log, for the client to reconnect with.
    cursor: Cursor,
    seen: Seen,
}

impl DeliveredEvent {
    pub(crate) fn new(event: Arc<Event>, cursor: Cursor, seen: Seen) -> Self {
        Self { event, cursor, seen }
    }

    /// Returns the path of the service as it is registered.
    pub fn path(&self) -> &Arc<str> {
        self.event.path()
    }

    /// Returns the name of the event, as it is for this connection: a record that its rules let it see from now on is
    /// `created`, and one that it cannot see any more is `removed`.
    pub fn name(&self) -> &Arc<str> {
        self.seen.view.as_ref().map_or(self.event.name(), |view| &view.name)
    }

    /// Returns the cursor of the event.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Returns the data for this connection, as JSON text.
    pub fn json(&self) -> &[u8] {
        self.body().json()
    }

    /// Returns the data for this connection.
    pub fn payload(&self) -> Payload {
        Payload::from_valid_json(self.body().to_bytes())
    }

    /// Returns the frame of a wire format; it is encoded once for all connections that get the same data.
    ///
    /// # Errors
    /// That of `encode`.
    pub fn frame(&self, key: &WireFormat, encode: impl FnOnce(&Self) -> Result<Bytes>) -> Result<Bytes> {
        self.body().frame(key, || encode(self))
    }

    fn body(&self) -> &Body {
        self.seen.view.as_ref().map_or_else(|| self.event.body(self.seen.target), |view| &view.body)
    }
}

/// The deliveries, as [`next`](Subscription::next) returns them; ends with the connection.
impl Stream for Subscription {
    type Item = Delivery;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        Self::poll_next(&mut self, cx)
    }
}

impl Subscription {
    /// Reads on from a place, after a reset if there is one; what is `resumed` waits for a login where that is
    /// expected.
    pub(crate) fn new(
        connection: Connection,
        log: EventLog,
        last: u64,
        reset: Option<Reset>,
        resumed: bool,
        max_replay: Option<usize>,
    ) -> Self {
        let generation = log.generation();
        let waits_until = connection.waits_until().filter(|_| resumed);
        let hold = waits_until.map(|until| Box::pin(tokio::time::sleep_until(until)));
        let waits = hold.is_some();
        let mut subscription = Self {
            connection,
            log,
            generation,
            last,
            reset: reset.map(Box::new),
            resumed,
            max_replay,
            hold,
            heartbeat: None,
        };
        if resumed && !waits {
            subscription.replay();
        }
        subscription
    }

    /// Makes [`Subscription::next`] return a heartbeat whenever nothing has come for this long.
    pub fn heartbeat_interval(mut self, every: Duration) -> Self {
        self.heartbeat = Some(Heartbeat::new(every));
        self
    }

    /// Returns the position: a client that reconnects with it misses nothing.
    pub fn cursor(&self) -> Cursor {
        self.log.cursor(self.last)
    }

    /// Tells whether the client goes on from where it was, and misses nothing.
    pub fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Returns the reset that comes first because there was no going on from the client's cursor.
    pub fn pending_reset(&self) -> Option<Reset> {
        self.reset.as_deref().copied()
    }

    /// Tells whether everything up to a place has been read, or will not be read any more.
    pub fn has_read(&self, cursor: Cursor) -> bool {
        if self.connection.is_closed() {
            return true;
        }
        if self.hold.is_some() {
            return self.last >= cursor.seq();
        }
        self.last >= cursor.seq() || self.connection.next_mail().is_some_and(|seq| seq > cursor.seq())
    }

    /// Waits for the next delivery; `None` when the connection has ended and the answers of its calls have left.
    pub async fn next(&mut self) -> Option<Delivery> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Polls for the next delivery; ready with `None` when the connection has ended and the answers of its calls have
    /// left.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        if self.connection.is_closed() {
            return self.poll_end(cx);
        }
        if let Some(hold) = &mut self.hold {
            // Registered before the look, so that a login between the two is not missed.
            self.connection.wake_with(cx);
            if hold.as_mut().poll(cx).is_pending() && self.connection.waits_until().is_some() {
                return Poll::Pending;
            }
        }
        let mut delivery = self.try_next();
        if delivery.is_none() {
            // What comes between the look and the waiting is seen by the second look.
            self.connection.wake_with(cx);
            delivery = self.try_next();
        }
        match (delivery, &mut self.heartbeat) {
            (Some(delivery), heartbeat) => {
                if let Some(heartbeat) = heartbeat {
                    heartbeat.put_off();
                }
                Poll::Ready(Some(delivery))
            }
            (None, _) if self.connection.is_closed() => self.poll_end(cx),
            (None, Some(heartbeat)) => {
                ready!(heartbeat.poll(cx));
                Poll::Ready(Some(Delivery::Heartbeat(self.cursor())))
            }
            (None, None) => Poll::Pending,
        }
    }

    /// Waits for the answers of calls under way.
    fn poll_end(&self, cx: &Context<'_>) -> Poll<Option<Delivery>> {
        self.connection.wake_with(cx);
        if self.connection.is_over() { Poll::Ready(None) } else { Poll::Pending }
    }

    /// Returns the next delivery if there is one now; a connection that has ended gets nothing more.
    pub fn try_next(&mut self) -> Option<Delivery> {
        if self.connection.is_closed() || !self.stop_holding() {
            return None;
        }
        if let Some(reset) = self.reset.take() {
            return Some(Delivery::Reset(*reset));
        }
        if self.connection.take_late_login() {
            return Some(self.lost(ResetReason::Principal));
        }
        loop {
            let generation = self.log.generation();
            if self.generation != generation {
                return Some(self.lost(self.generation.why(generation)));
            }
            // Read before the mail: what is announced up to here is in the mail already.
            let announced = self.log.announced();
            let (look, is_member) = match self.connection.take_mail() {
                Mail::Event(seq, _) if seq <= self.last => continue,
                Mail::Event(seq, is_member) => (self.log.event(seq), is_member),
                Mail::EventLog => (self.log.next_after(self.last), false),
                Mail::None => {
                    self.last = self.last.max(announced);
                    return None;
                }
            };
            match look {
                Lookup::Event(event) => {
                    self.last = event.seq();
                    // The number is that of what was announced as long as the log is the same.
                    let is_known = is_member && self.log.generation() == generation;
                    let whole = Seen { target: 0, view: None };
                    let seen = if is_known { Some(whole) } else { event.target_for(&self.connection) };
                    if let Some(seen) = seen {
                        // Looked at after the event was found: what comes after the end is never read.
                        if self.connection.disconnect_reason().is_some() {
                            return None;
                        }
                        let cursor = self.log.cursor(event.seq());
                        return Some(Delivery::Event(DeliveredEvent::new(event, cursor, seen)));
                    }
                }
                Lookup::Nothing(seq) => {
                    self.last = self.last.max(seq);
                    let (log, last) = (&self.log, self.last);
                    // Not the announced place: what is being announced may have passed this connection by already.
                    self.connection.leave_log(|| log.head().seq() <= last);
                }
                Lookup::Trimmed => return Some(self.lost(ResetReason::Lagged)),
            }
        }
    }

    /// Begins the replay when it need not wait for a login any more; `false` if it does.
    fn stop_holding(&mut self) -> bool {
        let Some(hold) = &self.hold else { return true };
        if self.connection.waits_until().is_some() {
            if Instant::now() < hold.deadline() {
                return false;
            }
            self.connection.stop_waiting();
        }
        self.hold = None;
        self.replay();
        true
    }

    /// Reads from the log from now on, if that is not more than allowed.
    fn replay(&mut self) {
        self.connection.end_replay();
        let has_gaps = self.connection.has_gaps() || self.connection.has_reading_gap();
        if self.connection.take_changed_rights(self.last) || has_gaps && self.misses_something() {
            self.give_up(ResetReason::Principal);
        } else if let Some(max) = self.max_replay {
            self.limit_replay(max);
        }
    }

    /// Gives up the place, which is no longer kept, and goes on from the head.
    fn lost(&mut self, reason: ResetReason) -> Delivery {
        let reset = self.log.reset(reason);
        (self.generation, self.last) = (self.log.generation(), reset.cursor.seq());
        self.connection.forget(self.last);
        Delivery::Reset(reset)
    }

    /// Tells whether an event is kept back that the client may expect. Either nothing is known of its subject at that
    /// time, or the subject was not allowed to read it in between.
    fn misses_something(&self) -> bool {
        let mut seq = self.last;
        while let Lookup::Event(event) = self.log.next_after(seq) {
            seq = event.seq();
            if event.is_kept_back(&self.connection) {
                return true;
            }
        }
        false
    }

    /// Turns the replay into a reset.
    fn give_up(&mut self, reason: ResetReason) {
        let reset = self.log.reset(reason);
        (self.last, self.reset, self.resumed) = (reset.cursor.seq(), Some(Box::new(reset)), false);
    }

    /// Turns a replay that would be longer than allowed into a reset.
    fn limit_replay(&mut self, max: usize) {
        let mut seq = self.last;
        let mut missed = 0;
        while let Lookup::Event(event) = self.log.next_after(seq) {
            seq = event.seq();
            missed += usize::from(event.target_for(&self.connection).is_some());
            if missed > max {
                return self.give_up(ResetReason::Limit);
            }
        }
    }
}
