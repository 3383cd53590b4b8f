//! The writer: one thread that does all writes, and commits what waits in one transaction.
//!
//! Every job runs in a savepoint, so that one that fails harms no other. Jobs are answered after the commit, in order,
//! and the places of their events are taken in the same order. If the commit fails, all jobs of the group fail.
//!
//! A job that may change many records has a time limit and a transaction of its own: SQLite takes back the whole
//! transaction of a change that is interrupted.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use feathers_core::{Change, Commit, Error, Result, StoreChange};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

use crate::driver::sqlite::connection::Reader;
use crate::driver::sqlite::failure::{Failure, Outcome};
use crate::driver::sqlite::pool::Lane;
use crate::driver::{closed, too_slow};

/// How many jobs may wait; more callers wait before they hand theirs in.
const QUEUE: usize = 1_024;
/// How many jobs are committed at once, so that the first does not wait too long for the last.
const GROUP: usize = 256;

pub(super) struct Writer {
    /// `None` after the close.
    jobs: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    /// Its other end is dropped when the thread has ended.
    ended: watch::Receiver<()>,
    limits: Arc<Limits>,
}

/// How long jobs of many records may take.
struct Limits {
    each: Duration,
    /// After the close all of them together have the time of one.
    end: OnceLock<Instant>,
}

impl Limits {
    /// Returns when a job that begins now must be done; `None` if there is no time left for any.
    fn until(&self) -> Option<Instant> {
        let now = Instant::now();
        let until = now + self.each;
        match self.end.get() {
            Some(end) if *end <= now => None,
            Some(end) => Some(until.min(*end)),
            None => Some(until),
        }
    }
}

/// Whether a job changes a few records, or as many as match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    Few,
    Many,
}

/// What a write has changed.
#[derive(Default)]
pub(super) struct Changes {
    /// How many records.
    pub(super) count: usize,
    /// Which, where images are wanted.
    pub(super) images: Vec<Change>,
    /// What has changed in other tables.
    pub(super) others: Vec<StoreChange>,
}

/// Where the thread gets its connection from.
pub(super) enum Source {
    /// Its own one.
    Own(Box<Reader>),
    /// The only one of a database in memory, which it shares with the reads.
    Shared(Arc<Lane>),
}

