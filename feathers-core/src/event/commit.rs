//! Commits: the moment at which a change becomes visible, which fixes the slot of its events in the log.

use std::sync::{Arc, OnceLock};

use crate::event::log::{Caller, EventLog, Reservation};

/// Says when a change is visible, so that its events are in the order of commits.
///
/// A store calls [`Commit::reached`] inside its critical section. It never waits and never fails.
#[derive(Clone, Debug, Default)]
pub struct Commit(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    log: EventLog,
    caller: Option<Caller>,
    reservation: OnceLock<Reservation>,
}

impl Commit {
    /// Makes a commit without listeners, for using a store without an app.
    pub const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn to(log: &EventLog, caller: Option<Caller>) -> Self {
        Self(Some(Arc::new(Inner { log: log.clone(), caller, reservation: OnceLock::new() })))
    }

    /// Takes the next slots in the event log, one per changed record. Only the first call counts.
    pub fn reached(&self, changes: usize) {
        if let Some(inner) = &self.0
            && changes > 0
        {
            inner.reservation.get_or_init(|| inner.log.reserve(changes, inner.caller));
        }
    }

    /// Tells whether slots are wanted and not taken yet.
    pub(crate) fn is_open(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.reservation.get().is_none())
    }

    /// Returns the reserved slots, or takes some now if the service has no store that did.
    pub(crate) fn reservation(&self, changes: usize) -> Option<&Reservation> {
        self.reached(changes);
        self.0.as_ref()?.reservation.get()
    }
}
