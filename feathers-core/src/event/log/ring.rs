//! The ring: the last events with their numbers, a plain state machine over events and time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::time::Instant;

use super::caller::{ByCaller, Caller};
use super::order::{Order, Turn};
use crate::event::Event;

/// How much of the past a log keeps: whatever limit is reached first.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use std::time::Duration;
///
/// use feathers::App;
/// use feathers::log::Retention;
///
/// let mut app = App::new();
/// app.retention(Retention::default().count(1_000).age(Duration::from_mins(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// At most this many events.
    pub count: usize,
    /// At most this old.
    pub age: Duration,
    /// At most this many bytes of payload.
    ///
    /// Its frames, one per wire format in use, come on top: each is about as long as the payload.
    pub bytes: usize,
}

impl Retention {
    /// Sets how many events are kept at most, instead of 10,000.
    pub const fn count(mut self, events: usize) -> Self {
        self.count = events;
        self
    }

    /// Sets how old an event that is kept may be, instead of 10 minutes.
    pub const fn age(mut self, age: Duration) -> Self {
        self.age = age;
        self
    }

    /// Sets how many bytes of payload are kept at most, instead of 64 MiB.
    pub const fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self { count: 10_000, age: Duration::from_mins(10), bytes: 64 << 20 }
    }
}

/// The events that have become visible at once, in order: most often one.
pub(super) type Visible = SmallVec<[Arc<Event>; 1]>;

/// What is found in the log.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    /// An event.
    Event(Arc<Event>),
    /// No event up to this number.
    Nothing(u64),
    /// The number is no longer kept, and what was there is unknown.
    Trimmed,
}

/// An event that is kept. Its number stands beside it, so that a search reads no event.
#[derive(Debug)]
struct Kept {
    seq: u64,
    event: Arc<Event>,
    at: Instant,
    caller: Option<Caller>,
}

/// Returns a part of a bound, at least one.
fn share_of(whole: usize, percent: u8) -> usize {
    if percent < 100 { (whole.saturating_mul(percent.into()) / 100).max(1) } else { usize::MAX }
}

