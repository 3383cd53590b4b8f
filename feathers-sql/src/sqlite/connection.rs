//! Connections: how they are opened, and how long a read may hold the thread it runs on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use feathers_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

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
    /// Reads `sqlite:path` or `sqlite::memory:`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(Error::general(format!("cannot use database '{}': it must start with 'sqlite:'", scheme(url))));
        };
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

    /// Opens a connection that can write, and creates the file if it is missing.
    pub(super) fn open(&self) -> Result<Reader> {
        let connection = match self {
            Self::Memory => Connection::open_in_memory(),
            Self::File(path) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
                Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            }
        };
        connection.and_then(|connection| self.configure(connection)).map_err(|error| {
            let name = match self {
                Self::Memory => ":memory:".into(),
                Self::File(path) => path.to_string_lossy(),
            };
            Error::general(format!("cannot open database '{name}': {error}")).with_source(error)
        })
    }

    fn configure(&self, connection: Connection) -> rusqlite::Result<Reader> {
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
        Reader::new(connection)
    }
}

/// Returns what may be shown of a URL that can hold a password.
fn scheme(url: &str) -> &str {
    url.split_once(':').map_or(url, |(scheme, _)| scheme)
}

/// A connection whose reads can be given a time limit.
pub(super) struct Reader {
    connection: Connection,
    started: Instant,
    /// In microseconds since `started`; 0 is never.
    deadline: Arc<AtomicU64>,
}

impl Reader {
    fn new(connection: Connection) -> rusqlite::Result<Self> {
        let (started, deadline) = (Instant::now(), Arc::new(AtomicU64::new(0)));
        let watched = deadline.clone();
        connection.progress_handler(
            PROGRESS,
            Some(move || {
                let deadline = watched.load(Ordering::Relaxed);
                deadline != 0 && micros(started.elapsed()) > deadline
            }),
        )?;
        Ok(Self { connection, started, deadline })
    }

    /// Makes this a connection that refuses to write.
    pub(super) fn only_reads(self) -> rusqlite::Result<Self> {
        self.connection.pragma_update(None, "query_only", true)?;
        Ok(self)
    }

    /// Returns the connection for work that may take as long as it takes.
    pub(super) fn patient(&self) -> rusqlite::Result<&Connection> {
        self.deadline.store(0, Ordering::Relaxed);
        self.connection.busy_timeout(BUSY)?;
        Ok(&self.connection)
    }

    /// Returns the connection for work that is interrupted when it takes too long or would have to wait.
    pub(super) fn hasty(&self) -> rusqlite::Result<&Connection> {
        self.deadline.store(micros(self.started.elapsed() + BUDGET), Ordering::Relaxed);
        self.connection.busy_timeout(Duration::ZERO)?;
        Ok(&self.connection)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
