//! What one address has in flight, and how it is added up.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Budget;
use crate::kit::client_key::ClientKey;

/// The bytes of one address; it is forgotten when no account counts for it any more.
#[derive(Debug)]
pub(super) struct Address {
    budget: Budget,
    source: ClientKey,
    used: AtomicUsize,
}

impl Address {
    pub(super) fn new(budget: Budget, source: ClientKey) -> Self {
        Self { budget, source, used: AtomicUsize::new(0) }
    }

    pub(super) fn used(&self) -> &AtomicUsize {
        &self.used
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        self.budget.forget(self.source);
    }
}

/// Adds bytes and returns the sum.
pub(super) fn add(used: &AtomicUsize, bytes: usize) -> usize {
    used.fetch_add(bytes, Ordering::Relaxed) + bytes
}

/// Shows how many bytes there are.
pub(super) fn set(gauge: &metrics::Gauge, bytes: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a measurement")]
    gauge.set(bytes as f64);
}
