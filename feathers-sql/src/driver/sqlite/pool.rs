//! The pool: a few connections for reads.
//!
//! A read runs right where it is asked for. Only one that overruns its time is run again, on a thread for blocking
//! work, so that it holds up no other call. A read without a free connection waits without holding a thread.
//!
//! Reads by id have connections of their own, and slow ones may have half of the others at most, so that no quick read
//! waits for a slow one. A slow one ends at its limit, when its caller goes, and when the database is closed.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use feathers_core::{Error, StoreContext};
use tokio::sync::Semaphore;

use crate::driver::sqlite::connection::Reader;
use crate::driver::sqlite::failure::{Failure, Outcome};
use crate::driver::{closed, too_slow};

/// Connections for reads of one kind.
pub(super) struct Lane {
    /// One permit per idle connection.
    permits: Semaphore,
    idle: Mutex<Vec<Reader>>,
}

pub(super) struct Pool {
    /// For reads by id.
    points: Arc<Lane>,
    /// For all others.
    scans: Arc<Lane>,
    /// One permit for each slow read that may run.
    slow: Arc<Semaphore>,
    /// How long a read may take.
    limit: Duration,
    closing: Arc<AtomicBool>,
}

/// Which connections a read takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// By id.
    Point,
    /// Anything else.
    Scan,
}

impl Lane {
    pub(super) fn new(readers: Vec<Reader>) -> Arc<Self> {
        Arc::new(Self { permits: Semaphore::new(readers.len()), idle: Mutex::new(readers) })
    }

    /// Waits for a connection; 503 after the close.
    pub(super) async fn acquire(self: &Arc<Self>) -> Outcome<Lease> {
        let closed = || Failure::Error(closed());
        self.permits.acquire().await.map_err(|_| closed())?.forget();
        let reader = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or_else(closed)?;
        Ok(Lease { reader: Some(reader), lane: self.clone() })
    }

    fn close(&self) {
        self.permits.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Pool {
    /// Makes a pool of two lanes, which may be the same one; its reads end once `closing` is set.
    pub(super) fn new(points: Arc<Lane>, scans: Arc<Lane>, limit: Duration, closing: Arc<AtomicBool>) -> Arc<Self> {
        let slow = Arc::new(Semaphore::new((scans.permits.available_permits() / 2).max(1)));
        Arc::new(Self { points, scans, slow, limit, closing })
    }

    /// Runs a read; `query` is copied only if the read has to move to another thread.
    pub(super) async fn read<C, Q, T>(
        &self,
        kind: Kind,
        (table, query): (&Arc<C>, &Q),
        context: &StoreContext<'_>,
        work: fn(&C, &Reader, &Q) -> Outcome<T>,
    ) -> Outcome<T>
    where
        C: Send + Sync + 'static,
        Q: Clone + Send + 'static,
        T: Send + 'static,
    {
        let lane = match kind {
            Kind::Point => &self.points,
            Kind::Scan => &self.scans,
        };
        let lease = lane.acquire().await?;
        match work(table, lease.reader()?.hasty()?, query) {
            Err(failure) if failure.is_overrun() => {}
            outcome => return outcome,
        }
        drop(lease);
        self.read_slowly(table.clone(), query.clone(), context, work).await
    }

    /// Runs a read on another thread, until its limit or the deadline of its call.
    async fn read_slowly<C, Q, T>(
        &self,
        table: Arc<C>,
        query: Q,
        context: &StoreContext<'_>,
        work: fn(&C, &Reader, &Q) -> Outcome<T>,
    ) -> Outcome<T>
    where
        C: Send + Sync + 'static,
        Q: Send + 'static,
        T: Send + 'static,
    {
        metrics::counter!(feathers_core::metrics::SQLITE_SLOW_READS).increment(1);
        let until = context.until(self.limit).into_std();
        let turn = self.slow.clone().acquire_owned().await.map_err(|_| closed())?;
        let lease = self.scans.acquire().await?;
        // The time in the queue counts: what waits behind slow reads does not add to them.
        let interest = lease.reader()?.patient(until)?;
        let work = tokio::task::spawn_blocking(move || {
            let outcome = lease.reader().and_then(|reader| {
                reader.check()?;
                work(&table, reader, &query)
            });
            drop((lease, turn));
            outcome
        });
        let outcome = work.await.map_err(|error| Failure::Error(Error::internal(error)))?;
        // Until here, so that the read ends when this future is dropped.
        drop(interest);
        match outcome {
            Err(failure) if failure.is_interrupted() && self.closing.load(Ordering::Relaxed) => Err(closed().into()),
            Err(failure) if failure.is_interrupted() => {
                metrics::counter!(feathers_core::metrics::SQLITE_TIMEOUTS, "kind" => "read").increment(1);
                context.check_deadline()?;
                Err(too_slow(self.limit).into())
            }
            outcome => outcome,
        }
    }

    /// Ends all reads that run; they are 503s, and so is every later one.
    pub(super) fn interrupt(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.slow.close();
    }

    /// Closes all idle connections, and those that are in use when they are returned.
    pub(super) fn close(&self) {
        self.interrupt();
        self.points.close();
        self.scans.close();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("idle", &self.scans.permits.available_permits()).finish_non_exhaustive()
    }
}

/// A connection on loan; it goes back when this is dropped.
pub(super) struct Lease {
    reader: Option<Reader>,
    lane: Arc<Lane>,
}

impl Lease {
    pub(super) fn reader(&self) -> Outcome<&Reader> {
        self.reader.as_ref().ok_or_else(|| Failure::Error(closed()))
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut idle = self.lane.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Under the lock, so that a close in between does not miss this one.
        if !self.lane.permits.is_closed() {
            idle.extend(self.reader.take());
            self.lane.permits.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests;
