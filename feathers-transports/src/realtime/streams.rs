//! The streams that are open: how many there may be, and their end at the shutdown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feathers_core::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::kit::budget::Permit;
use crate::kit::session_limit::SessionPermit;

/// All open streams. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    places: Arc<Semaphore>,
    /// `None` once the server stops.
    open: Arc<Mutex<Option<HashMap<u64, Connection>>>>,
}

/// The place of one stream; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    streams: Streams,
    number: Option<u64>,
    _permit: OwnedSemaphorePermit,
    _session_permit: SessionPermit,
    /// What is kept of the request.
    _kept: Permit,
}

impl Streams {
    pub(super) fn new(max: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))),
            open: Arc::new(Mutex::new(Some(HashMap::new()))),
        }
    }

    /// Takes a place for a stream of an address; `None` if there is none or the server stops.
    pub(super) fn reserve(&self, session_permit: SessionPermit, kept: Permit) -> Option<Place> {
        self.lock().as_ref()?;
        let permit = self.places.clone().try_acquire_owned().ok()?;
        Some(Place {
            streams: self.clone(),
            number: None,
            _permit: permit,
            _session_permit: session_permit,
            _kept: kept,
        })
    }

    /// Ends all streams, and lets no more in.
    pub(super) fn close(&self) {
        let open = self.lock().take();
        for connection in open.into_iter().flat_map(HashMap::into_values) {
            connection.disconnect();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<HashMap<u64, Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Says whose place it is. If the server has begun to stop, the connection is ended.
    pub(super) fn hold(&mut self, connection: &Connection) {
        match &mut *self.streams.lock() {
            Some(open) => {
                self.number = Some(connection.number());
                open.insert(connection.number(), connection.clone());
            }
            None => connection.disconnect(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let (Some(number), Some(open)) = (self.number, &mut *self.streams.lock()) {
            open.remove(&number);
        }
    }
}
