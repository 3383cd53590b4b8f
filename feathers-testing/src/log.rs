//! A shared log in memory, with the faults that a real one has, and the contract that such logs keep.

pub mod contract;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use feathers_core::{
    Cursor, Entry, Epoch, Error, Interest, LogBounds, LogEngine, LogRead, PastEpoch, ResetReason, Result,
};
use tokio::sync::Notify;

/// A log that several apps of one test share. Clones are the same log.
///
/// It keeps what it promises, and simulates the faults of a real log on request. It can be away, store an append and
/// lose the answer, leave numbers out, forget entries, lose its last ones, or come back as another log.
#[derive(Clone, Debug)]
pub struct SharedLog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    epoch: Epoch,
    earlier: Vec<PastEpoch>,
    /// The last number that is forgotten.
    oldest: u64,
    /// The last number that was given or left out.
    head: u64,
    /// In the order of their numbers.
    entries: VecDeque<(u64, Entry)>,
    keys: HashMap<u128, u64>,
    away: bool,
    lost_answers: usize,
}

impl SharedLog {
    /// Makes an empty log.
    pub fn new() -> Self {
        Self(Arc::new(Inner { state: Mutex::new(State::new()), changed: Notify::new() }))
    }

    /// Lets every call fail, or work again.
    pub fn set_away(&self, away: bool) {
        self.change(|state| state.away = away);
    }

    /// Takes the next appends and answers with an error all the same.
    pub fn lose_answers(&self, count: usize) {
        self.state().lost_answers = count;
    }

    /// Leaves numbers out, as a log does whose entries are for other processes, or were rolled back.
    pub fn skip(&self, numbers: u64) {
        self.change(|state| state.head += numbers);
    }

    /// Forgets all but the last entries.
    pub fn keep(&self, last: usize) {
        let mut state = self.state();
        let gone = state.entries.len().saturating_sub(last);
        if let Some((number, _)) = state.entries.drain(..gone).last() {
            state.oldest = number;
        }
    }

    /// Becomes another, empty log.
    pub fn restart(&self) {
        self.change(|state| {
            *state = State { away: state.away, lost_answers: state.lost_answers, ..State::new() };
        });
    }

    /// Begins another epoch that goes on with the numbers of this one, and loses the last entries: their numbers are
    /// given again.
    pub fn next_epoch(&self, lost: usize) {
        self.change(|state| {
            let left = state.entries.len().saturating_sub(lost);
            for (number, entry) in state.entries.split_off(left) {
                state.keys.remove(&entry.key);
                state.head = state.head.min(number - 1);
            }
            let head = state.head;
            for past in &mut state.earlier {
                past.last = past.last.min(head);
            }
            state.earlier.push(PastEpoch::new(state.epoch, head));
            state.epoch = Epoch::random();
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.0.changed.notify_waiters();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn here(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.away { Err(Error::unavailable("the log is away")) } else { Ok(state) }
    }
}

impl Default for SharedLog {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn new() -> Self {
        Self {
            epoch: Epoch::random(),
            earlier: Vec::new(),
            oldest: 0,
            head: 0,
            entries: VecDeque::new(),
            keys: HashMap::new(),
            away: false,
            lost_answers: 0,
        }
    }

    /// Adds an entry, unless it is there, and returns its number.
    fn add(&mut self, entry: &Entry) -> u64 {
        if let Some(number) = self.keys.get(&entry.key) {
            return *number;
        }
        self.head += 1;
        self.keys.insert(entry.key, self.head);
        self.entries.push_back((self.head, entry.clone()));
        self.head
    }
}

#[async_trait]
impl LogEngine for SharedLog {
    async fn bounds(&self) -> Result<LogBounds> {
        let state = self.here()?;
        Ok(LogBounds::new(state.epoch, state.oldest, state.head).earlier(state.earlier.clone()))
    }

    async fn append(&self, entries: &[Entry]) -> Result<Vec<Cursor>> {
        let mut state = self.here()?;
        let epoch = state.epoch;
        let cursors = entries.iter().map(|entry| Cursor::new(epoch, state.add(entry))).collect();
        self.0.changed.notify_waiters();
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(Error::timeout("no answer"));
        }
        Ok(cursors)
    }

    async fn read(&self, after: Cursor, most: usize, _interest: &Interest) -> Result<LogRead> {
        let state = self.here()?;
        if after.epoch() != state.epoch {
            return Ok(LogRead::Reset(ResetReason::Epoch));
        }
        if after.seq() < state.oldest {
            return Ok(LogRead::Reset(ResetReason::Trimmed));
        }
        let from = state.entries.partition_point(|(number, _)| *number <= after.seq());
        let entries: Vec<_> = state.entries.range(from..).take(most).cloned().collect();
        let is_all = from + entries.len() == state.entries.len();
        let last = entries.last().map_or(after.seq(), |(number, _)| *number);
        Ok(LogRead::entries(entries, if is_all { state.head.max(last) } else { last }))
    }

    async fn changed(&self, after: Cursor, _interest: &Interest) {
        let changed = self.0.changed.notified();
        let is_behind = |state: &State| state.epoch != after.epoch() || state.head > after.seq();
        if !is_behind(&self.state()) {
            changed.await;
        }
    }
}
