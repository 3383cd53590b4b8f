//! SQLite: the contract of stores, in memory and in a file, and what only a database in a file can get wrong.

#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "a test that cannot go on should fail right there")]

mod close;
mod errors;
mod files;
mod groups;
mod numbers;
mod operators;
mod reads;
mod tables;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use feathers_sql::{Database, DatabaseOptions};
use feathers_testing::{Everything, Note, Person, constraint_contract, store_contract, type_contract};

store_contract! {
    memory,
    people: async || Database::connect("sqlite::memory:").await.unwrap().store::<Person>().await.unwrap(),
    notes: async || Database::connect("sqlite::memory:").await.unwrap().store::<Note>().await.unwrap(),
}

store_contract! {
    file,
    people: async || Database::connect(&new_file().url()).await.unwrap().store::<Person>().await.unwrap(),
    notes: async || Database::connect(&new_file().url()).await.unwrap().store::<Note>().await.unwrap(),
}

constraint_contract! {
    memory_constraints,
    database: async || patient().connect("sqlite::memory:").await.unwrap(),
}

constraint_contract! {
    file_constraints,
    database: async || patient().connect(&new_file().url()).await.unwrap(),
}

/// Removals of ten thousand records take their time on a machine that does much else.
fn patient() -> DatabaseOptions {
    Database::options().write_timeout(Duration::from_mins(2))
}

type_contract! {
    types,
    everything: async || {
        Database::connect("sqlite::memory:").await.unwrap().store::<Everything>().await.unwrap()
    },
}

/// The path of a database that does not exist yet.
struct File(PathBuf);

impl File {
    fn url(&self) -> String {
        format!("sqlite:{}", self.0.display())
    }

    /// Opens it behind the back of the store.
    fn open(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.0).unwrap()
    }
}

fn new_file() -> File {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Of this process alone: others may run the same tests.
    let folder = FOLDER.get_or_init(|| {
        let name = format!("feathers-sql-{}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _nothing_left_over = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    });
    File(folder.join(format!("{}.db", NEXT.fetch_add(1, Ordering::Relaxed))))
}
