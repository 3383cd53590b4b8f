//! The ring: a plain state machine over slots, events and time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;
use tokio::time::Instant;

use super::caller::{ByCaller, Caller};
use crate::event::Event;

/// How much of the past a log keeps: whatever limit is reached first.
///
/// ```
/// use std::time::Duration;
///
/// use feathers_core::{App, Retention};
///
/// let mut app = App::new();
/// app.retention(Retention::default().count(1_000).age(Duration::from_mins(5)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// At most this many slots.
    pub count: usize,
    /// At most this old.
    pub age: Duration,
    /// At most this many bytes of payload.
    ///
    /// Its frames, one per wire format in use, come on top: each is about as long as the payload.
    pub bytes: usize,
}

impl Retention {
    /// Sets how many slots are kept at most, instead of 10,000.
    pub const fn count(mut self, slots: usize) -> Self {
        self.count = slots;
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
    /// No event up to this slot.
    Nothing(u64),
    /// The slot is gone, and what was there is unknown.
    Trimmed,
}

#[derive(Debug)]
enum SlotState {
    Open { since: Instant },
    Filled { event: Arc<Event>, at: Instant, caller: Option<Caller> },
    Empty,
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
    slots: VecDeque<SlotState>,
    /// The sequence number of the front slot.
    first: u64,
    /// Everything up to here is closed.
    visible: u64,
    bytes: usize,
    /// What callers from outside have in the log.
    shares: ByCaller<Share>,
}

impl Ring {
    pub(super) fn new(retention: Retention) -> Self {
        Self { retention, slots: VecDeque::new(), first: 1, visible: 0, bytes: 0, shares: ByCaller::default() }
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
        let mut slots = (self.slots.len() + count).saturating_sub(most);
        let mut room = (self.bytes + size()).saturating_sub(bytes);
        let mut wait = None;
        for slot in &self.slots {
            if slots == 0 && room == 0 {
                break;
            }
            slots = slots.saturating_sub(1);
            if let SlotState::Filled { event, at, caller: own } = slot {
                room = room.saturating_sub(event.size());
                if *own != Some(caller) {
                    wait = wait.max(age.checked_sub(now.duration_since(*at)));
                }
            }
        }
        wait.map_or(Ok(()), Err)
    }

    pub(super) fn len(&self) -> usize {
        self.slots.iter().filter(|slot| matches!(slot, SlotState::Filled { .. })).count()
    }

    /// Returns when the oldest event is too old; `None` if there is none.
    pub(super) fn expiry(&self) -> Option<Instant> {
        let oldest = self.slots.iter().find_map(|slot| match slot {
            SlotState::Filled { at, .. } => Some(*at),
            _ => None,
        });
        oldest.and_then(|at| at.checked_add(self.retention.age))
    }

