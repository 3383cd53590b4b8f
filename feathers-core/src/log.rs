//! The event log: every published event has one place in it, and readers see places in order.
//!
//! A place is reserved at the commit of the change and closed when the hooks and publishers are done: filled with the
//! event, or released. Readers see events up to the lowest place that is still open. A place that stays open for
//! [`PATIENCE`] is given up: its event goes to the end of the log instead, so that one slow publisher delays nobody
//! for longer.

mod ring;

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use rand::RngExt;
use serde::{Serialize, Serializer};

pub(crate) use self::ring::Look;
pub use self::ring::Retention;
use self::ring::Ring;
use crate::error::{Error, Result};
use crate::event::Event;

/// How long a place may stay open before later events overtake it.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// A position in one log: `<epoch>-<seq>`.
///
/// To clients it is opaque; it is a position and not a right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which log.
    pub epoch: Epoch,
    /// The last event that was seen.
    pub seq: u64,
}

/// The identity of one log: eight random letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch([u8; 8]);

impl Epoch {
    fn random() -> Self {
        const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut rng = rand::rng();
        Self(std::array::from_fn(|_| ALPHABET[rng.random_range(0..ALPHABET.len())]))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (epoch, seq) = text.split_once('-')?;
            let epoch: [u8; 8] = epoch.as_bytes().try_into().ok()?;
            let plain = seq.len() <= 20 && seq.bytes().all(|byte| byte.is_ascii_digit());
            (epoch.iter().all(u8::is_ascii_alphanumeric) && plain).then_some(())?;
            Some(Self { epoch: Epoch(epoch), seq: seq.parse().ok()? })
        };
        parse().ok_or_else(|| Error::bad_request("malformed cursor"))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a client is told to read everything again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetReason {
    /// The cursor is of another log: the server was started anew.
    Epoch,
    /// What was missed is no longer kept.
    Trimmed,
    /// The cursor is ahead of the log.
    Future,
    /// More was missed than may be replayed.
    Limit,
    /// The client has read too slowly, and its place is no longer kept.
    Lagged,
    /// The cursor cannot be read.
    BadCursor,
    /// The client is somebody else than before.
    Principal,
}

impl ResetReason {
    /// Returns the word that clients see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Trimmed => "trimmed",
            Self::Future => "future",
            Self::Limit => "limit",
            Self::Lagged => "lagged",
            Self::BadCursor => "bad-cursor",
            Self::Principal => "principal",
        }
    }
}

impl Serialize for ResetReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The notice that continuity has ended: the client reads its lists again and goes on from the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
    /// From where delivery goes on.
    pub cursor: Cursor,
    /// The oldest place that could be resumed from, where that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Cursor>,
}

/// From where a client wants events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Since {
    /// From now on.
    #[default]
    Now,
    /// Everything that is kept.
    Earliest,
    /// Everything after this place.
    Cursor(Cursor),
    /// A cursor that cannot be read, on a transport that can only say so in-band.
    Unreadable,
}

/// `now`, `earliest` or a cursor; anything else is a 400.
impl FromStr for Since {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "now" => Ok(Self::Now),
            "earliest" => Ok(Self::Earliest),
            cursor => cursor.parse().map(Self::Cursor),
        }
    }
}

/// The log of one app. Clones share it.
#[derive(Clone)]
pub struct EventLog(Arc<Inner>);

struct Inner {
    epoch: Epoch,
    ring: RwLock<Ring>,
    /// Held while newly visible events are announced, so that every connection hears of them in order.
    announcing: Mutex<()>,
    announced: AtomicU64,
}

impl EventLog {
    pub(crate) fn new(retention: Retention) -> Self {
        Self(Arc::new(Inner {
            epoch: Epoch::random(),
            ring: RwLock::new(Ring::new(retention)),
            announcing: Mutex::new(()),
            announced: AtomicU64::new(0),
        }))
    }

    /// Returns the position of the last visible event.
    pub fn head(&self) -> Cursor {
        Cursor { epoch: self.0.epoch, seq: self.read(Ring::visible) }
    }

    /// Returns the position before the oldest event that is still there.
    pub fn oldest(&self) -> Cursor {
        Cursor { epoch: self.0.epoch, seq: self.read(|ring| ring.first() - 1) }
    }

