//! The log of one process: a ring of the last events, and the readers that it notifies of new ones.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use metrics::Counter;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::bridge::LogBridge;
use super::caller::Caller;
use super::cursor::{Cursor, Epoch};
use super::order::{Order, Passed, Turn};
use super::reset::{Reset, ResetReason};
use super::ring::{Lookup, Retention, Ring, Visible};
use super::shared::{LogBounds, PastEpoch, number_in};
use super::slot::{Reservation, Slot};
use crate::data::error::{Error, Result};
use crate::event::Event;

/// How many events another process may have read of a shared log before this one.
const AHEAD: u64 = 10_000;
/// How long after its time an event is dropped in a log that is not read meanwhile: many are dropped at once.
const LATE: Duration = Duration::from_secs(1);
/// The longest `Retry-After` that a caller gets: others may make room sooner.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The log of one app. Clones share it.
#[derive(Clone)]
pub struct EventLog(Arc<Inner>);

struct Inner {
    epoch: AtomicU64,
    /// The epochs before this one, with whose cursors a client goes on here.
    earlier: RwLock<Vec<PastEpoch>>,
    ring: RwLock<Ring>,
    /// Everything up to here is visible, for a look without the ring's lock.
    visible: AtomicU64,
    /// Where events go first when the log is outside the process.
    bridge: OnceLock<LogBridge>,
    /// Visible events that are not announced yet, as long as more are gathered.
    ///
    /// Held while events become visible and are announced, so that every connection gets them in order.
    gathered: Mutex<Vec<Arc<Event>>>,
    /// How long events are gathered; not at all if it is zero.
    window: Duration,
    announced: AtomicU64,
    /// Whether a closed slot waits for an open one.
    waiting: AtomicBool,
    /// How often another log has taken the place of this one.
    restarts: AtomicU64,
    /// How often events have been lost on the way to the shared log.
    losses: AtomicU64,
    /// How many events have been published; looked up at the first event, when the metrics recorder is installed.
    published: OnceLock<Counter>,
    /// Wakes the followers, which read all events.
    moved: Notify,
    /// The connections that read it.
    subscribers: OnceLock<Box<dyn Subscribers>>,
}

/// The connections that read a log.
pub(crate) trait Subscribers: Send + Sync {
    /// Tells those that may want an event that it is visible.
    fn announce(&self, event: &Event);

    /// Tells all of them that there is something to look at besides events.
    fn wake(&self);
}

/// What must not change while a reader goes on: the log, and that nothing was lost on the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    restarts: u64,
    losses: u64,
}

impl Generation {
    /// Returns why a reader of this generation cannot go on in another one.
    pub(crate) fn why(self, now: Self) -> ResetReason {
        if self.restarts == now.restarts { ResetReason::Lagged } else { ResetReason::Epoch }
    }
}

impl EventLog {
    /// How long a slot may stay open before later events overtake it.
    pub const SLOT_TIMEOUT: Duration = Duration::from_secs(1);

    /// Makes a log that announces events together which become visible within a window; a window of zero is none.
    pub(crate) fn new(retention: Retention, window: Duration) -> Self {
        Self(Arc::new(Inner {
            epoch: AtomicU64::new(Epoch::random().to_bits()),
            earlier: RwLock::default(),
            ring: RwLock::new(Ring::new(retention)),
            visible: AtomicU64::new(0),
            bridge: OnceLock::new(),
            gathered: Mutex::default(),
            window,
            announced: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
            losses: AtomicU64::new(0),
            published: OnceLock::new(),
            moved: Notify::new(),
            subscribers: OnceLock::new(),
        }))
    }

    /// Sends events through a shared log from now on, and reads from one of its numbers.
    pub(crate) fn share(&self, bridge: LogBridge, bounds: LogBounds, from: u64) {
        let _ = self.0.bridge.set(bridge);
        self.restart(bounds, from);
    }

