//! How many sessions or connections one address may have, so that it does not take the places of all others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::kit::client_key::ClientKey;

/// How many sessions an address may have if nothing else is said: an office behind one address has room.
const SESSIONS: usize = 200;

/// How many connections an address may have if nothing else is said.
const CONNECTIONS: usize = 500;

/// How often the log says that an address has all that it may have.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// What each address has of one kind. Clones are the same.
#[derive(Clone, Debug)]
pub struct SessionLimit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What is counted, for the log.
    kind: &'static str,
    max: usize,
    /// Whether addresses of the same machine are counted too.
    counts_loopback: bool,
    taken: Mutex<Taken>,
}

/// Never more entries than there are permits.
#[derive(Debug, Default)]
struct Taken {
    permits: HashMap<ClientKey, usize>,
    warned: Option<Instant>,
}

/// One permit among those of its address; dropping it makes room for another one.
#[derive(Debug)]
pub struct SessionPermit(Option<(SessionLimit, ClientKey)>);

impl SessionLimit {
    /// Counts sessions. `max` is how many an address may have, at least one; `None` is the default. The default does
    /// not hold for addresses of the same machine, which are mostly those of a proxy.
    pub fn sessions(max: Option<usize>) -> Self {
        Self::new("sessions", max, SESSIONS)
    }

    /// Counts connections, with the same rule.
    pub(crate) fn connections(max: Option<usize>) -> Self {
        Self::new("connections", max, CONNECTIONS)
    }

    fn new(kind: &'static str, max: Option<usize>, default: usize) -> Self {
        let (counts_loopback, taken) = (max.is_some(), Mutex::default());
        Self(Arc::new(Inner { kind, max: max.unwrap_or(default).max(1), counts_loopback, taken }))
    }

    /// Takes a permit; `None` if the address has all of its own. Without an address there is no bound.
    pub fn take(&self, address: Option<IpAddr>) -> Option<SessionPermit> {
        let Some(address) = address.filter(|address| self.0.counts_loopback || !address.to_canonical().is_loopback())
        else {
            return Some(SessionPermit(None));
        };
        let key = ClientKey::from(address);
        let mut taken = self.lock();
        let permits = taken.permits.entry(key).or_default();
        if *permits < self.0.max {
            *permits += 1;
            return Some(SessionPermit(Some((self.clone(), key))));
        }
        if taken.warned.is_none_or(|last| last.elapsed() > WARN_EVERY) {
            taken.warned = Some(Instant::now());
            drop(taken);
            let (kind, max) = (self.0.kind, self.0.max);
            tracing::warn!(
                %address,
                kind,
                max,
                "an address has all that it may have; a proxy is to be named in `Server::trusted_proxies`"
            );
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SessionPermit {
    fn drop(&mut self) {
        let Some((limit, key)) = self.0.take() else { return };
        let mut taken = limit.lock();
        if let Some(left) = taken.permits.get_mut(&key) {
            *left -= 1;
            if *left == 0 {
                taken.permits.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_permits() {
        let limit = SessionLimit::sessions(Some(2));
        let take = |address: &str| limit.take(address.parse().ok());
        let (one, two) = (take("1.1.1.1"), take("1.1.1.1"));
        assert!(one.is_some() && two.is_some() && take("1.1.1.1").is_none() && take("::ffff:1.1.1.1").is_none());
        let (three, four) = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(three.is_some() && four.is_some() && take("2001:db8::3").is_none());
        drop(one);
        assert!(take("1.1.1.1").is_some());
        assert!((0..10).map(|_| limit.take(None)).all(|permit| permit.is_some()));
        drop((two, three, four));
        assert_eq!(limit.lock().permits.len(), 0);
    }

    #[test]
    fn the_default_is_not_for_the_same_machine() {
        let count = |max: Option<usize>, address: &str| {
            let (limit, address) = (SessionLimit::sessions(max), address.parse().ok());
            let taken: Vec<_> = (0..300).map_while(|_| limit.take(address)).collect();
            taken.len()
        };
        assert_eq!((count(None, "1.1.1.1"), count(None, "::2")), (200, 200));
        assert_eq!((count(None, "127.0.0.1"), count(None, "::1"), count(None, "::ffff:127.0.0.2")), (300, 300, 300));
        assert_eq!((count(Some(3), "127.0.0.1"), count(Some(0), "::1")), (3, 1));
    }
}
