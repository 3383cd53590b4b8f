//! How many bytes may be in flight: of one connection, of one address, and of all together.
//!
//! In flight are the bytes that the server holds for clients: bodies that are arriving, and calls with the trees of
//! their data. Answers that are not read yet count too, and the heads of requests that sessions keep.
//! Whatever holds bytes has a [`Permit`] for them, which gives them back when it is dropped.

mod cost;
mod link;
mod meter;
mod tally;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use feathers_core::{AppHandle, Error, Result};

pub(crate) use self::cost::{OVERHEAD, SMALL, call as cost_of_call, head as cost_of_head};
pub(crate) use self::link::Link;
pub(crate) use self::meter::Meter;
use self::tally::{Address, add, set};
use crate::kit::client_key::ClientKey;

/// When a client that was turned away should try again.
const LATER: Duration = Duration::from_secs(1);

/// What one address may have if nothing else is said.
const ADDRESS: usize = 64 << 20;

/// How many bytes may be in flight.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "they are the names of the options, by which a test finds them")]
pub(crate) struct Limits {
    pub(crate) max_in_flight: usize,
    /// For each address; `None` is the default, from which addresses of the same machine are free.
    pub(crate) max_in_flight_per_address: Option<usize>,
    pub(crate) max_in_flight_per_connection: usize,
}

impl Limits {
    pub(crate) fn of_address(&self) -> usize {
        self.max_in_flight_per_address.unwrap_or(ADDRESS)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_in_flight: 256 << 20, max_in_flight_per_address: None, max_in_flight_per_connection: 32 << 20 }
    }
}

/// This part of all is kept for addresses that have little.
const RESERVE: usize = 8;

/// How many bytes are little.
const LEAST: usize = 64 << 10;

/// How long a body may take to come if nothing else is said.
const BODY_TIME: Duration = Duration::from_secs(30);

/// What is in flight of one server. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Shared>);

struct Shared {
    limits: Limits,
    /// How long a body or a message may take from its first byte to its last.
    body_time: Duration,
    used: AtomicUsize,
    addresses: Mutex<HashMap<ClientKey, Weak<Address>>>,
    gauge: metrics::Gauge,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("limits", &self.limits).field("used", &self.used).finish_non_exhaustive()
    }
}

impl Budget {
    pub(crate) fn new(limits: Limits, body_time: Duration) -> Self {
        let gauge = metrics::gauge!(feathers_core::metrics::IN_FLIGHT_BYTES);
        Self(Arc::new(Shared { limits, body_time, used: AtomicUsize::new(0), addresses: Mutex::default(), gauge }))
    }

    /// Returns the budget of the server that serves an app, or one with the default limits.
    pub(crate) fn of(app: &AppHandle) -> Self {
        app.get::<Self>().cloned().unwrap_or_else(|| Self::new(Limits::default(), BODY_TIME))
    }

    pub(crate) fn body_time(&self) -> Duration {
        self.0.body_time
    }

    /// Begins to count a connection, or what counts as one.
    pub(crate) fn link(&self) -> Arc<Link> {
        Arc::new(Link::new(self.clone()))
    }

    fn address(&self, address: IpAddr) -> Option<Arc<Address>> {
        if self.0.limits.max_in_flight_per_address.is_none() && address.to_canonical().is_loopback() {
            return None;
        }
        let source = ClientKey::from(address);
        let mut addresses = self.addresses();
        if let Some(known) = addresses.get(&source).and_then(Weak::upgrade) {
            return Some(known);
        }
        let new = Arc::new(Address::new(self.clone(), source));
        addresses.insert(source, Arc::downgrade(&new));
        Some(new)
    }

    /// Forgets an address that no account counts for any more.
    fn forget(&self, source: ClientKey) {
        let mut addresses = self.addresses();
        if addresses.get(&source).is_some_and(|address| address.strong_count() == 0) {
            addresses.remove(&source);
        }
    }

    fn addresses(&self) -> MutexGuard<'_, HashMap<ClientKey, Weak<Address>>> {
        self.0.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, used: usize) {
        set(&self.0.gauge, used);
    }
}

