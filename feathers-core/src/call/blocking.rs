//! Code that blocks its thread: what it is that keeps others from running is logged and counted.

use std::time::{Duration, Instant};

/// From this time on, code without an await is said to block.
const LONG: Duration = Duration::from_secs(1);

/// Times the polls of something of the app.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    began: Option<Instant>,
    time: Duration,
}

impl Watch {
    /// Polls it, and says so if that has taken too long.
    ///
    /// The clock is read twice a poll and never else, since reading it is a good part of what a short call costs.
    pub(crate) fn poll<T>(&mut self, what: &str, poll: impl FnOnce() -> T) -> T {
        let (result, begins, ended) = timed(what, poll);
        self.time = match self.began {
            Some(began) => ended.duration_since(began),
            None => ended.duration_since(begins),
        };
        self.began.get_or_insert(begins);
        result
    }

    /// Returns the time from the beginning of the first poll to the end of the last.
    pub(crate) const fn time(&self) -> Duration {
        self.time
    }
}

/// Polls something whose time is not measured, and says so if that has taken too long.
pub(crate) fn watched<T>(what: &str, poll: impl FnOnce() -> T) -> T {
    timed(what, poll).0
}

fn timed<T>(what: &str, poll: impl FnOnce() -> T) -> (T, Instant, Instant) {
    let begins = Instant::now();
    let result = poll();
    let ended = Instant::now();
    let time = ended.duration_since(begins);
    if time >= LONG {
        blocked(what, time);
    }
    (result, begins, ended)
}

#[cold]
fn blocked(what: &str, time: Duration) {
    metrics::counter!(crate::metrics::BLOCKED_THREADS).increment(1);
    tracing::warn!(%what, ?time, "code of the app has blocked its thread; `spawn_blocking` is for that");
}
