//! The pool: a few connections for reads.
//!
//! A read runs right where it is asked for. Only one that overruns its time is run again, on a thread for blocking
//! work, so that it holds up nobody else. Who finds no free connection waits without holding a thread.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use feathers_core::Error;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::sqlite::connection::Reader;
use crate::sqlite::failure::{Failure, Outcome};

pub(super) struct Pool {
    /// One permit per idle connection.
    permits: Semaphore,
    idle: Mutex<Vec<Reader>>,
}

impl Pool {
    pub(super) fn new(readers: Vec<Reader>) -> Arc<Self> {
        Arc::new(Self { permits: Semaphore::new(readers.len()), idle: Mutex::new(readers) })
    }

    /// Waits for a connection; 503 after the close.
    pub(super) async fn acquire(self: &Arc<Self>) -> Outcome<Lease> {
        let closed = || Failure::Error(Error::unavailable("The database is closed"));
        self.permits.acquire().await.map_err(|_| closed())?.forget();
        let reader = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or_else(closed)?;
        Ok(Lease { reader: Some(reader), pool: self.clone() })
    }

    /// Runs a read; `query` is copied only if the read has to move to another thread.
    pub(super) async fn read<C, Q, T>(
        self: &Arc<Self>,
        context: &Arc<C>,
        query: &Q,
        work: fn(&C, &Connection, &Q) -> Outcome<T>,
    ) -> Outcome<T>
    where
        C: Send + Sync + 'static,
        Q: Clone + Send + 'static,
        T: Send + 'static,
    {
        let lease = self.acquire().await?;
        match work(context, lease.reader()?.hasty()?, query) {
            Err(failure) if failure.is_overrun() => {}
            outcome => return outcome,
        }
        metrics::counter!("feathers_sqlite_slow_reads_total").increment(1);
        let (context, query) = (context.clone(), query.clone());
        tokio::task::spawn_blocking(move || work(&context, lease.reader()?.patient()?, &query))
            .await
            .map_err(|error| Failure::Error(Error::internal(error)))?
    }

    /// Closes all idle connections, and those that are in use when they come back.
    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("idle", &self.permits.available_permits()).finish()
    }
}

/// A connection on loan; it goes back when this is dropped.
pub(super) struct Lease {
    reader: Option<Reader>,
    pool: Arc<Pool>,
}

impl Lease {
    pub(super) fn reader(&self) -> Outcome<&Reader> {
        self.reader.as_ref().ok_or_else(|| Failure::Error(Error::unavailable("The database is closed")))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that a close in between does not miss this one.
        if !self.pool.permits.is_closed() {
            idle.extend(self.reader.take());
            self.pool.permits.add_permits(1);
        }
    }
}
