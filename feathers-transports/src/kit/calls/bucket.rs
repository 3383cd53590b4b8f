//! How often a client may call on its socket.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use feathers_core::{Error, Result};
use governor::RateLimiter;
use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};

use crate::kit::rate_limit::RateLimit;

/// What a client may do if nothing else is said: more than an app in a browser ever does, and less than what keeps a
/// core busy.
pub(crate) const DEFAULT_RATE: RateLimit = RateLimit::new(Duration::from_millis(1), 10_000);

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<<MonotonicClock as Clock>::Instant>>;

/// The tokens of one client, of which each call takes one. A client that only listens has none.
pub(crate) struct Bucket {
    rate: RateLimit,
    tokens: OnceLock<Box<Limiter>>,
}

impl Bucket {
    pub(crate) fn new(rate: RateLimit) -> Self {
        Self { rate, tokens: OnceLock::new() }
    }

    /// Takes a token; without one, the error says when there will be.
    pub(crate) fn take(&self) -> Result<()> {
        let new = || Box::new(RateLimiter::direct_with_clock(self.rate.quota(), MonotonicClock));
        let tokens = self.tokens.get_or_init(new);
        tokens.check().map_err(|until| {
            metrics::counter!(feathers_core::metrics::REFUSED, "bound" => "call_rate").increment(1);
            let wait = until.wait_time_from(tokens.clock().now());
            Error::too_many_requests("too many calls on this connection").with_retry_after(wait)
        })
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bucket")
    }
}