/// What one caller has in the log.
#[derive(Debug, Default)]
struct Share {
    events: usize,
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Ring {
    retention: Retention,
    /// The slots that are not visible yet, unless they are those of a shared log.
    order: Order,
    /// In the order of their numbers, which may have gaps: a gap takes no memory.
    events: VecDeque<Kept>,
    /// Everything up to here is no longer kept.
    forgotten: u64,
    /// Everything up to here is visible.
    visible: u64,
    bytes: usize,
    /// What callers from outside have in the log.
    shares: ByCaller<Share>,
}

impl Ring {
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
            order: Order::default(),
            events: VecDeque::new(),
            forgotten: 0,
            visible: 0,
            bytes: 0,
            shares: ByCaller::default(),
        }
    }

    /// Tells whether a caller may add so many events of about this size together.
    /// It may if it has less than its part of the log, or pushes out only its own events and those that are too old.
    /// Else returns after how long it certainly may.
    pub(super) fn admits(
        &self,
        caller: Caller,
        count: usize,
        size: impl FnOnce() -> usize,
        percent: u8,
        now: impl FnOnce() -> Instant,
    ) -> Result<(), Duration> {
        let Retention { count: most, bytes, age } = self.retention;
        let (events, own_bytes) = self.shares.get(&caller).map_or((0, 0), |share| (share.events, share.bytes));
        if events + count <= share_of(most, percent) && own_bytes <= share_of(bytes, percent) {
            return Ok(());
        }
        let now = now();
        let mut events = (self.events.len() + count).saturating_sub(most);
        let mut room = (self.bytes + size()).saturating_sub(bytes);
        let mut wait = None;
        for kept in &self.events {
            if events == 0 && room == 0 {
                break;
            }
            events = events.saturating_sub(1);
            room = room.saturating_sub(kept.event.size());
            if kept.caller != Some(caller) {
                wait = wait.max(age.checked_sub(now.duration_since(kept.at)));
            }
        }
        wait.map_or(Ok(()), Err)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Returns when the oldest event is too old; `None` if there is none.
    pub(super) fn expiry(&self) -> Option<Instant> {
        self.events.front().and_then(|oldest| oldest.at.checked_add(self.retention.age))
    }

    pub(super) fn visible(&self) -> u64 {
        self.visible
    }

    /// Returns the number before the oldest one that is kept.
    pub(super) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Returns the slots of a log that is in this process only.
    pub(super) fn order(&mut self) -> &mut Order {
        &mut self.order
    }

    /// Closes slots of the own order, and returns the events that are visible because of it, in order.
    pub(super) fn pass(&mut self, close: impl FnOnce(&mut Order) -> Turn) -> Visible {
        let turn = close(&mut self.order);
        self.visible = self.order.passed();
        let mut visible = Visible::new();
        for passed in turn {
            visible.push(passed.event.clone());
            self.keep(passed.event, passed.at, passed.caller);
        }
        visible
    }

    /// Takes an event whose number is given, unless what comes after it is visible already.
    pub(super) fn take(&mut self, seq: u64, mut event: Arc<Event>, now: Instant) -> Visible {
        if seq <= self.visible {
            return Visible::new();
        }
        event.set_seq(seq);
        self.visible = seq;
        let visible = Visible::from_buf([event.clone()]);
        self.keep(event, now, None);
        visible
    }

    /// Notes that no event comes up to a number any more; `false` if that was so already.
    pub(super) fn skip_to(&mut self, seq: u64) -> bool {
        let moves = seq > self.visible;
        self.visible = self.visible.max(seq);
        moves
    }

    /// Forgets everything up to a number that is at least the last one, or at any number of another log.
    pub(super) fn restart(&mut self, seq: u64) {
        self.events.clear();
        self.shares.clear();
        self.bytes = 0;
        (self.forgotten, self.visible) = (seq, seq);
    }

    /// Looks at a number.
    pub(super) fn event(&self, seq: u64) -> Lookup {
        if seq <= self.forgotten {
            return Lookup::Trimmed;
        }
        // Where there are no gaps, its place is known without a search.
        let offset = self.events.front().and_then(|first| usize::try_from(seq.checked_sub(first.seq)?).ok());
        let kept = offset.and_then(|offset| self.events.get(offset)).filter(|kept| kept.seq == seq);
        match kept.or_else(|| self.events.get(self.after(seq - 1)).filter(|kept| kept.seq == seq)) {
            Some(kept) => Lookup::Event(kept.event.clone()),
            None => Lookup::Nothing(seq),
        }
    }

    /// Looks for the first event after a number.
    pub(super) fn next_after(&self, seq: u64) -> Lookup {
        if seq < self.forgotten {
            return Lookup::Trimmed;
        }
        let next = self.events.get(self.after(seq));
        next.map_or_else(|| Lookup::Nothing(self.visible.max(seq)), |kept| Lookup::Event(kept.event.clone()))
    }

    /// Returns where the first event after a number is.
    fn after(&self, seq: u64) -> usize {
        let Some(first) = self.events.front() else { return 0 };
        let Some(offset) = seq.checked_sub(first.seq) else { return 0 };
        // Where there are no gaps, it is known without a search.
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        if self.events.get(offset).is_some_and(|kept| kept.seq == seq) {
            return offset + 1;
        }
        self.events.partition_point(|kept| kept.seq <= seq)
    }

    /// Keeps the newest event, and forgets what is too much or too old because of it.
    fn keep(&mut self, event: Arc<Event>, at: Instant, caller: Option<Caller>) {
        let size = event.size();
        self.bytes += size;
        if let Some(caller) = caller {
            let share = self.shares.entry(caller).or_default();
            share.events += 1;
            share.bytes += size;
        }
        self.events.push_back(Kept { seq: event.seq(), event, at, caller });
        while self.events.len() > self.retention.count || self.bytes > self.retention.bytes {
            self.pop_front();
        }
        self.trim_old(at);
    }

    /// Forgets what is too old.
    pub(super) fn trim_old(&mut self, now: Instant) {
        while self.events.front().is_some_and(|oldest| now.duration_since(oldest.at) > self.retention.age) {
            self.pop_front();
        }
    }

    fn pop_front(&mut self) {
        let Some(Kept { seq, event, caller, .. }) = self.events.pop_front() else { return };
        self.forgotten = seq;
        let size = event.size();
        self.bytes -= size;
        if let Some(caller) = caller {
            self.take_back(caller, size);
        }
    }

    fn take_back(&mut self, caller: Caller, size: usize) {
        if let Some(share) = self.shares.get_mut(&caller) {
            share.events -= 1;
            share.bytes -= size;
            if share.events == 0 {
                self.shares.remove(&caller);
            }
        }
    }
}
