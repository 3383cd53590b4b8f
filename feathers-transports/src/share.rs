//! How many sessions one address may have, so that it does not take the places of all others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::source::Source;

/// How many sessions an address may have if nothing else is said: an office behind one address has room.
const SESSIONS: usize = 200;

/// How often the log says that an address has all of its sessions.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// The sessions of each address. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Shares {
    max: Option<usize>,
    taken: Arc<Mutex<Taken>>,
}

/// Never more entries than there are sessions.
#[derive(Debug, Default)]
struct Taken {
    sessions: HashMap<Source, usize>,
    warned: Option<Instant>,
}

/// One session among those of its address; there is room for another one when this is dropped.
#[derive(Debug)]
pub(crate) struct Share(Option<(Shares, Source)>);

impl Shares {
    /// Takes how many sessions an address may have, at least one; `None` is the default, from which addresses of the
    /// same machine are free: they are those of a proxy in most cases.
    pub(crate) fn new(max: Option<usize>) -> Self {
        Self { max: max.map(|max| max.max(1)), taken: Arc::default() }
    }

    /// Takes a share for one session; `None` if the address has all of its own. Without an address there is no bound.
    pub(crate) fn take(&self, address: Option<IpAddr>) -> Option<Share> {
        let max = match (address, self.max) {
            (None, _) => return Some(Share(None)),
            (Some(address), None) if address.to_canonical().is_loopback() => return Some(Share(None)),
            (_, max) => max.unwrap_or(SESSIONS),
        };
        let source = Source::from(address?);
        let mut taken = self.lock();
        let sessions = taken.sessions.entry(source).or_default();
        if *sessions < max {
            *sessions += 1;
            return Some(Share(Some((self.clone(), source))));
        }
        if taken.warned.is_none_or(|last| last.elapsed() > WARN_EVERY) {
            taken.warned = Some(Instant::now());
            drop(taken);
            tracing::warn!(
                address = address.map(tracing::field::display),
                max,
                "an address has all of its sessions; a proxy is to be named in `Server::trusted_proxies`"
            );
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some((shares, source)) = self.0.take() else { return };
        let mut taken = shares.lock();
        if let Some(sessions) = taken.sessions.get_mut(&source) {
            *sessions -= 1;
            if *sessions == 0 {
                taken.sessions.remove(&source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_sessions() {
        let shares = Shares::new(Some(2));
        let take = |address: &str| shares.take(address.parse().ok());
        let (one, two) = (take("1.1.1.1"), take("1.1.1.1"));
        assert!(one.is_some() && two.is_some() && take("1.1.1.1").is_none() && take("::ffff:1.1.1.1").is_none());
        let (three, four) = (take("2001:db8::1"), take("2001:db8::2"));
        assert!(three.is_some() && four.is_some() && take("2001:db8::3").is_none());
        drop(one);
        assert!(take("1.1.1.1").is_some());
        assert!((0..10).map(|_| shares.take(None)).all(|share| share.is_some()));
        drop((two, three, four));
        assert_eq!(shares.lock().sessions.len(), 0);
    }

    #[test]
    fn the_default_is_not_for_the_same_machine() {
        let count = |max: Option<usize>, address: &str| {
            let (shares, address) = (Shares::new(max), address.parse().ok());
            let taken: Vec<_> = (0..300).map_while(|_| shares.take(address)).collect();
            taken.len()
        };
        assert_eq!((count(None, "1.1.1.1"), count(None, "::2")), (200, 200));
        assert_eq!((count(None, "127.0.0.1"), count(None, "::1"), count(None, "::ffff:127.0.0.2")), (300, 300, 300));
        assert_eq!((count(Some(3), "127.0.0.1"), count(Some(0), "::1")), (3, 1));
    }
}