    pub(super) fn visible(&self) -> u64 {
        self.visible
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Opens `count` slots at the end and returns the first.
    pub(super) fn reserve(&mut self, count: usize, now: Instant) -> u64 {
        let first = self.first + self.slots.len() as u64;
        self.slots.extend((0..count).map(|_| SlotState::Open { since: now }));
        first
    }

    /// Closes a slot and returns the events that are visible because of it, in order.
    ///
    /// A slot that was given up before is past its turn: its event goes to the end.
    /// An event is as old as its slot, so that the clock is asked once.
    pub(super) fn close(&mut self, seq: u64, event: Option<Arc<Event>>, caller: Option<Caller>) -> Visible {
        let (seq, now) = match (self.slot(seq), &event) {
            (Some(SlotState::Open { since }), _) => (seq, *since),
            (_, None) => return Visible::new(),
            (_, Some(_)) => {
                let now = Instant::now();
                (self.reserve(1, now), now)
            }
        };
        let state = match event {
            None => SlotState::Empty,
            Some(mut event) => {
                event.set_seq(seq);
                let size = event.size();
                self.bytes += size;
                if let Some(caller) = caller {
                    let share = self.shares.entry(caller).or_default();
                    share.events += 1;
                    share.bytes += size;
                }
                SlotState::Filled { event, at: now, caller }
            }
        };
        if let Some(slot) = self.slot_mut(seq) {
            *slot = state;
        }
        let visible = self.advance();
        self.trim(now);
        visible
    }

    /// Takes an event whose number is given; what was skipped before it is empty.
    pub(super) fn take(&mut self, seq: u64, mut event: Arc<Event>, now: Instant) -> Visible {
        if seq <= self.visible {
            return Visible::new();
        }
        let next = self.first + self.slots.len() as u64;
        self.slots.extend((next..seq).map(|_| SlotState::Empty));
        event.set_seq(seq);
        self.bytes += event.size();
        self.slots.push_back(SlotState::Filled { event, at: now, caller: None });
        let visible = self.advance();
        self.trim(now);
        visible
    }

    /// Forgets everything up to a slot that is at least the last one, or at any slot of another log.
    pub(super) fn restart(&mut self, seq: u64) {
        self.slots.clear();
        self.shares.clear();
        self.bytes = 0;
        self.first = seq + 1;
        self.visible = seq;
    }

    /// Closes open slots older than `patience` and returns the events that are visible because of it.
    pub(super) fn give_up_stale(&mut self, now: Instant, patience: Duration) -> Visible {
        let from = self.offset(self.visible + 1).unwrap_or(self.slots.len());
        for slot in self.slots.iter_mut().skip(from) {
            if matches!(slot, SlotState::Open { since } if now.duration_since(*since) >= patience) {
                metrics::counter!(crate::metrics::LOG_SLOTS_GIVEN_UP).increment(1);
                *slot = SlotState::Empty;
            }
        }
        self.advance()
    }

    /// Tells whether a closed slot waits behind an open one.
    pub(super) fn has_waiting(&self) -> bool {
        let from = self.offset(self.visible + 1).unwrap_or(self.slots.len());
        self.slots.iter().skip(from).any(|slot| !matches!(slot, SlotState::Open { .. }))
    }

    /// Looks at a visible slot.
    pub(super) fn event(&self, seq: u64) -> Lookup {
        if seq < self.first {
            return Lookup::Trimmed;
        }
        match self.slot(seq) {
            Some(SlotState::Filled { event, .. }) if seq <= self.visible => Lookup::Event(event.clone()),
            _ => Lookup::Nothing(seq),
        }
    }

    /// Looks for the first visible event after a slot.
    pub(super) fn next_after(&self, seq: u64) -> Lookup {
        if seq + 1 < self.first {
            return Lookup::Trimmed;
        }
        (seq + 1..=self.visible)
            .find_map(|seq| match self.slot(seq) {
                Some(SlotState::Filled { event, .. }) => Some(Lookup::Event(event.clone())),
                _ => None,
            })
            .unwrap_or(Lookup::Nothing(self.visible.max(seq)))
    }

    fn advance(&mut self) -> Visible {
        let mut events = Visible::new();
        while let Some(slot) = self.slot(self.visible + 1) {
            match slot {
                SlotState::Open { .. } => break,
                SlotState::Filled { event, .. } => events.push(event.clone()),
                SlotState::Empty => {}
            }
            self.visible += 1;
        }
        events
    }

    /// Forgets what is too old, also behind slots without an event.
    pub(super) fn trim_old(&mut self, now: Instant) {
        let mut gone = 0;
        for (index, slot) in self.slots.iter().enumerate() {
            match slot {
                SlotState::Filled { at, .. } if now.duration_since(*at) > self.retention.age => gone = index + 1,
                SlotState::Filled { .. } | SlotState::Open { .. } => break,
                SlotState::Empty => {}
            }
        }
        (0..gone).for_each(|_| self.pop_front());
    }

    fn pop_front(&mut self) {
        if let Some(SlotState::Filled { event, caller, .. }) = self.slots.pop_front() {
            let size = event.size();
            self.bytes -= size;
            if let Some(caller) = caller {
                self.take_back(caller, size);
            }
        }
        self.first += 1;
    }

    fn trim(&mut self, now: Instant) {
        while let Some(front) = self.slots.front() {
            let old = match front {
                SlotState::Open { .. } => return,
                SlotState::Filled { at, .. } => now.duration_since(*at) > self.retention.age,
                SlotState::Empty => false,
            };
            let full = self.slots.len() > self.retention.count || self.bytes > self.retention.bytes;
            if !(old || full) || self.first > self.visible {
                return;
            }
            self.pop_front();
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

    fn offset(&self, seq: u64) -> Option<usize> {
        usize::try_from(seq.checked_sub(self.first)?).ok().filter(|offset| *offset < self.slots.len())
    }

    fn slot(&self, seq: u64) -> Option<&SlotState> {
        self.slots.get(self.offset(seq)?)
    }

    fn slot_mut(&mut self, seq: u64) -> Option<&mut SlotState> {
        let offset = self.offset(seq)?;
        self.slots.get_mut(offset)
    }
}
