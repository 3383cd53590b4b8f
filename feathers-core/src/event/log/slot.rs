//! Slots: places in the order of commits that are taken before their events are there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::caller::Caller;
use super::local::EventLog;
use crate::event::Event;

/// Slots in the log that are reserved and not taken yet; what is left is released when this is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    log: EventLog,
    next: AtomicU64,
    end: u64,
    /// Whose events go there, if it is a call from outside.
    caller: Option<Caller>,
}

impl Reservation {
    pub(super) fn new(log: EventLog, first: u64, count: usize, caller: Option<Caller>) -> Self {
        Self { log, next: AtomicU64::new(first), end: first + count as u64, caller }
    }

    /// Takes the next slot; when all are used up, a new one at the end of the log.
    pub(crate) fn slot(&self) -> Slot {
        match self.take() {
            Some(seq) => Slot::new(self.log.clone(), seq, self.caller),
            None => self.log.slot(self.caller),
        }
    }

    /// Releases the slots that are left: the events of the call wait for them.
    pub(crate) fn release(&self) {
        while let Some(seq) = self.take() {
            self.log.close(seq, None, None);
        }
    }

    fn take(&self) -> Option<u64> {
        let next = |next: u64| (next < self.end).then(|| next + 1);
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.release();
    }
}

/// One open slot in the log; it is released when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    log: EventLog,
    seq: u64,
    closed: bool,
    caller: Option<Caller>,
}

impl Slot {
    pub(super) fn new(log: EventLog, seq: u64, caller: Option<Caller>) -> Self {
        Self { log, seq, closed: false, caller }
    }

    /// Puts the event there.
    pub(crate) fn fill(mut self, event: Arc<Event>) {
        self.closed = true;
        self.log.published().increment(1);
        self.log.close(self.seq, Some(event), self.caller);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !self.closed {
            self.log.close(self.seq, None, None);
        }
    }
}