    /// Tells whether events go through a log that several processes share.
    pub fn is_shared(&self) -> bool {
        self.bridge().is_some()
    }

    pub(crate) fn bridge(&self) -> Option<&LogBridge> {
        self.0.bridge.get()
    }

    /// Returns the identity of the log, which its cursors begin with.
    pub fn epoch(&self) -> Epoch {
        Epoch::from_bits(self.0.epoch.load(Ordering::Acquire))
    }

    pub(crate) fn generation(&self) -> Generation {
        let load = |count: &AtomicU64| count.load(Ordering::Acquire);
        Generation { restarts: load(&self.0.restarts), losses: load(&self.0.losses) }
    }

    /// Sets the connections that read it; the first call counts.
    pub(crate) fn read_by(&self, subscribers: impl Subscribers + 'static) {
        let _ = self.0.subscribers.set(Box::new(subscribers));
    }

    fn wake_all(&self) {
        self.0.moved.notify_waiters();
        if let Some(subscribers) = self.0.subscribers.get() {
            subscribers.wake();
        }
    }

    /// Returns the position of the last visible event.
    pub fn head(&self) -> Cursor {
        self.cursor(self.visible())
    }

    fn visible(&self) -> u64 {
        self.0.visible.load(Ordering::Acquire)
    }

    /// Returns the position before the oldest event that is still there.
    pub fn oldest(&self) -> Cursor {
        self.expire();
        self.cursor(self.read(Ring::forgotten))
    }

    pub(crate) fn cursor(&self, seq: u64) -> Cursor {
        Cursor::new(self.epoch(), seq)
    }

    /// Returns how many events are kept.
    pub fn len(&self) -> usize {
        self.read(Ring::len)
    }

    /// Tells whether no event is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets what is too old. A log in which nothing happens does so when it is asked, and by
    /// [`EventLog::watch_age`].
    fn expire(&self) {
        let now = Instant::now();
        if self.read(|ring| ring.expiry().is_some_and(|expiry| expiry < now)) {
            self.write(|ring| ring.trim_old(now));
        }
    }

    /// Forgets what is too old, for as long as the future runs.
    pub(crate) async fn watch_age(self) {
        loop {
            let (generation, announced) = (self.generation(), self.announced());
            match self.read(Ring::expiry) {
                Some(expiry) => tokio::time::sleep_until(expiry.max(Instant::now()) + LATE).await,
                None => self.moved(generation, announced).await,
            }
            self.expire();
        }
    }

    /// Fails with a 429 that says when to try again if the events of a caller fill more than a part of the log and
    /// would push out those of others before their time.
    pub(crate) fn admit(&self, caller: Caller, count: usize, size: impl FnOnce() -> usize, percent: u8) -> Result<()> {
        self.read(|ring| ring.admits(caller, count, size, percent, Instant::now)).map_err(|wait| {
            metrics::counter!(crate::metrics::LOG_CALLERS_REFUSED).increment(1);
            Error::too_many_requests("too many changes, whose events would push out those of others")
                .with_retry_after(wait.min(LONGEST_WAIT))
        })
    }

    pub(crate) fn reserve(&self, count: usize, caller: Option<Caller>) -> Reservation {
        let first = self.order(|order| order.reserve(count, Instant::now()));
        Reservation::new(self.clone(), first, count, caller)
    }

    /// Takes a number that has no event, so that what is said from now on is after it.
    pub(crate) fn mark(&self) -> u64 {
        let seq = self.order(|order| order.reserve(1, Instant::now()));
        self.close(seq, None, None);
        seq
    }

    /// Looks at a number.
    pub(crate) fn event(&self, seq: u64) -> Lookup {
        self.read(|ring| ring.event(seq))
    }

    /// Looks for the first visible event after a number.
    pub(crate) fn next_after(&self, seq: u64) -> Lookup {
        self.read(|ring| ring.next_after(seq))
    }

    /// Returns the slot up to which every connection has been notified of the events that are for it.
    pub(crate) fn announced(&self) -> u64 {
        self.0.announced.load(Ordering::Acquire)
    }

