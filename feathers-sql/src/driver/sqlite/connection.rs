//! Connections: how they are opened, how long work may hold them, and what ends it.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use feathers_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::driver::sqlite::failure::{Failure, Outcome};

/// How long a statement waits for another process that holds the database.
const BUSY: Duration = Duration::from_secs(5);
/// How long a read may take on an async worker before it moves to a thread for blocking work.
const BUDGET: Duration = Duration::from_millis(1);
/// After how many instructions of SQLite's machine the clock is looked at: some ten microseconds.
const PROGRESS: i32 = 1_000;
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 128;

/// Where a database lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In memory, on a single connection.
    Memory,
    /// In a file.
    File(Box<Path>),
}

impl Place {
    /// Reads what comes after `sqlite:`, a path or `:memory:`.
    pub(super) fn parse(path: &str) -> Result<Self> {
        let path = path.strip_prefix("//").unwrap_or(path);
        match path {
            ":memory:" => Ok(Self::Memory),
            "" => Err(Error::general("cannot use database 'sqlite:': the path of the file is missing")),
            path if path.contains('?') => {
                Err(Error::general(format!("cannot use database 'sqlite:{path}': options after '?' are not known")))
            }
            path => Ok(Self::File(Path::new(path).into())),
        }
    }

    /// Opens a connection that can write, and creates the file if it is missing. Its reads end once `closing` is set.
    pub(super) fn open(&self, closing: &Arc<AtomicBool>) -> Result<Reader> {
        let connection = match self {
            Self::Memory => Connection::open_in_memory(),
            Self::File(path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
                Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            }
        };
        connection.and_then(|connection| self.configure(connection, closing.clone())).map_err(|error| {
            let name = match self {
                Self::Memory => ":memory:".into(),
                Self::File(path) => path.to_string_lossy(),
            };
            Error::general(format!("cannot open database '{name}': {error}")).with_source(error)
        })
    }

    fn configure(&self, connection: Connection, closing: Arc<AtomicBool>) -> rusqlite::Result<Reader> {
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // A misspelt column is an error and not a text.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        if *self != Self::Memory {
            connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
            connection.pragma_update(None, "synchronous", "normal")?;
        }
        Reader::new(connection, closing)
    }
}

/// A connection whose work can be given a time limit, and ended from outside.
pub(super) struct Reader {
    connection: Connection,
    watch: Arc<Watch>,
}

/// What the work on a connection looks at to find out whether it must end.
struct Watch {
    started: Instant,
    /// In microseconds since `started`; 0 is never.
    deadline: AtomicU64,
    /// How often the connection has been given to some work.
    turn: AtomicU64,
    /// The last turn whose result is not wanted any more.
    given_up: AtomicU64,
    /// Whether this is a read, which ends when the database is closed.
    reads: AtomicBool,
    closing: Arc<AtomicBool>,
}

impl Watch {
    fn begin(&self, until: Option<Instant>, reads: bool) -> u64 {
        let deadline = until.map_or(0, |until| micros(until.saturating_duration_since(self.started)).max(1));
        self.deadline.store(deadline, Ordering::Relaxed);
        self.reads.store(reads, Ordering::Relaxed);
        self.turn.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn is_over(&self) -> bool {
        let deadline = self.deadline.load(Ordering::Relaxed);
        self.given_up.load(Ordering::Relaxed) == self.turn.load(Ordering::Relaxed)
            || self.reads.load(Ordering::Relaxed) && self.closing.load(Ordering::Relaxed)
            || deadline != 0 && micros(self.started.elapsed()) > deadline
    }
}

/// Ends the work of one turn when it is dropped; later turns are not touched.
pub(super) struct Interest {
    watch: Arc<Watch>,
    turn: u64,
}

impl Drop for Interest {
    fn drop(&mut self) {
        self.watch.given_up.fetch_max(self.turn, Ordering::Relaxed);
    }
}

impl Reader {
    fn new(connection: Connection, closing: Arc<AtomicBool>) -> rusqlite::Result<Self> {
        let watch = Arc::new(Watch {
            started: Instant::now(),
            deadline: AtomicU64::new(0),
            turn: AtomicU64::new(1),
            given_up: AtomicU64::new(0),
            reads: AtomicBool::new(false),
            closing,
        });
        let watched = watch.clone();
        connection.progress_handler(PROGRESS, Some(move || watched.is_over()))?;
        Ok(Self { connection, watch })
    }

    /// Makes this a connection that refuses to write.
    pub(super) fn only_reads(self) -> rusqlite::Result<Self> {
        self.connection.pragma_update(None, "query_only", true)?;
        Ok(self)
    }

    /// Begins a write, which is interrupted at a time if there is one.
    pub(super) fn write(&self, until: Option<Instant>) -> rusqlite::Result<&Self> {
        self.watch.begin(until, false);
        self.connection.busy_timeout(BUSY)?;
        Ok(self)
    }

    /// Begins a read that is interrupted when it takes too long for an async worker, or would have to wait.
    pub(super) fn hasty(&self) -> rusqlite::Result<&Self> {
        self.watch.begin(Some(Instant::now() + BUDGET), true);
        self.connection.busy_timeout(Duration::ZERO)?;
        Ok(self)
    }

    /// Begins a read that is interrupted at a time, when the database is closed, and when what is returned is dropped.
    pub(super) fn patient(&self, until: Instant) -> rusqlite::Result<Interest> {
        let turn = self.watch.begin(Some(until), true);
        self.connection.busy_timeout(until.saturating_duration_since(Instant::now()).min(BUSY))?;
        Ok(Interest { watch: self.watch.clone(), turn })
    }

    /// Fails if the work must end; what is done in Rust asks between records, as SQLite asks by itself.
    pub(super) fn check(&self) -> Outcome<()> {
        if self.watch.is_over() { Err(Failure::Interrupted) } else { Ok(()) }
    }
}

impl Deref for Reader {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
