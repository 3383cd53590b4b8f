//! How often logins may be tried, by account and address and by address alone.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};

use feathers_core::{Error, Params, Result};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::config::LimitConfig;

/// After this many tries, keys that have all their tries again are forgotten.
const SWEEP: usize = 4_096;

/// The limits. A call that comes without an address, such as one from inside, is not limited.
pub(crate) struct Limits {
    hasher: RandomState,
    account: Option<DefaultKeyedRateLimiter<(u64, IpAddr)>>,
    address: Option<DefaultKeyedRateLimiter<IpAddr>>,
    ticket: Option<DefaultKeyedRateLimiter<IpAddr>>,
    tries: AtomicUsize,
    clock: DefaultClock,
}

impl Limits {
    pub(crate) fn new(config: &LimitConfig) -> Self {
        let quota = |limit: u32| NonZeroU32::new(limit).map(Quota::per_minute);
        Self {
            hasher: RandomState::new(),
            account: quota(config.account).map(RateLimiter::keyed),
            address: quota(config.address).map(RateLimiter::keyed),
            ticket: quota(config.address).map(RateLimiter::keyed),
            tries: AtomicUsize::new(0),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a try to get into an account.
    pub(crate) fn login(&self, account: &str, params: &Params) -> Result<()> {
        let Some(address) = params.address.map(network) else { return Ok(()) };
        self.sweep();
        let key = (self.hasher.hash_one(account.trim().to_lowercase()), address);
        let account = self.account.as_ref().map_or(Ok(()), |limiter| limiter.check_key(&key));
        let address = self.address.as_ref().map_or(Ok(()), |limiter| limiter.check_key(&address));
        account.and(address).map_err(|until| self.too_many(&until))
    }

    /// Counts the making of a ticket.
    pub(crate) fn ticket(&self, params: &Params) -> Result<()> {
        let Some(address) = params.address.map(network) else { return Ok(()) };
        self.sweep();
        let ticket = self.ticket.as_ref().map_or(Ok(()), |limiter| limiter.check_key(&address));
        ticket.map_err(|until| self.too_many(&until))
    }

    /// Counts a step of a login through another site.
    #[cfg(feature = "oauth")]
    pub(crate) fn step(&self, params: &Params) -> Result<()> {
        let Some(address) = params.address.map(network) else { return Ok(()) };
        self.sweep();
        let address = self.address.as_ref().map_or(Ok(()), |limiter| limiter.check_key(&address));
        address.map_err(|until| self.too_many(&until))
    }

    fn too_many(&self, until: &governor::NotUntil<<DefaultClock as Clock>::Instant>) -> Error {
        let wait = until.wait_time_from(self.clock.now());
        Error::too_many_requests("too many tries, wait before the next one").with_retry_after(wait)
    }

    fn sweep(&self) {
        if self.tries.fetch_add(1, Ordering::Relaxed) % SWEEP != SWEEP - 1 {
            return;
        }
        if let Some(account) = &self.account {
            account.retain_recent();
        }
        for limiter in [&self.address, &self.ticket].into_iter().flatten() {
            limiter.retain_recent();
        }
    }
}

/// Returns the address to count by: a client with one IPv6 address usually has the whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address @ IpAddr::V4(_) => address,
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}
