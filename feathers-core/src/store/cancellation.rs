//! Cancellation of work on another thread, where no future is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Instant;

use crate::data::error::{Error, Result};

/// Tells work on another thread whether its result is still needed. Clones are the same.
///
/// [`StoreContext::cancellation`](crate::StoreContext::cancellation) makes it.
#[derive(Clone, Debug)]
pub struct Cancellation {
    is_dropped: Arc<AtomicBool>,
    deadline: Option<Instant>,
}

/// Cancels the work of a call when it is dropped.
#[derive(Debug)]
#[must_use = "the work is cancelled when this is dropped"]
pub struct CancelOnDrop(Arc<AtomicBool>);

impl Cancellation {
    pub(super) fn new(deadline: Option<Instant>) -> (Self, CancelOnDrop) {
        let is_dropped = Arc::<AtomicBool>::default();
        (Self { is_dropped: is_dropped.clone(), deadline }, CancelOnDrop(is_dropped))
    }

    /// Fails if nobody waits for the answer any more. It asks the clock: ask now and then.
    ///
    /// # Errors
    /// The caller has gone, or the deadline has passed: a 408.
    pub fn check(&self) -> Result<()> {
        if self.is_dropped.load(Ordering::Relaxed) {
            return Err(Error::timeout("nobody waits for the answer"));
        }
        match self.deadline {
            Some(deadline) if deadline <= Instant::now() => Err(Error::timeout("The deadline of the call has passed")),
            _ => Ok(()),
        }
    }
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
