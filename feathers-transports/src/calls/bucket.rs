//! How often a client may call on its socket.

use std::fmt;
use std::time::Duration;

use feathers_core::{Error, Result};
use governor::RateLimiter;
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};

use crate::server::RateLimit;

/// What a client may do if nothing else is said: more than an app in a browser ever does, and less than what keeps a core
/// busy.
pub(crate) const DEFAULT_RATE: RateLimit = RateLimit::new(Duration::from_millis(1), 10_000);

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

/// The tokens of one client, of which each call takes one.
pub(crate) struct Bucket(Limiter);

impl Bucket {
    pub(crate) fn new(rate: RateLimit) -> Self {
        Self(RateLimiter::direct_with_clock(rate.quota(), MonotonicClock))
    }

    /// Takes a token; without one, the error says when there will be.
    pub(crate) fn take(&self) -> Result<()> {
        self.0.check().map_err(|until| {
            metrics::counter!("feathers_refused_total", "bound" => "call_rate").increment(1);
            let wait = until.wait_time_from(self.0.clock().now());
            Error::too_many_requests("too many calls on this connection").with_retry_after(wait)
        })
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bucket")
    }
}
