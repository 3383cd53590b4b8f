//! One connection: how many bytes are in flight on it, and how its answers leave.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Account, Budget};

/// One connection, or what counts as one.
#[derive(Debug)]
pub(crate) struct Link {
    budget: Budget,
    used: AtomicUsize,
    /// Whether the answer that is written is one that ends, and not a stream.
    ends: AtomicBool,
    /// The bytes that were written to it.
    written: AtomicUsize,
    /// How many answers that end have not left, where there are several at once.
    #[cfg(feature = "tls")]
    unsent: AtomicUsize,
}

impl Link {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            used: AtomicUsize::new(0),
            ends: AtomicBool::new(false),
            written: AtomicUsize::new(0),
            #[cfg(feature = "tls")]
            unsent: AtomicUsize::new(0),
        }
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn used(&self) -> &AtomicUsize {
        &self.used
    }

    /// Counts for a client on this connection.
    pub(crate) fn account(self: &Arc<Self>, address: Option<IpAddr>) -> Arc<Account> {
        let address = address.and_then(|address| self.budget.address(address));
        Arc::new(Account { address, link: self.clone() })
    }

    /// Notes whether the answer that is about to be written is one that ends.
    pub(crate) fn set_ends(&self, ends: bool) {
        self.ends.store(ends, Ordering::Relaxed);
    }

    pub(crate) fn ends(&self) -> bool {
        self.ends.load(Ordering::Relaxed)
    }

    pub(crate) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What HTTP/2 needs, which has several answers on one connection at once.
#[cfg(feature = "tls")]
impl Link {
    /// Returns how many bytes were written in all.
    pub(crate) fn written(&self) -> usize {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) fn begin_unsent(&self) {
        self.unsent.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end_unsent(&self) {
        self.unsent.fetch_sub(1, Ordering::Relaxed);
    }

    /// Tells whether there are answers that end and have not left.
    pub(crate) fn has_unsent(&self) -> bool {
        self.unsent.load(Ordering::Relaxed) > 0
    }
}
