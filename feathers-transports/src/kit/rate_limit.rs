//! How many requests one address may make, and how many calls one connection.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;

/// The longest time in which a burst fills up; the clock counts nanoseconds in 64 bits.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 100);

/// Says how many requests one address may make, or how many calls one connection: so many in a time, and a burst of
/// so many at once.
///
/// Every request takes one from the burst, which fills up again at the given rate.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
/// use feathers::transports::RateLimit;
///
/// let limit = RateLimit::per_second(50).burst(100);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// The time in which one more request becomes possible.
    every: Duration,
    burst: u32,
}

impl RateLimit {
    /// Allows so many requests in a second, at least one, and as many at once.
    pub fn per_second(requests: u32) -> Self {
        Self::per(Duration::from_secs(1), requests)
    }

    /// Allows so many requests in a minute, at least one, and as many at once.
    pub fn per_minute(requests: u32) -> Self {
        Self::per(Duration::from_mins(1), requests)
    }

    /// Sets how many requests may come at once, at least one, after a time without any.
    pub fn burst(mut self, requests: u32) -> Self {
        self.burst = requests.max(1);
        self
    }

    pub(crate) const fn new(every: Duration, burst: u32) -> Self {
        Self { every, burst }
    }

    /// Returns it as the counter takes it.
    pub(crate) fn quota(self) -> Quota {
        let countable = LONGEST.as_nanos() / self.every.as_nanos().max(1);
        let burst = self.burst.min(u32::try_from(countable).unwrap_or(u32::MAX));
        let burst = NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN);
        Quota::with_period(self.every).unwrap_or_else(|| Quota::per_second(burst)).allow_burst(burst)
    }

    fn per(time: Duration, requests: u32) -> Self {
        let requests = requests.max(1);
        // A rate that no clock can count is none.
        Self { every: (time / requests).max(Duration::from_nanos(1)), burst: requests }
    }
}