    /// Checks whether a client can go on from a cursor; the error is the reason of the reset that it gets instead.
    pub(crate) fn check(&self, cursor: Cursor) -> Result<u64, ResetReason> {
        self.expire();
        let seq = self.number(cursor).ok_or(ResetReason::Epoch)?;
        let (forgotten, visible) = self.read(|ring| (ring.forgotten(), ring.visible()));
        if seq > visible.saturating_add(self.ahead()) {
            Err(ResetReason::Future)
        } else if seq < forgotten {
            Err(ResetReason::Trimmed)
        } else {
            Ok(seq)
        }
    }

    /// Returns the number of a cursor of this log, or of an epoch that it goes on with.
    fn number(&self, cursor: Cursor) -> Option<u64> {
        if cursor.epoch() == self.epoch() {
            return Some(cursor.seq());
        }
        number_in(&self.0.earlier.read().unwrap_or_else(PoisonError::into_inner), cursor)
    }

    /// Returns how far a client may be ahead: another process may have read more of a shared log.
    fn ahead(&self) -> u64 {
        if self.bridge().is_some() { AHEAD } else { 0 }
    }

    /// Makes the notice that continuity has ended; delivery goes on from its cursor.
    pub(crate) fn reset(&self, reason: ResetReason) -> Reset {
        metrics::counter!(crate::metrics::RESETS, "reason" => reason.name()).increment(1);
        let oldest = match reason {
            ResetReason::Trimmed | ResetReason::Lagged => Some(self.oldest()),
            _ => None,
        };
        Reset { reason, cursor: self.head(), oldest }
    }

    /// Opens one slot at the end.
    pub(crate) fn slot(&self, caller: Option<Caller>) -> Slot {
        let seq = self.order(|order| order.reserve(1, Instant::now()));
        Slot::new(self.clone(), seq, caller)
    }

    /// Gives up slots that stay open too long. Called on a timer while something waits behind one.
    pub(crate) fn give_up_stale(&self) -> bool {
        let mut gathered = self.gathered();
        let (now, patience) = (Instant::now(), Self::SLOT_TIMEOUT);
        self.pass(&mut gathered, |order| order.give_up_stale(now, patience));
        self.has_waiting()
    }

    pub(crate) fn has_waiting(&self) -> bool {
        self.0.waiting.load(Ordering::Acquire)
    }

    pub(super) fn published(&self) -> &Counter {
        self.0.published.get_or_init(|| metrics::counter!(crate::metrics::EVENTS_PUBLISHED))
    }

    pub(super) fn close(&self, seq: u64, event: Option<Arc<Event>>, caller: Option<Caller>) {
        self.pass(&mut self.gathered(), |order| order.close(seq, event, caller));
    }

    /// Closes slots, and brings the events whose turn it is to the clients, or to the shared log.
    fn pass(&self, gathered: &mut Vec<Arc<Event>>, close: impl FnOnce(&mut Order) -> Turn) {
        let close = |order: &mut Order| {
            let turn = close(order);
            self.0.waiting.store(order.has_waiting(), Ordering::Release);
            turn
        };
        match self.bridge() {
            None => {
                let visible = self.write(|ring| ring.pass(close));
                self.gather(gathered, visible);
            }
            Some(bridge) => self.send(bridge, &bridge.with_order(close)),
        }
    }

    /// Sends the events whose turn it is to the shared log.
    fn send(&self, bridge: &LogBridge, turn: &[Passed]) {
        if !bridge.send(turn) {
            // No reader may go on as if nothing was missing.
            let here = self.head().seq();
            self.write(|ring| ring.restart(here));
            self.0.losses.fetch_add(1, Ordering::AcqRel);
            self.wake_all();
        }
    }

