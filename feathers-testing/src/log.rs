//! A shared log in memory, with the faults that a real one has.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use feathers_core::{Cursor, Entry, Epoch, Error, LogBounds, LogEngine, LogRead, ResetReason, Result};
use tokio::sync::Notify;

/// A log that several apps of one test share. Clones are the same log.
///
/// It keeps what it promises, and simulates the faults of a real log on request. It can be away, store an append and
/// lose the answer, forget entries, or come back as another log.
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
    oldest: u64,
    entries: Vec<Entry>,
    keys: HashSet<u128>,
    away: bool,
    lost_answers: usize,
}

impl SharedLog {
    /// Makes an empty log.
    pub fn new() -> Self {
        let state = State {
            epoch: Epoch::random(),
            oldest: 0,
            entries: Vec::new(),
            keys: HashSet::new(),
            away: false,
            lost_answers: 0,
        };
        Self(Arc::new(Inner { state: Mutex::new(state), changed: Notify::new() }))
    }

    /// Lets every call fail, or work again.
    pub fn set_away(&self, away: bool) {
        self.state().away = away;
        self.0.changed.notify_waiters();
    }

    /// Takes the next appends and answers with an error all the same.
    pub fn lose_answers(&self, count: usize) {
        self.state().lost_answers = count;
    }

    /// Forgets all but the last entries.
    pub fn keep(&self, last: usize) {
        let mut state = self.state();
        let gone = state.entries.len().saturating_sub(last);
        state.entries.drain(..gone);
        state.oldest += gone as u64;
    }

    /// Becomes another, empty log.
    pub fn restart(&self) {
        let mut state = self.state();
        *state = State { epoch: Epoch::random(), oldest: 0, entries: Vec::new(), keys: HashSet::new(), ..*state };
        drop(state);
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
    fn head(&self) -> u64 {
        self.oldest + self.entries.len() as u64
    }
}

#[async_trait]
impl LogEngine for SharedLog {
    async fn bounds(&self) -> Result<LogBounds> {
        let state = self.here()?;
        Ok(LogBounds::new(state.epoch, state.oldest, state.head()))
    }

    async fn append(&self, entries: &[Entry]) -> Result<()> {
        let mut state = self.here()?;
        for entry in entries {
            if state.keys.insert(entry.key) {
                state.entries.push(entry.clone());
            }
        }
        self.0.changed.notify_waiters();
        if state.lost_answers > 0 {
            state.lost_answers -= 1;
            return Err(Error::timeout("no answer"));
        }
        Ok(())
    }

    async fn read(&self, after: Cursor, most: usize) -> Result<LogRead> {
        let state = self.here()?;
        if after.epoch != state.epoch {
            return Ok(LogRead::Reset(ResetReason::Epoch));
        }
        let Some(skip) = after.seq.checked_sub(state.oldest) else { return Ok(LogRead::Reset(ResetReason::Trimmed)) };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let numbers = after.seq + 1..;
        Ok(LogRead::Entries(numbers.zip(state.entries.iter().skip(skip).take(most).cloned()).collect()))
    }

    async fn changed(&self, after: Cursor) {
        let changed = self.0.changed.notified();
        let is_behind = |state: &State| state.epoch != after.epoch || state.head() > after.seq;
        if !is_behind(&self.state()) {
            changed.await;
        }
    }
}
