//! The options that a database is opened with.

use std::ffi::OsString;
use std::time::Duration;

use feathers_core::{Error, Result};

use crate::database::Database;
use crate::driver::Driver;

/// The options of a database.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod store { pub use feathers_sql::*; } }
/// use std::time::Duration;
///
/// use feathers::store::Database;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let db = Database::options().read_timeout(Duration::from_secs(2)).connect("sqlite::memory:").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DatabaseOptions {
    pub(super) read_timeout: Duration,
    pub(super) write_timeout: Duration,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self { read_timeout: Duration::from_secs(5), write_timeout: Duration::from_secs(5) }
    }
}

impl DatabaseOptions {
    /// Sets how long a read may take, the time in which it waits for slow ones included, instead of 5 seconds; then it
    /// is ended and answered with a 408.
    pub fn read_timeout(mut self, limit: Duration) -> Self {
        self.read_timeout = limit;
        self
    }

    /// Sets how long a `patch` or `remove` of all records that match may take, instead of 5 seconds; then nothing is
    /// changed and the answer is a 408. Other writes wait for it.
    pub fn write_timeout(mut self, limit: Duration) -> Self {
        self.write_timeout = limit;
        self
    }

    /// Opens a database as [`Database::connect`] does.
    ///
    /// # Errors
    /// Those of [`Database::connect`].
    pub async fn connect(self, url: &str) -> Result<Database> {
        Ok(Database::new(Driver::connect(url, self).await?))
    }

    /// Opens a database as [`Database::from_env`] does.
    ///
    /// # Errors
    /// Those of [`Database::from_env`].
    pub async fn from_env(self, default: &str) -> Result<Database> {
        let url = std::env::var_os("DATABASE_URL").filter(|url| !url.is_empty()).map(OsString::into_string);
        let url = url.transpose().map_err(|_| Error::general("DATABASE_URL is no valid text"))?;
        self.connect(url.as_deref().unwrap_or(default)).await
    }
}
