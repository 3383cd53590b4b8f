//! What a store is known by to the commits that change its records, and to the app.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Names one store, so that a change of its records by a call for another store finds its service. Clones are the same.
#[derive(Clone, Default)]
pub struct StoreId(Arc<Marks>);

#[derive(Default)]
struct Marks {
    is_referred: AtomicBool,
}

impl StoreId {
    /// Makes one that no other store has.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that records of other stores refer to those of this one.
    pub fn refer(&self) {
        self.0.is_referred.store(true, Ordering::Release);
    }

    /// Tells whether records refer to those of this store, so that removing one can change others.
    pub fn is_referred(&self) -> bool {
        self.0.is_referred.load(Ordering::Acquire)
    }
}

impl PartialEq for StoreId {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for StoreId {}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoreId").field(&Arc::as_ptr(&self.0)).finish()
    }
}
