//! The calls whose callers have gone: they are finished in the background, and there may be only so many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::data::error::{Error, Result};

/// How many there may be if nothing else is said.
pub(super) const DEFAULT: usize = 1_024;

/// One address may have this part of them.
const PART: usize = 4;

/// When a caller that was turned away should try again.
const LATER: Duration = Duration::from_secs(1);

/// Counts them.
#[derive(Debug)]
pub(super) struct Abandoned {
    max: usize,
    total: AtomicUsize,
    addresses: Mutex<HashMap<IpAddr, usize>>,
}

/// One of them, until it is finished.
#[derive(Debug)]
pub(super) struct Counted {
    abandoned: Arc<Abandoned>,
    address: Option<IpAddr>,
}

impl Abandoned {
    pub(super) fn new(max: usize) -> Self {
        Self { max: max.max(1), total: AtomicUsize::new(0), addresses: Mutex::default() }
    }

    /// Fails if there are so many that no call may begin that could become one of them.
    pub(super) fn check(&self, address: Option<IpAddr>) -> Result<()> {
        let total = self.total.load(Ordering::Relaxed);
        let part = (self.max / PART).max(1);
        if total < part {
            return Ok(());
        }
        let of_address = || source(address).and_then(|source| self.lock().get(&source).copied()).unwrap_or_default();
        if total < self.max && of_address() < part {
            return Ok(());
        }
        metrics::counter!(crate::metrics::REFUSED, "bound" => "abandoned_calls").increment(1);
        Err(Error::unavailable("too many calls whose callers have gone are still under way").with_retry_after(LATER))
    }

    /// Counts a call whose caller has gone.
    pub(super) fn add(self: &Arc<Self>, address: Option<IpAddr>) -> Counted {
        let total = self.total.fetch_add(1, Ordering::Relaxed) + 1;
        let address = source(address);
        if let Some(address) = address {
            *self.lock().entry(address).or_default() += 1;
        }
        metrics::counter!(crate::metrics::CALLS_ABANDONED_TOTAL).increment(1);
        show(total);
        Counted { abandoned: self.clone(), address }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        show(self.abandoned.total.fetch_sub(1, Ordering::Relaxed) - 1);
        let Some(address) = self.address else { return };
        let mut addresses = self.abandoned.lock();
        if let Some(count) = addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&address);
            }
        }
    }
}

fn show(total: usize) {
    metrics::gauge!(crate::metrics::CALLS_ABANDONED).set(f64::from(u32::try_from(total).unwrap_or(u32::MAX)));
}

/// Returns the source that a caller is counted by: its address, or the /64 of an IPv6 address. The same machine, where
/// a proxy usually is, is not counted.
fn source(address: Option<IpAddr>) -> Option<IpAddr> {
    let address = address?.to_canonical();
    if address.is_loopback() {
        return None;
    }
    Some(match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_a_part_of_them() {
        let abandoned = Arc::new(Abandoned::new(8));
        let address = |text: &str| text.parse::<IpAddr>().ok();
        let one: Vec<_> = (0..2).map(|_| abandoned.add(address("2001:db8::1"))).collect();
        assert!(abandoned.check(address("2001:db8::2")).is_err());
        assert!(abandoned.check(address("2001:db8:0:1::1")).is_ok() && abandoned.check(None).is_ok());
        let others: Vec<_> = (0..6).map(|_| abandoned.add(address("127.0.0.1"))).collect();
        let error = abandoned.check(address("1.1.1.1")).unwrap_err();
        assert_eq!((error.code(), error.retry_after()), (503, Some(LATER)));
        drop(one);
        assert!(abandoned.check(address("2001:db8::2")).is_ok());
        drop(others);
        assert_eq!((abandoned.total.load(Ordering::Relaxed), abandoned.lock().len()), (0, 0));
    }
}
