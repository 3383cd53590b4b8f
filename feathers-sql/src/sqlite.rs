//! SQLite: one writer thread with group commit, a small pool of connections for reads.
//!
//! Reads and writes differ. A read takes a few microseconds, so handing it to another thread would cost more than doing
//! it. A write waits for the disk, so many writes in one transaction are much cheaper than many transactions.

mod change;
mod connection;
mod database;
mod definition;
mod failure;
mod matching;
mod numbers;
mod options;
mod plan;
mod pool;
mod predicate;
mod statement;
mod store;
mod table;
mod value;
mod writer;

pub use self::database::Database;
pub use self::options::DatabaseOptions;
pub use self::store::SqlStore;
