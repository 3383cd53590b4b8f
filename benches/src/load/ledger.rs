//! What all subscribers have received, and how long it was under way.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use memchr::memmem;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Stands before the time in every message.
const MARK: &[u8] = b"\"ts\":";

/// Counts deliveries. A message carries the time when it was published, in microseconds of this ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    start: Instant,
    /// Deliveries of messages from before this time belong to an earlier phase.
    since: Cell<u64>,
    delivered: Cell<u64>,
    target: Cell<u64>,
    reached: Notify,
    latencies: RefCell<Vec<u32>>,
    ended: Cell<u64>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            since: Cell::new(0),
            delivered: Cell::new(0),
            target: Cell::new(u64::MAX),
            reached: Notify::new(),
            latencies: RefCell::default(),
            ended: Cell::new(0),
        }
    }

    /// Returns the time now, as messages carry it.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Begins a phase: what is published from now on counts.
    pub(crate) fn begin(&self) {
        self.since.set(self.now());
        self.delivered.set(0);
        self.latencies.borrow_mut().clear();
    }

    /// Counts messages whatever their time: those that were missed are old.
    pub(crate) fn begin_with_old(&self) {
        self.begin();
        self.since.set(0);
    }

    /// Returns the number of deliveries in this phase.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.get()
    }

    /// Returns how many subscribers have lost their connection.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.get()
    }

    /// Hands over how long the deliveries of this phase took, in microseconds.
    pub(crate) fn take_latencies(&self) -> Vec<u32> {
        self.latencies.take()
    }

    /// Waits for so many deliveries in this phase. Gives up when none comes for the time of `patience`.
    pub(crate) async fn wait_for(&self, target: u64, patience: Duration) -> bool {
        self.target.set(target);
        while self.delivered.get() < target {
            let before = self.delivered.get();
            let waited = timeout(patience, self.reached.notified()).await;
            if waited.is_err() && self.delivered.get() == before {
                return false;
            }
        }
        true
    }

    pub(super) fn lost_connection(&self) {
        self.ended.set(self.ended.get() + 1);
    }

    /// Counts the messages in these bytes. Returns how many bytes are done; a mark may be cut at the end.
    pub(super) fn read(&self, bytes: &[u8]) -> usize {
        let mut done = 0;
        while let Some((before, rest)) = bytes.get(done..).and_then(|rest| Some((memmem::find(rest, MARK)?, rest))) {
            let digits = rest.get(before + MARK.len()..).unwrap_or_default();
            let Some(length) = digits.iter().position(|byte| !byte.is_ascii_digit()) else { return done + before };
            let (digits, _) = digits.split_at(length);
            self.deliver(digits.iter().fold(0, |time, digit| time * 10 + u64::from(digit - b'0')));
            done += before + MARK.len() + length;
        }
        done.max(bytes.len().saturating_sub(MARK.len() - 1))
    }

    fn deliver(&self, published: u64) {
        if published < self.since.get() {
            return;
        }
        let latency = self.now().saturating_sub(published);
        self.latencies.borrow_mut().push(u32::try_from(latency).unwrap_or(u32::MAX));
        let delivered = self.delivered.get() + 1;
        self.delivered.set(delivered);
        if delivered >= self.target.get() {
            self.reached.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_wherever_the_bytes_are_cut() {
        let text = br#"{"ts":1}{"ts":23,"a":"ts"}{"ts":456}"#;
        for cut in 0..=text.len() {
            let ledger = Ledger::new();
            let done = ledger.read(&text[..cut]);
            ledger.read(&text[done..]);
            assert_eq!(ledger.delivered(), 3, "cut at {cut}");
        }
    }

    #[test]
    fn messages_of_an_earlier_phase_do_not_count() {
        let ledger = Ledger::new();
        ledger.since.set(10);
        ledger.read(br#"{"ts":9}{"ts":10}"#);
        assert_eq!(ledger.delivered(), 1);
    }
}
