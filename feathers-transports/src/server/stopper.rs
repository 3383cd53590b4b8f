//! What stops an acceptor and its connections: the drain first, then the close.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// A wait for the drain.
pub(super) type Draining = WaitForCancellationFutureOwned;
/// A wait for the close.
pub(super) type Closing = WaitForCancellationFutureOwned;

/// Stops an acceptor and its connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopper {
    drain: CancellationToken,
    all: Arc<All>,
}

/// What all connections of an acceptor share.
#[derive(Debug, Default)]
struct All {
    close: CancellationToken,
    /// Whether the drain has begun, for a look without a lock.
    is_draining: AtomicBool,
}

impl Stopper {
    /// Takes no more connections, and ends each one after the call that it is busy with.
    pub(super) fn drain(&self) {
        self.all.is_draining.store(true, Ordering::Release);
        self.drain.cancel();
    }

    /// Closes the connections that are still there.
    pub(super) fn close(&self) {
        self.all.close.cancel();
        self.drain();
    }

    /// Returns a stopper for one connection: its waiting for the drain costs no other one anything.
    pub(super) fn child(&self) -> Self {
        Self { drain: self.drain.child_token(), all: self.all.clone() }
    }

    /// Waits for the drain.
    pub(super) fn draining(&self) -> Draining {
        self.drain.clone().cancelled_owned()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.all.is_draining.load(Ordering::Acquire)
    }

    /// Waits for the close, which need not be done before the drain has begun.
    pub(super) fn closing(&self) -> Closing {
        self.all.close.clone().cancelled_owned()
    }
}
