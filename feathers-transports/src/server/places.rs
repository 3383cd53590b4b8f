//! The places for connections: how many there are, how many an address may have, and those kept for health checks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use feathers_core::Error;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::kit::session_limit::{SessionLimit, SessionPermit};
use crate::server::proxies::Proxies;

/// How many connections there may be when all places are taken, for health checks.
const RESERVE: usize = 16;

/// How many of them one address may have.
const RESERVE_PER_ADDRESS: usize = 4;

/// How often the log says that the number of connections is reached.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// When a client that was turned away should try again.
const LATER: Duration = Duration::from_secs(1);

/// All places.
pub(super) struct Places {
    all: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    addresses: SessionLimit,
    reserve_addresses: SessionLimit,
    proxies: Proxies,
    warned: Option<Instant>,
}

/// Leave to accept a connection.
pub(super) struct Leave {
    permit: OwnedSemaphorePermit,
    is_reserved: bool,
}

/// The place of one connection; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _session_permit: SessionPermit,
    /// Why nothing but health checks is answered.
    refusal: Option<Error>,
}

impl Place {
    pub(super) fn refusal(&self) -> Option<&Error> {
        self.refusal.as_ref()
    }
}

impl Places {
    pub(super) fn new(max: usize, per_address: Option<usize>, proxies: Proxies) -> Self {
        Self {
            all: Arc::new(Semaphore::new(max.clamp(1, Semaphore::MAX_PERMITS))),
            reserve: Arc::new(Semaphore::new(RESERVE)),
            addresses: SessionLimit::connections(per_address),
            reserve_addresses: SessionLimit::connections(Some(RESERVE_PER_ADDRESS)),
            proxies,
            warned: None,
        }
    }

    /// Waits until there is a place for another connection.
    pub(super) async fn leave(&mut self) -> Result<Leave, AcquireError> {
        if let Ok(permit) = self.all.clone().try_acquire_owned() {
            return Ok(Leave { permit, is_reserved: false });
        }
        if self.warned.is_none_or(|last| last.elapsed() > WARN_EVERY) {
            self.warned = Some(Instant::now());
            tracing::warn!("the number of connections is reached, new ones are turned away");
        }
        tokio::select! {
            biased;
            permit = self.all.clone().acquire_owned() => Ok(Leave { permit: permit?, is_reserved: false }),
            permit = self.reserve.clone().acquire_owned() => Ok(Leave { permit: permit?, is_reserved: true }),
        }
    }

    /// Gives a connection its place; `None` if its address has too many, also of those for health checks.
    pub(super) fn seat(&self, leave: Leave, peer: IpAddr) -> Option<Place> {
        let Leave { permit, is_reserved } = leave;
        let address = Some(peer.to_canonical()).filter(|address| !self.proxies.trust(*address));
        let session_permit = self.addresses.take(address);
        let (bound, error) = match (&session_permit, is_reserved) {
            (Some(_), false) => {
                return session_permit.map(|session_permit| Place {
                    _permit: permit,
                    _session_permit: session_permit,
                    refusal: None,
                });
            }
            (Some(_), true) => ("connections", Error::unavailable("the server has all of its connections")),
            (None, _) => {
                ("connections_per_address", Error::too_many_requests("too many connections from this address"))
            }
        };
        metrics::counter!(feathers_core::metrics::REFUSED, "bound" => bound).increment(1);
        let permit = if is_reserved { permit } else { self.reserve.clone().try_acquire_owned().ok()? };
        let session_permit = self.reserve_addresses.take(address)?;
        Some(Place { _permit: permit, _session_permit: session_permit, refusal: Some(error.with_retry_after(LATER)) })
    }
}