/// One client on one connection.
#[derive(Debug)]
pub(crate) struct Account {
    link: Arc<Link>,
    address: Option<Arc<Address>>,
}

/// Leave to hold so many bytes, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    account: Arc<Account>,
    bytes: usize,
}

impl Account {
    /// Returns how long a message may take from its first byte to its last.
    pub(crate) fn body_time(&self) -> Duration {
        self.link.budget().body_time()
    }

    /// Returns an account of the same client that counts for a connection of its own.
    pub(crate) fn apart(&self) -> Arc<Self> {
        Arc::new(Self { link: self.link.budget().link(), address: self.address.clone() })
    }

    /// Takes leave to hold bytes. What a connection holds alone is never too much for it.
    ///
    /// An address that has as much as is still free gets no more. The last part is for addresses that hold little, so
    /// there is always room for other addresses.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Result<Permit> {
        self.take_beside(bytes, 0)
    }

    /// Does so where the connection holds `mine` for the same thing already.
    fn take_beside(self: &Arc<Self>, bytes: usize, mine: usize) -> Result<Permit> {
        let budget = self.link.budget();
        let limits = &budget.0.limits;
        let own = self.link.used().fetch_add(bytes, Ordering::Relaxed);
        let all = budget.0.used.fetch_add(bytes, Ordering::Relaxed);
        let address = self.address.as_ref().map_or(0, |address| add(address.used(), bytes));
        // Gives them back if they are refused.
        let permit = Permit { account: self.clone(), bytes };
        budget.changed(all + bytes);
        let refused =
            |bound: &'static str| metrics::counter!(feathers_core::metrics::REFUSED, "bound" => bound).increment(1);
        if own > mine && own + bytes > limits.max_in_flight_per_connection {
            refused("in_flight_per_connection");
            return Err(Error::too_many_requests("too many bytes are in flight on this connection"));
        }
        let little = if self.address.is_some() { address } else { own + bytes } <= LEAST;
        let reserve = if little { 0 } else { limits.max_in_flight / RESERVE };
        let free = limits.max_in_flight.saturating_sub(reserve).saturating_sub(all);
        if bytes > free {
            refused("in_flight");
            return Err(Error::unavailable("too many bytes are in flight").with_retry_after(LATER));
        }
        if self.address.is_some() && address > limits.of_address().min(free) {
            refused("in_flight_per_address");
            let error = Error::too_many_requests("too many bytes are in flight for this address");
            return Err(error.with_retry_after(LATER));
        }
        Ok(permit)
    }

    /// Takes leave to hold bytes that are there already, whatever the limits are: what comes next is refused instead.
    pub(crate) fn take_anyway(self: &Arc<Self>, bytes: usize) -> Permit {
        self.link.used().fetch_add(bytes, Ordering::Relaxed);
        if let Some(address) = &self.address {
            add(address.used(), bytes);
        }
        let budget = self.link.budget();
        budget.changed(add(&budget.0.used, bytes));
        Permit { account: self.clone(), bytes }
    }
}

impl Permit {
    /// Returns the account that the bytes count for.
    pub(crate) fn account(&self) -> Arc<Account> {
        self.account.clone()
    }

    /// Makes it one for so many bytes in all, where they are more than before.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.bytes {
            let mut more = self.account.take_beside(bytes - self.bytes, self.bytes)?;
            self.bytes += std::mem::take(&mut more.bytes);
        }
        Ok(())
    }

    /// Ties it to the bytes that it is for.
    pub(crate) fn hold(self, bytes: Bytes) -> Bytes {
        Bytes::from_owner(Held { bytes, _permit: self })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Account { link, address } = &*self.account;
        link.used().fetch_sub(self.bytes, Ordering::Relaxed);
        if let Some(address) = address {
            address.used().fetch_sub(self.bytes, Ordering::Relaxed);
        }
        let budget = link.budget();
        budget.changed(budget.0.used.fetch_sub(self.bytes, Ordering::Relaxed) - self.bytes);
    }
}

/// Bytes with the leave to hold them.
struct Held {
    bytes: Bytes,
    _permit: Permit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests;
