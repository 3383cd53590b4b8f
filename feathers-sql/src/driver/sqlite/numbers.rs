//! The numbers of new records: a counter for each table, kept in the database beside the records.
//!
//! SQLite's own counters do not suffice. Without `AUTOINCREMENT`, it gives the number of a removed newest record again;
//! with it, it gives no number at all once a record has the largest one.

use feathers_core::Counter;
use rusqlite::{Connection, OptionalExtension};

use crate::driver::sqlite::failure::Outcome;

/// Makes sure that there is a counter for a table; the first time it goes on where SQLite's own one stands.
pub(super) fn prepare(connection: &Connection, table: &str) -> Outcome<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS feathers_ids \
         (name TEXT PRIMARY KEY COLLATE NOCASE NOT NULL, last INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    )?;
    let counts = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'";
    let last = match connection.query_row(counts, (), |_| Ok(())).optional()? {
        Some(()) => {
            let sql = "SELECT max(seq) FROM sqlite_sequence WHERE name = ? COLLATE NOCASE AND seq < ?";
            connection.query_row(sql, (table, Counter::FOLLOWS), |row| row.get::<_, Option<i64>>(0))?
        }
        None => None,
    };
    let sql = "INSERT INTO feathers_ids (name, last) VALUES (?, ?) ON CONFLICT DO NOTHING";
    connection.execute(sql, (table, last.unwrap_or_default()))?;
    Ok(())
}

/// Reads the counter of a table; `largest` is the statement that finds the largest number in it below a bound, and
/// takes a limit.
///
/// Both count: a program that does not know of the counter may have added records.
pub(super) fn read(connection: &Connection, table: &str, largest: &str) -> Outcome<Counter> {
    let sql = "SELECT last FROM feathers_ids WHERE name = ?";
    let last: Option<i64> = connection.prepare_cached(sql)?.query_row([table], |row| row.get(0)).optional()?;
    let found = connection.prepare_cached(largest)?.query_row((Counter::FOLLOWS, 1), |row| row.get(0)).optional()?;
    Ok(Counter::after(last.max(found).unwrap_or_default().max(0)))
}

/// Writes the counter of a table.
pub(super) fn write(connection: &Connection, table: &str, counter: Counter) -> Outcome<()> {
    let sql = "INSERT INTO feathers_ids (name, last) VALUES (?, ?) ON CONFLICT DO UPDATE SET last = excluded.last";
    connection.prepare_cached(sql)?.execute((table, counter.last()))?;
    Ok(())
}
