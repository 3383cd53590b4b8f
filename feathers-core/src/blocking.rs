//! Code that blocks its thread: what it is that keeps others from running is logged and counted.

use std::time::{Duration, Instant};

/// From this time on, code without an await is said to block.
const LONG: Duration = Duration::from_secs(1);

/// Polls something of the app, and says so if that has taken too long.
pub(crate) fn watch<T>(what: &str, poll: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let result = poll();
    let time = began.elapsed();
    if time >= LONG {
        metrics::counter!("feathers_blocked_threads_total").increment(1);
        tracing::warn!(%what, ?time, "code of the app has blocked its thread; `spawn_blocking` is for that");
    }
    result
}
