//! How slowly an answer that ends may be read.
//!
//! A client that takes nothing at all is closed by the write timeout. One that takes a byte a minute is not, and would
//! hold its answer for ever. Streams and sockets are slow by nature: they have their heartbeats instead.

use std::time::Duration;

use tokio::time::Instant;

#[cfg(feature = "tls")]
use crate::kit::budget::Link;

/// So many bytes in a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct MinRate {
    bytes_per_second: usize,
    over: Duration,
}

impl MinRate {
    pub(super) fn new(bytes_per_second: usize, over: Duration) -> Self {
        Self { bytes_per_second, over: over.max(Duration::from_secs(1)) }
    }

    /// Returns how many bytes are the least in the time.
    fn least(self) -> usize {
        self.bytes_per_second.saturating_mul(usize::try_from(self.over.as_secs()).unwrap_or(usize::MAX))
    }
}

/// How fast a client takes what is written to it, counted while the server waits for it.
#[derive(Debug)]
pub(super) struct Pace {
    rate: MinRate,
    waited: Duration,
    waits_since: Option<Instant>,
    bytes: usize,
}

impl Pace {
    pub(super) fn new(rate: MinRate) -> Self {
        Self { rate, waited: Duration::ZERO, waits_since: None, bytes: 0 }
    }

    /// Notes that the server waits; returns for how long it does before the client is judged.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        let since = *self.waits_since.get_or_insert(now);
        self.rate.over.saturating_sub(self.waited + now.duration_since(since))
    }

    /// Notes that bytes have left; `true` if it was waited for the client since it was judged.
    pub(super) fn wrote(&mut self, bytes: usize) -> bool {
        if let Some(since) = self.waits_since.take() {
            self.waited += since.elapsed();
        }
        // What is taken without any waiting tells nothing.
        let has_waited = !self.waited.is_zero();
        if has_waited {
            self.bytes = self.bytes.saturating_add(bytes);
        }
        has_waited
    }

    /// Tells whether the client has been too slow, once the time for that is over; then counting restarts.
    pub(super) fn is_too_slow(&mut self) -> bool {
        let now = Instant::now();
        let waits = self.waits_since.map_or(Duration::ZERO, |since| now.duration_since(since));
        if self.waited + waits < self.rate.over {
            return false;
        }
        let slow = self.bytes < self.rate.least();
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        self.waits_since = self.waits_since.map(|_| now);
        slow
    }
}

/// How often a connection of several answers is looked at in the time.
#[cfg(feature = "tls")]
const LOOKS: u32 = 6;

/// Returns when the answers that end are read too slowly together, on a connection that has several at once.
///
/// A client of HTTP/2 can stop one of them by its window while the socket takes everything, so no write waits.
#[cfg(feature = "tls")]
pub(super) async fn too_slow(link: &Link, rate: MinRate) {
    loop {
        let before = link.written();
        let mut waits = true;
        for _ in 0..LOOKS {
            tokio::time::sleep(rate.over / LOOKS).await;
            waits &= link.has_unsent();
        }
        if waits && link.written().wrapping_sub(before) < rate.least() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace::new(MinRate::new(1_000, 30 * SECOND))
    }

    /// Waits and writes, so many times; returns whether the client was too slow at some time.
    async fn reads(pace: &mut Pace, times: usize, every: Duration, bytes: usize) -> bool {
        let mut slow = false;
        for _ in 0..times {
            pace.wait(Instant::now());
            advance(every).await;
            pace.wrote(bytes);
            slow |= pace.is_too_slow();
        }
        slow
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_counts_while_the_server_waits() {
        assert!(!reads(&mut pace(), 100, SECOND, 1_100).await);
        assert!(reads(&mut pace(), 31, SECOND, 900).await);
        assert!(!reads(&mut pace(), 29, SECOND, 1).await);
        // Bytes that a client took long ago do not count for ever.
        let mut pace = pace();
        pace.wrote(1 << 30);
        assert!(!reads(&mut pace, 1, SECOND, 1 << 20).await);
        assert!(reads(&mut pace, 60, SECOND, 10).await);
        // The time between two answers is not waited.
        advance(1_000 * SECOND).await;
        pace.wrote(10);
        assert!(!pace.is_too_slow());
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_judged_at_the_end_of_the_time() {
        let mut pace = pace();
        assert_eq!(pace.wait(Instant::now()), 30 * SECOND);
        advance(29 * SECOND).await;
        assert_eq!((pace.wait(Instant::now()), pace.is_too_slow()), (SECOND, false));
        advance(SECOND).await;
        assert!(pace.is_too_slow());
    }
}
