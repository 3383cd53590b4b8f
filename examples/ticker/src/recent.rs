//! The newest ticks, shared between the service and its task.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::walk::Tick;

/// How many are kept.
const KEPT: usize = 240;

/// The newest ticks; clones are the same list.
#[derive(Clone, Default)]
pub(crate) struct Recent(Arc<Mutex<VecDeque<Tick>>>);

impl Recent {
    /// Keeps one more, and drops the oldest past the limit.
    pub(crate) fn push(&self, tick: Tick) {
        let mut ticks = self.lock();
        ticks.push_back(tick);
        if KEPT < ticks.len() {
            ticks.pop_front();
        }
    }

    /// Returns them, the oldest first.
    pub(crate) fn list(&self) -> Vec<Tick> {
        self.lock().iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Tick>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
