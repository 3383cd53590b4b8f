//! What is known of each address: when its burst will be full again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

use crate::kit::client_key::ClientKey;

/// The counts of a bounded number of addresses. All others share one count.
///
/// An address that is known is never forgotten for a new one: otherwise a client with many addresses could have its
/// own count forgotten.
#[derive(Debug)]
pub(super) struct Table {
    max: usize,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    known: HashMap<ClientKey, Nanos>,
    others: Option<Nanos>,
}

impl Table {
    pub(super) fn new(max: usize) -> Self {
        Self { max, counts: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Table {
    type Key = ClientKey;

    fn measure_and_replace<T, F, E>(&self, source: &ClientKey, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let counts = &mut *self.lock();
        if let Some(count) = counts.known.get_mut(source) {
            let (outcome, next) = measure(Some(*count))?;
            *count = next;
            return Ok(outcome);
        }
        if counts.known.len() < self.max {
            let (outcome, first) = measure(None)?;
            counts.known.insert(*source, first);
            return Ok(outcome);
        }
        let (outcome, next) = measure(counts.others)?;
        counts.others = Some(next);
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<ClientKey> for Table {
    fn retain_recent(&self, drop_below: Nanos) {
        let counts = &mut *self.lock();
        counts.known.retain(|_, count| *count > drop_below);
        // After a rush, its memory is given back.
        if counts.known.capacity() / 8 > counts.known.len() {
            counts.known.shrink_to(counts.known.len() * 2);
        }
    }

    fn len(&self) -> usize {
        self.lock().known.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
