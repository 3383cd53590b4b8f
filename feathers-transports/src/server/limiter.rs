//! Counts the requests of each address.

mod table;

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use feathers_core::{Error, Result};
use governor::RateLimiter;
use governor::clock::{Clock, MonotonicClock, Reference};
use governor::middleware::NoOpMiddleware;

use self::table::Table;
use crate::kit::client_key::ClientKey;
use crate::kit::rate_limit::RateLimit;

/// How many addresses are known at the same time: some megabytes.
const ADDRESSES: usize = 100_000;

/// How often idle addresses are dropped: those whose burst is full again.
const SWEEP: Duration = Duration::from_secs(5);

/// Counts the requests of each address, and refuses those that are too many.
pub(super) struct Limiter<C: Clock = MonotonicClock> {
    addresses: RateLimiter<ClientKey, Table, C, NoOpMiddleware<C::Instant>>,
    start: C::Instant,
    /// When the table was last swept, in nanoseconds since the start.
    swept: AtomicU64,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        Self::with(limit, ADDRESSES, MonotonicClock)
    }
}

impl<C: Clock> Limiter<C> {
    fn with(limit: RateLimit, max: usize, clock: C) -> Self {
        let start = clock.now();
        Self { addresses: RateLimiter::new(limit.quota(), Table::new(max), clock), start, swept: AtomicU64::new(0) }
    }

    /// Counts a request; one that is too many is an error that says when to try again.
    pub(super) fn check(&self, address: IpAddr) -> Result<()> {
        let now = self.addresses.clock().now();
        self.sweep(now);
        self.addresses.check_key(&address.into()).map_err(|until| {
            Error::too_many_requests("too many requests from this address").with_retry_after(until.wait_time_from(now))
        })
    }

    /// Forgets addresses from time to time; one request does it for all.
    fn sweep(&self, now: C::Instant) {
        let now = now.duration_since(self.start).as_u64();
        let last = self.swept.load(Ordering::Relaxed);
        let due = Duration::from_nanos(now.saturating_sub(last)) >= SWEEP;
        if due && self.swept.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.addresses.retain_recent();
        }
    }
}

impl<C: Clock> fmt::Debug for Limiter<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("addresses", &self.addresses.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    fn limiter(limit: RateLimit, max: usize) -> (Limiter<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (Limiter::with(limit, max, clock.clone()), clock)
    }

    /// Returns how many requests are accepted at once.
    fn passing(limiter: &Limiter<FakeRelativeClock>, address: &str) -> usize {
        let address = address.parse().unwrap();
        (0..1_000).take_while(|_| limiter.check(address).is_ok()).count()
    }

    #[test]
    fn each_address_has_its_burst_and_its_rate() {
        let (limiter, clock) = limiter(RateLimit::per_second(10).burst(3), 100);
        assert_eq!((passing(&limiter, "1.1.1.1"), passing(&limiter, "1.1.1.1")), (3, 0));
        assert_eq!((passing(&limiter, "1.1.1.2"), passing(&limiter, "::ffff:1.1.1.2")), (3, 0));
        assert_eq!((passing(&limiter, "2001:db8::1"), passing(&limiter, "2001:db8::2")), (3, 0));
        assert_eq!(passing(&limiter, "2001:db8:0:1::1"), 3);
        clock.advance(Duration::from_millis(200));
        assert_eq!((passing(&limiter, "1.1.1.1"), passing(&limiter, "1.1.1.1")), (2, 0));
        clock.advance(Duration::from_mins(1));
        assert_eq!(passing(&limiter, "1.1.1.1"), 3);
    }

    #[test]
    fn a_refused_client_learns_when_to_try_again() {
        for (limit, seconds) in [
            (RateLimit::per_minute(2).burst(1), 30),
            (RateLimit::per_minute(60).burst(1), 1),
            (RateLimit::per_second(50).burst(1), 1),
            (RateLimit::per_second(0), 1),
            (RateLimit::per_minute(0), 60),
        ] {
            let (limiter, clock) = limiter(limit, 100);
            assert_eq!(passing(&limiter, "1.1.1.1"), 1);
            let error = limiter.check("1.1.1.1".parse().unwrap()).unwrap_err();
            assert_eq!((error.code(), error.retry_after()), (429, Some(Duration::from_secs(seconds))));
            clock.advance(Duration::from_secs(seconds));
            assert!(passing(&limiter, "1.1.1.1") >= 1);
        }
    }

    #[test]
    fn no_number_is_too_large() {
        for limit in [RateLimit::per_second(u32::MAX), RateLimit::per_minute(u32::MAX), RateLimit::per_minute(1)] {
            let (limiter, clock) = limiter(limit.burst(u32::MAX), 100);
            assert_eq!(passing(&limiter, "1.1.1.1"), 1_000);
            clock.advance(Duration::from_mins(1));
            assert_eq!(passing(&limiter, "1.1.1.1"), 1_000);
        }
    }

    #[test]
    fn past_the_bound_new_addresses_share_and_known_ones_go_on() {
        let (limiter, clock) = limiter(RateLimit::per_minute(6).burst(4), 2);
        assert_eq!((passing(&limiter, "1.1.1.1"), passing(&limiter, "1.1.1.2")), (4, 4));
        assert!(limiter.check("1.1.1.3".parse().unwrap()).is_ok());
        assert_eq!(passing(&limiter, "1.1.1.4"), 3);
        assert_eq!((passing(&limiter, "1.1.1.3"), passing(&limiter, "1.1.1.5")), (0, 0));
        assert_eq!(limiter.addresses.len(), 2);
        // A known address keeps its count, so that no client resets its own by sending from many addresses.
        assert_eq!(passing(&limiter, "1.1.1.1"), 0);
        clock.advance(Duration::from_secs(10));
        assert_eq!((passing(&limiter, "1.1.1.1"), passing(&limiter, "1.1.1.3")), (1, 1));
        // Once their bursts are full again they are forgotten, and make room.
        clock.advance(Duration::from_mins(1));
        assert_eq!((passing(&limiter, "1.1.1.3"), passing(&limiter, "1.1.1.4")), (4, 4));
        assert_eq!(limiter.addresses.len(), 2);
    }

    #[test]
    fn sweeps_are_rare() {
        let (limiter, clock) = limiter(RateLimit::per_second(1_000).burst(1), 100);
        passing(&limiter, "1.1.1.1");
        clock.advance(Duration::from_secs(4));
        passing(&limiter, "1.1.1.2");
        assert_eq!(limiter.addresses.len(), 2);
        clock.advance(Duration::from_secs(1));
        passing(&limiter, "1.1.1.3");
        assert_eq!(limiter.addresses.len(), 1);
    }
}