    pub(crate) fn cursor(&self, seq: u64) -> Cursor {
        Cursor { epoch: self.0.epoch, seq }
    }

    pub(crate) fn reserve(&self, count: usize) -> Reservation {
        let first = self.write(|ring| ring.reserve(count, tokio::time::Instant::now()));
        Reservation { log: self.clone(), next: Mutex::new(first), end: first + count as u64 }
    }

    /// Looks at a visible place.
    pub(crate) fn event(&self, seq: u64) -> Look {
        self.read(|ring| ring.event(seq))
    }

    /// Looks for the first visible event after a place.
    pub(crate) fn next_after(&self, seq: u64) -> Look {
        self.read(|ring| ring.next_after(seq))
    }

    /// Returns the place up to which every connection has been told of what is for it.
    pub(crate) fn announced(&self) -> u64 {
        self.0.announced.load(Ordering::Acquire)
    }

    /// Decides whether a client can go on from a place, or what it is told instead.
    pub(crate) fn check(&self, cursor: Cursor) -> Result<u64, ResetReason> {
        let (first, visible) = self.read(|ring| (ring.first(), ring.visible()));
        if cursor.epoch != self.0.epoch {
            Err(ResetReason::Epoch)
        } else if cursor.seq > visible {
            Err(ResetReason::Future)
        } else if cursor.seq + 1 < first {
            Err(ResetReason::Trimmed)
        } else {
            Ok(cursor.seq)
        }
    }

    /// Makes the notice that continuity has ended; delivery goes on from its cursor.
    pub(crate) fn reset(&self, reason: ResetReason) -> Reset {
        metrics::counter!("feathers_resets_total", "reason" => reason.name()).increment(1);
        let oldest = match reason {
            ResetReason::Trimmed | ResetReason::Lagged => Some(self.oldest()),
            _ => None,
        };
        Reset { reason, cursor: self.cursor(self.announced()), oldest }
    }

    /// Opens one place at the end.
    pub(crate) fn place(&self) -> Place {
        let seq = self.write(|ring| ring.reserve(1, tokio::time::Instant::now()));
        Place { log: self.clone(), seq, closed: false }
    }

    /// Gives up places that stay open too long. Called on a timer while something waits behind one.
    pub(crate) fn give_up_stale(&self) -> bool {
        let _order = self.announcing();
        let (visible, waiting) = self.write(|ring| {
            let visible = ring.give_up_stale(tokio::time::Instant::now(), PATIENCE);
            (visible, ring.has_waiting())
        });
        self.announce(&visible);
        waiting
    }

    pub(crate) fn has_waiting(&self) -> bool {
        self.read(Ring::has_waiting)
    }

    fn close(&self, seq: u64, event: Option<Event>) {
        let _order = self.announcing();
        let visible = self.write(|ring| ring.close(seq, event));
        self.announce(&visible);
    }

    /// Tells the connections that may want them of events that have become visible.
    fn announce(&self, events: &[Arc<Event>]) {
        for event in events {
            for target in event.targets() {
                target.announce(event);
            }
        }
        self.0.announced.store(self.read(Ring::visible), Ordering::Release);
    }

    fn announcing(&self) -> MutexGuard<'_, ()> {
        self.0.announcing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, read: impl FnOnce(&Ring) -> T) -> T {
        read(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Ring) -> T) -> T {
        write(&mut self.0.ring.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog").field("head", &self.head()).finish()
    }
}

/// Places in the log that are reserved and not taken yet; what is left is released when this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    log: EventLog,
    next: Mutex<u64>,
    end: u64,
}

impl Reservation {
    /// Takes the next place; when all are used up, a new one at the end of the log.
    pub(crate) fn place(&self) -> Place {
        match self.take() {
            Some(seq) => Place { log: self.log.clone(), seq, closed: false },
            None => self.log.place(),
        }
    }

    fn take(&self) -> Option<u64> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        (*next < self.end).then(|| {
            *next += 1;
            *next - 1
        })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        while let Some(seq) = self.take() {
            self.log.close(seq, None);
        }
    }
}

/// One open place in the log; it is released when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    log: EventLog,
    seq: u64,
    closed: bool,
}

impl Place {
    /// Puts the event there.
    pub(crate) fn fill(mut self, event: Event) {
        self.closed = true;
        self.log.close(self.seq, Some(event));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.closed {
            self.log.close(self.seq, None);
        }
    }
}
