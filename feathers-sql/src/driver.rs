//! Drivers: what a database does for the stores, and the only way from the rest of this crate to one.
//!
//! The modules beside this one know no database and no library of one: they say what is read and written, in statements
//! whose text the dialect writes. A driver has the connections, and knows what only its database does.
//! Another database is another variant here, and a folder beside `sqlite`.

mod sqlite;

use std::sync::Arc;
use std::time::Duration;

use feathers_core::{
    Aggregate, AggregateRow, Columns, Error, Filter, FindResult, FoundPerKey, Id, PerKey, Query, Result, StoreContext,
};

use self::sqlite::Sqlite;
use crate::change::{Change, Target};
use crate::options::DatabaseOptions;
use crate::table::Table;
use crate::value::Value;

/// An open database, of the kind that its URL names.
#[derive(Debug)]
pub(super) enum Driver {
    Sqlite(Sqlite),
}

impl Driver {
    /// Opens a database.
    pub(super) async fn connect(url: &str, options: DatabaseOptions) -> Result<Self> {
        match url.split_once(':') {
            Some(("sqlite", place)) => Ok(Self::Sqlite(Sqlite::open(place, options).await?)),
            // What follows the scheme can hold a password.
            scheme => {
                let scheme = scheme.map_or(url, |(scheme, _)| scheme);
                Err(Error::general(format!("cannot use database '{scheme}': it must start with 'sqlite:'")))
            }
        }
    }

    /// Tells whether the records are in no file.
    pub(super) fn is_volatile(&self) -> bool {
        let Self::Sqlite(sqlite) = self;
        sqlite.is_volatile()
    }

    /// Makes sure that there is a table that fits the records, and returns it.
    ///
    /// References to such records are to the `is_default` one of their tables.
    pub(super) async fn table<R: Columns>(&self, name: &str, is_default: bool) -> Result<Arc<Table<R>>> {
        let Self::Sqlite(sqlite) = self;
        sqlite.table(name, is_default).await
    }

    /// Returns what is wrong with the references of a table.
    pub(super) fn mistakes<R: Columns>(&self, table: &Table<R>) -> Vec<String> {
        let Self::Sqlite(sqlite) = self;
        sqlite.mistakes(table)
    }

    /// Returns the records that match, as [`Store::find`](feathers_core::Store::find) does.
    pub(super) async fn find<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<FindResult<R>> {
        let Self::Sqlite(sqlite) = self;
        sqlite.find(table, query, context).await
    }

    /// Returns a few records for each value of a field, as [`Store::find_per_key`](feathers_core::Store::find_per_key)
    /// does.
    pub(super) async fn find_per_key<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        asked: &(Query, PerKey),
        context: &StoreContext<'_>,
    ) -> Result<FoundPerKey<R>> {
        let Self::Sqlite(sqlite) = self;
        sqlite.find_per_key(table, asked, context).await
    }

    /// Returns the rows of an aggregate, in no order; `None` if the database cannot compute it exactly.
    pub(super) async fn aggregate<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        wanted: &(Aggregate, Filter),
        context: &StoreContext<'_>,
    ) -> Result<Option<Vec<AggregateRow>>> {
        let Self::Sqlite(sqlite) = self;
        sqlite.aggregate(table, wanted, context).await
    }

    /// Returns the record that has an id.
    pub(super) async fn get<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        id: &Value,
        context: &StoreContext<'_>,
    ) -> Result<Option<Arc<R>>> {
        let Self::Sqlite(sqlite) = self;
        sqlite.get(table, id, context).await
    }

    /// Inserts all rows or none, and returns their records; a row without a number as id gets the next one.
    pub(super) async fn insert<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        rows: Vec<Vec<Value>>,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<R>>> {
        let Self::Sqlite(sqlite) = self;
        sqlite.insert(table, rows, context).await
    }

    /// Puts a record in the place of the one that has an id, if there is one and it matches.
    pub(super) async fn replace<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        id: (Value, Id),
        data: R::Draft,
        filter: Filter,
        context: &StoreContext<'_>,
    ) -> Result<Option<Arc<R>>> {
        let Self::Sqlite(sqlite) = self;
        sqlite.replace(table, id, data, filter, context).await
    }

    /// Changes the records that match, tested before the change, and returns them in their own order.
    pub(super) async fn change<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        target: Target,
        filter: Filter,
        change: Change,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<R>>> {
        let Self::Sqlite(sqlite) = self;
        sqlite.change(table, target, filter, change, context).await
    }

    /// Takes no more calls, ends the reads, and waits for the writes.
    pub(super) async fn close(&self) {
        let Self::Sqlite(sqlite) = self;
        sqlite.close().await;
    }

    /// Takes no more writes.
    pub(super) fn stop(&self) {
        let Self::Sqlite(sqlite) = self;
        sqlite.stop();
    }
}

/// Returns the 503 of calls after the close.
pub(super) fn closed() -> Error {
    Error::unavailable("The database is closed")
}

/// Returns the 408 of work that took longer than it may.
fn too_slow(limit: Duration) -> Error {
    Error::timeout(format!("The database did not answer within {limit:?}: ask for less"))
}