impl Writer {
    /// Starts the thread; it ends when the writer is closed or dropped, after the last job.
    ///
    /// A job that changes as many records as match may take as long as `limit`.
    pub(super) fn start(source: Source, limit: Duration) -> Result<Self> {
        let limits = Arc::new(Limits { each: limit, end: OnceLock::new() });
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (running, ended) = watch::channel(());
        let runtime = Handle::current();
        let own = limits.clone();
        std::thread::Builder::new().name("feathers-sqlite".into()).spawn(move || {
            // Inside the runtime, so that the events of a commit are stamped by its clock, also by a paused one.
            let _inside = runtime.enter();
            run(queue, &source, &runtime, &own);
            drop((source, running));
        })?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), ended, limits })
    }

    /// Does work in the next transaction and waits for the commit.
    ///
    /// The work returns its result and what it has changed. It is not stopped when the caller goes away.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        commit: &Commit,
        size: Size,
        work: impl FnOnce(&Reader) -> Outcome<(T, Changes)> + Send + 'static,
    ) -> Outcome<T> {
        let closed = || Failure::Error(closed());
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(closed)?;
        let (answer, answered) = oneshot::channel();
        let write = Write { work: Some(work), size, done: None, commit: commit.clone(), answer };
        jobs.send(Box::new(write)).await.map_err(|_| closed())?;
        drop(jobs);
        match answered.await.map_err(|_| closed())? {
            Err(failure) if failure.is_interrupted() => {
                metrics::counter!(feathers_core::metrics::SQLITE_TIMEOUTS, "kind" => "write").increment(1);
                Err(too_slow(self.limits.each).into())
            }
            outcome => outcome,
        }
    }

    /// Takes no more jobs.
    pub(super) fn stop(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Takes no more jobs and waits until all are done; jobs of many records are refused once their time is over.
    pub(super) async fn close(&self) {
        self.stop();
        let _ = self.limits.end.set(Instant::now() + self.limits.each);
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
    /// Tells how many records it changes.
    fn size(&self) -> Size;
    /// Does the work; what it fails with is kept for the answer.
    fn run(&mut self, connection: &Reader) -> bool;
    /// Takes the places of the events, after the commit.
    fn committed(&mut self);
    /// Tells the caller.
    fn answer(self: Box<Self>);
    /// Tells the caller that nothing was stored.
    fn fail(self: Box<Self>, error: &Error);
}

struct Write<W, T> {
    work: Option<W>,
    size: Size,
    done: Option<Outcome<(T, Changes)>>,
    commit: Commit,
    answer: oneshot::Sender<Outcome<T>>,
}

impl<T: Send, W: FnOnce(&Reader) -> Outcome<(T, Changes)> + Send> Job for Write<W, T> {
    fn size(&self) -> Size {
        self.size
    }

    fn run(&mut self, connection: &Reader) -> bool {
        let Some(work) = self.work.take() else { return false };
        let work = || {
            let (result, changes) = work(connection)?;
            self.commit.check(|| changes.images.clone())?;
            Ok((result, changes))
        };
        let done =
            catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::internal("panic in a write").into()));
        self.done.insert(done).is_ok()
    }

    fn committed(&mut self) {
        if let Some(Ok((_, changes))) = &mut self.done {
            let others = std::mem::take(&mut changes.others);
            self.commit.reached_with(others, changes.count, || std::mem::take(&mut changes.images));
        }
    }

    fn answer(self: Box<Self>) {
        let done = self.done.unwrap_or_else(|| Err(Error::internal("a write was not run").into()));
        // First, so that the places are the caller's alone when it goes on.
        drop(self.commit);
        // The send fails if the caller has gone away.
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

fn run(mut queue: mpsc::Receiver<Box<dyn Job>>, source: &Source, runtime: &Handle, limits: &Limits) {
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < GROUP
            && let Ok(job) = queue.try_recv()
        {
            jobs.push(job);
        }
        metrics::histogram!(feathers_core::metrics::SQLITE_GROUP_JOBS)
            .record(u32::try_from(jobs.len()).unwrap_or(u32::MAX));
        let (mut jobs, mut few) = (jobs.into_iter(), Vec::new());
        loop {
            let job = jobs.next();
            if let Some(job) = job {
                if job.size() == Size::Few {
                    few.push(job);
                    continue;
                }
                commit(source, runtime, std::mem::take(&mut few), None);
                match limits.until() {
                    Some(until) => commit(source, runtime, vec![job], Some(until)),
                    None => job.fail(&closed()),
                }
            } else {
                commit(source, runtime, few, None);
                break;
            }
        }
    }
    with(source, runtime, None, |connection| {
        let Ok(connection) = connection else { return };
        let checkpoint = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        if let Err(error) = checkpoint {
            // Nothing is lost: the next start does it.
            tracing::debug!(%error, "no checkpoint at the close");
        }
    });
}

/// Commits jobs together; their work is interrupted at a time, if there is one.
fn commit(source: &Source, runtime: &Handle, jobs: Vec<Box<dyn Job>>, until: Option<Instant>) {
    if jobs.is_empty() {
        return;
    }
    with(source, runtime, until, |connection| match connection {
        Ok(connection) => group(connection, jobs),
        Err(error) => jobs.into_iter().for_each(|job| job.fail(&error)),
    });
}

fn with<T>(source: &Source, runtime: &Handle, until: Option<Instant>, work: impl FnOnce(Result<&Reader>) -> T) -> T {
    let lost = |failure: Failure| match failure {
        Failure::Error(error) => error,
        Failure::Interrupted => closed(),
        Failure::Sqlite(error) => Error::internal(error),
    };
    match source {
        Source::Own(reader) => work(reader.write(until).map_err(Error::internal)),
        Source::Shared(lane) => match runtime.block_on(lane.acquire()) {
            Ok(lease) => {
                work(lease.reader().and_then(|reader| reader.write(until).map_err(Failure::Sqlite)).map_err(lost))
            }
            Err(failure) => work(Err(lost(failure))),
        },
    }
}

/// Runs jobs in one transaction and answers them.
fn group(connection: &Reader, mut jobs: Vec<Box<dyn Job>>) {
    let _span = tracing::debug_span!("sqlite_write", jobs = jobs.len()).entered();
    match transaction(connection, &mut jobs) {
        Ok(()) => {
            for job in &mut jobs {
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

fn transaction(connection: &Reader, jobs: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    execute(connection, "BEGIN IMMEDIATE")?;
    if let [job] = jobs {
        // A single job needs no savepoint. An interrupted job has rolled back everything already.
        if job.run(connection) {
            return execute(connection, "COMMIT");
        }
        return if connection.is_autocommit() { Ok(()) } else { execute(connection, "ROLLBACK") };
    }
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

fn execute(connection: &Reader, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(()).map(|_| ())
}

#[cfg(test)]
mod tests;
