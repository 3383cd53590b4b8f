//! Stores in SQL databases. Today that is SQLite; other databases become siblings of its module.
//!
//! ```
//! # mod feathers { pub use feathers_core::facade::*; pub mod store { pub use feathers_sql::*; } }
//! # use feathers_testing::Person;
//! use feathers::App;
//! use feathers::store::Database;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> feathers::Result<()> {
//! let db = Database::connect("sqlite::memory:").await?;
//! let mut app = App::new();
//! app.service("people", db.store::<Person>().await?);
//! # Ok(())
//! # }
//! ```

#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use crate::sqlite::{Database, DatabaseOptions, SqlStore};
