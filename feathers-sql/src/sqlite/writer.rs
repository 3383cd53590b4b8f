//! The writer: one thread that does all writes, and commits what waits in one transaction.
//!
//! Every job runs in a savepoint, so that one that fails harms no other. Jobs are answered after the commit, in order,
//! and the places of their events are taken in the same order. If the commit fails, all jobs of the group fail.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use feathers_core::{Commit, Error, Result};
use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::sqlite::connection::Reader;
use crate::sqlite::failure::{Failure, Outcome};
use crate::sqlite::pool::Pool;

/// How many jobs may wait; more callers wait before they hand theirs in.
const QUEUE: usize = 1_024;
/// How many jobs are committed at once, so that the first does not wait too long for the last.
const GROUP: usize = 256;

pub(super) struct Writer {
    /// `None` after the close.
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    /// Its other end is dropped when the thread has ended.
    ended: watch::Receiver<()>,
}

/// Where the thread gets its connection from.
pub(super) enum Source {
    /// Its own one.
    Own(Box<Reader>),
    /// The only one of a database in memory, which it shares with the reads.
    Shared(Arc<Pool>),
}

impl Writer {
    /// Starts the thread; it ends when the writer is closed or dropped, after the last job.
    pub(super) fn start(source: Source) -> Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (running, ended) = watch::channel(());
        let runtime = Handle::current();
        std::thread::Builder::new().name("feathers-sqlite".into()).spawn(move || {
            // Inside the runtime, so that the events of a commit are stamped by its clock, also by a paused one.
            let _inside = runtime.enter();
            run(queue, &source, &runtime);
            drop((source, running));
        })?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), ended })
    }

    /// Does work in the next transaction and waits for the commit.
    ///
    /// The work returns its result and how many records it has changed. It is not stopped when the caller goes away.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        commit: &Commit,
        work: impl FnOnce(&Connection) -> Outcome<(T, usize)> + Send + 'static,
    ) -> Outcome<T> {
        let closed = || Failure::Error(Error::unavailable("The database is closed"));
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (answer, answered) = oneshot::channel();
        let write = Write { work: Some(work), done: None, commit: commit.clone(), answer };
        jobs.send(Box::new(write)).await.map_err(|_| closed())?;
        drop(jobs);
        answered.await.map_err(|_| closed())?
    }

    /// Takes no more jobs.
    pub(super) fn stop(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Takes no more jobs and waits until all are done.
    pub(super) async fn close(&self) {
        self.stop();
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// One write that waits.
trait Job: Send {
    /// Does the work; what it fails with is kept for the answer.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Takes the places of the events, after the commit.
    fn committed(&self);
    /// Tells the caller.
    fn answer(self: Box<Self>);
    /// Tells the caller that nothing was stored.
    fn fail(self: Box<Self>, error: &Error);
}

struct Write<W, T> {
    work: Option<W>,
    done: Option<Outcome<(T, usize)>>,
    commit: Commit,
    answer: oneshot::Sender<Outcome<T>>,
}

impl<T: Send, W: FnOnce(&Connection) -> Outcome<(T, usize)> + Send> Job for Write<W, T> {
    fn run(&mut self, connection: &Connection) -> bool {
        let Some(work) = self.work.take() else { return false };
        let done = catch_unwind(AssertUnwindSafe(|| work(connection)))
            .unwrap_or_else(|_| Err(Error::internal("panic in a write").into()));
        self.done.insert(done).is_ok()
    }

    fn committed(&self) {
        if let Some(Ok((_, changes @ 1..))) = self.done {
            self.commit.reached(changes);
        }
    }

    fn answer(self: Box<Self>) {
        let done = self.done.unwrap_or_else(|| Err(Error::internal("a write was not run").into()));
        // First, so that the places are the caller's alone when it goes on.
        drop(self.commit);
        // Nobody listens if the caller has gone away.
        let _ = self.answer.send(done.map(|(result, _)| result));
    }

    fn fail(self: Box<Self>, error: &Error) {
        let outcome = match self.done {
            Some(Err(own)) => Err(own),
            _ => Err(Failure::Error(error.clone())),
        };
        drop(self.commit);
        let _ = self.answer.send(outcome);
    }
}

fn run(mut queue: mpsc::Receiver<Box<dyn Job>>, source: &Source, runtime: &Handle) {
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < GROUP
            && let Ok(job) = queue.try_recv()
        {
            jobs.push(job);
        }
        metrics::histogram!("feathers_sqlite_group_jobs").record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        with(source, runtime, |connection| match connection {
            Ok(connection) => group(connection, jobs),
            Err(error) => jobs.into_iter().for_each(|job| job.fail(&error)),
        });
    }
    with(source, runtime, |connection| {
        let Ok(connection) = connection else { return };
        let checkpoint = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        if let Err(error) = checkpoint {
            // Nothing is lost: the next start does it.
            tracing::debug!(%error, "no checkpoint at the close");
        }
    });
}

fn with<T>(source: &Source, runtime: &Handle, work: impl FnOnce(Result<&Connection>) -> T) -> T {
    let lost = |failure: Failure| match failure {
        Failure::Error(error) => error,
        Failure::Sqlite(error) => Error::internal(error),
    };
    match source {
        Source::Own(reader) => work(reader.patient().map_err(Error::internal)),
        Source::Shared(pool) => match runtime.block_on(pool.acquire()) {
            Ok(lease) => {
                work(lease.reader().and_then(|reader| reader.patient().map_err(Failure::Sqlite)).map_err(lost))
            }
            Err(failure) => work(Err(lost(failure))),
        },
    }
}

/// Runs jobs in one transaction and answers them.
fn group(connection: &Connection, mut jobs: Vec<Box<dyn Job>>) {
    let _span = tracing::debug_span!("sqlite_write", jobs = jobs.len()).entered();
    match transaction(connection, &mut jobs) {
        Ok(()) => {
            for job in &jobs {
                job.committed();
            }
            for job in jobs {
                job.answer();
            }
        }
        Err(error) => {
            if !connection.is_autocommit()
                && let Err(error) = execute(connection, "ROLLBACK")
            {
                tracing::error!(%error, "cannot roll back");
            }
            tracing::error!(%error, jobs = jobs.len(), "writes were rolled back");
            let error = Error::unavailable("The database cannot be written to").with_source(error);
            for job in jobs {
                job.fail(&error);
            }
        }
    }
}

fn transaction(connection: &Connection, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    execute(connection, "BEGIN IMMEDIATE")?;
    for job in jobs {
        execute(connection, "SAVEPOINT job")?;
        if !job.run(connection) {
            // Fails if SQLite has rolled back everything, as it does when the disk is full; so fails the group.
            execute(connection, "ROLLBACK TO job")?;
        }
        execute(connection, "RELEASE job")?;
    }
    execute(connection, "COMMIT")
}

fn execute(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(()).map(|_| ())
}

#[cfg(test)]
mod tests;
