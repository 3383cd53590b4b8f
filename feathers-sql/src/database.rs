//! The database: opened once, shared by the stores in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use feathers_core::{Columns, Crud, MemoryDatabase, Record, Result};

use crate::driver::Driver;
use crate::options::DatabaseOptions;
use crate::store::SqlStore;
use crate::table::snake_case;

/// An open database. Clones are the same one.
///
/// It is closed when the last of its stores is: a service closes its store when the app shuts down. What was written
/// is safe then, and later calls answer 503.
///
/// Under load: writes are committed in groups, so that many cost little more than one; when 1,024 wait, further
/// callers wait for a place. A read that takes more than a millisecond moves to a thread for blocking work. It ends at
/// its limit ([`DatabaseOptions::read_timeout`]), when its caller goes, or when the database is closed. In a file,
/// quick reads never wait for slow ones; a database in memory has one connection for everything, and is for tests. A
/// crash of the process loses nothing that was answered; a power failure may lose the last moments, but never leaves
/// half a change (write-ahead log, `synchronous=NORMAL`).
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod store { pub use feathers_sql::*; } }
/// # use feathers_testing::Person;
/// use std::time::Duration;
///
/// use feathers::App;
/// use feathers::store::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let db = Database::connect("sqlite::memory:").await?;
/// let mut app = App::new();
/// app.service("people", db.store::<Person>().await?); // in the table `person`
/// app.service("staff", db.store_in::<Person>("staff").await?);
///
/// // A database for reports may take its time.
/// let reports = Database::options().read_timeout(Duration::from_mins(1)).connect("sqlite::memory:").await?;
/// app.service("reports", reports.store::<Person>().await?);
/// # app.start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Database(Arc<Shared>);

/// What the stores of a database share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) driver: Driver,
    open: AtomicUsize,
    /// Whether a store was closed and not only dropped: the app shuts down.
    closing: AtomicBool,
}

impl Database {
    /// Opens the database that the environment variable `DATABASE_URL` names, or else the given one.
    ///
    /// ```no_run
    /// # mod feathers { pub use feathers_core::facade::*; pub mod store { pub use feathers_sql::*; } }
    /// # use feathers::store::Database;
    /// # async fn run() -> feathers::Result<()> {
    /// let db = Database::from_env("sqlite:todo.db").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect), and a variable that is no text.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn from_env(default: &str) -> Result<Self> {
        Self::options().from_env(default).await
    }

    /// Returns the options that a database is opened with, for changing them.
    pub fn options() -> DatabaseOptions {
        DatabaseOptions::default()
    }

    /// Opens `sqlite:path`, created if it is missing, or `sqlite::memory:`, which is gone when it is closed.
    ///
    /// # Errors
    /// Another kind of URL, and a file that cannot be opened.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn connect(url: &str) -> Result<Self> {
        Self::options().connect(url).await
    }

    /// Makes a database in memory, without SQL and without a file, whose stores are used as those of any other are.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod store { pub use feathers_sql::*; } }
    /// # use feathers_testing::{Job, Org, Worker};
    /// use feathers::App;
    /// use feathers::store::Database;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> feathers::Result<()> {
    /// let db = Database::memory();
    /// let mut app = App::new();
    /// app.service("orgs", db.store::<Org>().await?);
    /// app.service("workers", db.store::<Worker>().await?); // each refers to an `Org`
    /// app.service("jobs", db.store::<Job>().await?);
    /// app.start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn memory() -> MemoryDatabase {
        MemoryDatabase::new()
    }

    pub(super) fn new(driver: Driver) -> Self {
        Self(Arc::new(Shared { driver, open: AtomicUsize::new(0), closing: AtomicBool::new(false) }))
    }

    /// Serves the records of a type, in the table that is named after it: `todo_item` for `TodoItem`.
    ///
    /// # Errors
    /// Those of [`store_in`](Self::store_in).
    pub async fn store<R: Record + Columns>(&self) -> Result<Crud<SqlStore<R>>> {
        self.open(&snake_case(R::schema().name), true).await
    }

    /// Serves the records of a type in a table, which is created if it is missing.
    ///
    /// A table that is there must fit the schema: the same columns of the same types, `NOT NULL` where the field is
    /// no `Option`, the id as primary key, and its constraints. Further columns are left alone if they need not be set.
    ///
    /// Where records of several types refer to each other, the order in which their stores are made does not matter. A
    /// store in a table that is not named after the type is made before those that refer to it.
    ///
    /// # Errors
    /// A table that does not fit, with the names of what does not; nothing is changed. And a database that cannot be
    /// read or written.
    pub async fn store_in<R: Record + Columns>(&self, table: &str) -> Result<Crud<SqlStore<R>>> {
        self.open(table, table == snake_case(R::schema().name)).await
    }

    async fn open<R: Record + Columns>(&self, table: &str, is_default: bool) -> Result<Crud<SqlStore<R>>> {
        let table = self.0.driver.table(table, is_default).await?;
        self.0.open.fetch_add(1, Ordering::AcqRel);
        Ok(Crud::with_store(SqlStore::new(self.0.clone(), table)))
    }
}

impl Shared {
    /// Closes the database if this was the last store.
    pub(super) async fn close(&self) {
        self.closing.store(true, Ordering::Release);
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.driver.close().await;
        }
    }

    /// Counts a store that was dropped without a close.
    pub(super) fn release(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 && self.closing.load(Ordering::Acquire) {
            self.driver.stop();
        }
    }
}
