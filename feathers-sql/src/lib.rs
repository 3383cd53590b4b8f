//! Stores in SQL databases. Today that is SQLite; other databases become siblings of its module.
//!
//! ```
//! # use feathers_core::{Columns, Store};
//! # use feathers_testing::Person;
//! use feathers_core::App;
//! use feathers_sql::Database;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> feathers_core::Result<()> {
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