    /// Takes an event that has come from the shared log, with its number there.
    pub(super) fn take(&self, seq: u64, event: Arc<Event>) {
        let mut gathered = self.gathered();
        let visible = self.write(|ring| ring.take(seq, event, Instant::now()));
        self.gather(&mut gathered, visible);
    }

    /// Notes that the shared log has nothing more up to a number: readers move on over what they do not get.
    pub(super) fn skip_to(&self, seq: u64) {
        let gathered = self.gathered();
        // Else the next announcement says so.
        if self.write(|ring| ring.skip_to(seq)) && gathered.is_empty() {
            self.0.announced.store(seq, Ordering::Release);
            self.0.moved.notify_waiters();
        }
    }

    /// Goes on in a shared log that may be another one now. Readers go on if it is the same up to where this process
    /// has read it; else everything is forgotten, reading begins at a number, and readers behind it get a reset.
    pub(super) fn restart(&self, bounds: LogBounds, from: u64) {
        let mut gathered = self.gathered();
        let head = self.head();
        let goes_on = number_in(&bounds.earlier, head).is_some();
        let is_another = bounds.epoch != head.epoch() && !goes_on;
        if !goes_on {
            gathered.clear();
            self.write(|ring| ring.restart(from));
        }
        *self.0.earlier.write().unwrap_or_else(PoisonError::into_inner) = bounds.earlier;
        self.0.epoch.store(bounds.epoch.to_bits(), Ordering::Release);
        if is_another {
            self.0.restarts.fetch_add(1, Ordering::AcqRel);
        }
        if !goes_on {
            self.0.announced.store(from, Ordering::Release);
            self.wake_all();
        }
    }

    /// Announces events that have become visible, at once or when the window is over.
    fn gather(&self, gathered: &mut Vec<Arc<Event>>, events: Visible) {
        if self.0.window.is_zero() {
            return self.announce(&events);
        }
        let is_first = gathered.is_empty();
        gathered.extend(events);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !gathered.is_empty() => {
                if is_first {
                    let log = self.clone();
                    runtime.spawn(async move {
                        tokio::time::sleep(log.0.window).await;
                        log.flush();
                    });
                }
            }
            // Nothing but a slot that was released; or there is nothing to wait with, and all go in their order.
            _ => self.announce(&std::mem::take(gathered)),
        }
    }

    /// Announces what is visible and not announced yet: when this returns, every connection has been notified.
    pub fn flush(&self) {
        // An announcement that is under way holds the lock until it is done.
        let mut gathered = self.gathered();
        if !gathered.is_empty() {
            self.announce(&std::mem::take(&mut *gathered));
        }
    }

    /// Notifies the connections of events that have become visible.
    fn announce(&self, events: &[Arc<Event>]) {
        if let Some(subscribers) = self.0.subscribers.get() {
            for event in events {
                subscribers.announce(event);
            }
        }
        self.0.announced.store(self.visible(), Ordering::Release);
        self.0.moved.notify_waiters();
    }

    /// Waits until there is more than up to a number, or another generation than this.
    pub(crate) async fn moved(&self, generation: Generation, last: u64) {
        let mut moved = pin!(self.0.moved.notified());
        // Registered before the look, so that what comes between the two is not missed.
        moved.as_mut().enable();
        if self.generation() == generation && self.announced() <= last {
            moved.await;
        }
    }

    /// Changes the order of the open slots.
    fn order<T>(&self, change: impl FnOnce(&mut Order) -> T) -> T {
        match self.bridge() {
            None => self.write(|ring| change(ring.order())),
            Some(bridge) => bridge.with_order(change),
        }
    }

    fn gathered(&self) -> MutexGuard<'_, Vec<Arc<Event>>> {
        self.0.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&Ring) -> T) -> T {
        read(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Ring) -> T) -> T {
        let mut ring = self.0.ring.write().unwrap_or_else(PoisonError::into_inner);
        let result = write(&mut ring);
        self.0.visible.store(ring.visible(), Ordering::Release);
        result
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog").field("head", &self.head()).finish()
    }
}
