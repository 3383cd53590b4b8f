//! Whether the replay of a reconnecting client waits for its login.
//!
//! A Feathers client logs in again as soon as it has reconnected. What it has missed in the channels of its login
//! would be lost if the replay came first.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How long a replay waits for a login.
const PATIENCE: Duration = Duration::from_secs(1);

/// There is nothing to wait for.
const SETTLED: u8 = 0;
/// The replay waits.
const WAITING: u8 = 1;
/// The replay has begun without a login.
const UNKNOWN: u8 = 2;
/// A login has come too late for the replay, and the client is to get a reset.
const TOO_LATE: u8 = 3;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    state: AtomicU8,
    /// How many logins are under way.
    logins: AtomicUsize,
    until: OnceLock<Instant>,
}

impl Waiting {
    pub(super) fn begin(&self) {
        let _ = self.until.set(Instant::now() + PATIENCE);
        self.state.store(WAITING, Ordering::Release);
    }

    /// Returns until when the replay waits, if it does.
    pub(super) fn until(&self) -> Option<Instant> {
        if self.state.load(Ordering::Acquire) == WAITING { self.until.get().copied() } else { None }
    }

    pub(super) fn login_begins(&self) {
        self.logins.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn login_ends(&self) {
        self.logins.fetch_sub(1, Ordering::AcqRel);
    }

    /// Tells whether a login is under way.
    pub(super) fn is_logging_in(&self) -> bool {
        self.logins.load(Ordering::Acquire) > 0
    }

    /// Ends the waiting without a login; `true` if there was one.
    pub(super) fn give_up(&self) -> bool {
        self.change(WAITING, UNKNOWN)
    }

    /// Notes a login; `true` if the reader has to look.
    pub(super) fn logged_in(&self) -> bool {
        self.change(WAITING, SETTLED) || self.change(UNKNOWN, TOO_LATE)
    }

    /// Tells, once, whether a login has come too late.
    pub(super) fn take_too_late(&self) -> bool {
        self.change(TOO_LATE, SETTLED)
    }

    fn change(&self, from: u8, to: u8) -> bool {
        // The load keeps the usual case, in which nothing waits, from writing.
        self.state.load(Ordering::Acquire) == from
            && self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}
