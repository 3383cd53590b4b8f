//! Stores in SQL databases. Today that is SQLite; other databases become drivers beside it.
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
mod aggregate;
#[cfg(feature = "sqlite")]
mod change;
#[cfg(feature = "sqlite")]
mod constraint;
#[cfg(feature = "sqlite")]
mod database;
#[cfg(feature = "sqlite")]
mod driver;
#[cfg(feature = "sqlite")]
mod matching;
#[cfg(feature = "sqlite")]
mod operator;
#[cfg(feature = "sqlite")]
mod options;
#[cfg(feature = "sqlite")]
mod plan;
#[cfg(feature = "sqlite")]
mod predicate;
#[cfg(feature = "sqlite")]
mod statement;
#[cfg(feature = "sqlite")]
mod store;
#[cfg(feature = "sqlite")]
mod table;
#[cfg(feature = "sqlite")]
mod value;

#[cfg(feature = "sqlite")]
pub use crate::database::Database;
#[cfg(feature = "sqlite")]
pub use crate::options::DatabaseOptions;
#[cfg(feature = "sqlite")]
pub use crate::store::SqlStore;
