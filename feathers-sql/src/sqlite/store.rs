//! The store: one table of typed records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use feathers_core::{Columns, FindResult, Id, Query, Result, Schema, Store, StoreContext};

use crate::sqlite::change::{Change, Changed};
use crate::sqlite::connection::Reader;
use crate::sqlite::database::Shared;
use crate::sqlite::failure::{Outcome, closed};
use crate::sqlite::matching::{OPERATORS, check, matches};
use crate::sqlite::pool::Kind;
use crate::sqlite::statement::Statements;
use crate::sqlite::table::Table;
use crate::sqlite::writer::{Changes, Size};

/// Records of one type in one table of a SQLite database; made by [`Database::store`](crate::Database::store).
///
/// Their own order is by id for numbers, and the order of creation for texts. Besides the common operators it knows
/// `$like`, `$notlike` (case counts) and `$ilike` (it does not), if the service allows them:
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod store { pub use feathers_sql::*; } }
/// use feathers::App;
/// use feathers::store::Database;
/// use feathers_testing::Person;
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// # let db = Database::connect("sqlite::memory:").await?;
/// let mut app = App::new();
/// app.service("people", db.store::<Person>().await?.operators(["$like"]));
/// let people = app.start().await?.service("people")?;
/// people.create(json!({ "name": "Ann", "age": 30, "score": 1.5, "active": true }), ()).await?;
/// let found = people.find(json!({ "name": { "$like": "A%" } })).await?;
/// assert_eq!(found.value()?[0]["name"], "Ann");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SqlStore<R> {
    database: Arc<Shared>,
    table: Arc<Table<R>>,
    closed: AtomicBool,
}

impl<R: Columns> SqlStore<R> {
    pub(super) fn new(database: Arc<Shared>, schema: Schema, statements: Statements) -> Self {
        Self { database, table: Arc::new(Table::new(schema, statements)), closed: AtomicBool::new(false) }
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        Ok(())
    }

    async fn read<Q: Clone + Send + Sync + 'static, T: Send + 'static>(
        &self,
        kind: Kind,
        query: &Q,
        context: &StoreContext<'_>,
        work: fn(&Table<R>, &Reader, &Q) -> Outcome<T>,
    ) -> Result<T> {
        self.check_open()?;
        let outcome = self.database.pool.read(kind, (&self.table, query), context, work).await;
        outcome.map_err(|failure| failure.into_error(&self.table.schema))
    }

    async fn write<T: Send + 'static>(
        &self,
        context: &StoreContext<'_>,
        size: Size,
        work: impl FnOnce(&Table<R>, &Reader) -> Outcome<(T, Changes)> + Send + 'static,
    ) -> Result<T> {
        self.check_open()?;
        let table = self.table.clone();
        let outcome =
            self.database.writer.write(context.commit(), size, move |connection| work(&table, connection)).await;
        outcome.map_err(|failure| failure.into_error(&self.table.schema))
    }
}

impl<R: Columns> SqlStore<R> {
    /// Changes the record of an id, or all that match.
    async fn change(
        &self,
        id: Option<&Id>,
        query: &Query,
        context: &StoreContext<'_>,
        change: impl FnOnce(&Table<R>) -> Result<Change>,
    ) -> Result<Vec<Arc<R>>> {
        check(&query.filter)?;
        let Some(target) = self.table.target(id) else { return Ok(Vec::new()) };
        let (change, filter) = (change(&self.table)?, query.filter.clone());
        let images = context.commit().wants_images();
        self.write(context, target.size(), move |table, connection| {
            let rows = table.change(connection, &target, &filter, &change, images)?;
            let image = |row: &Changed<R>| match change {
                Change::Delete => table.image(Some(&row.record), None),
                Change::Keep | Change::Update(..) => table.image(row.before.as_ref(), Some(&row.record)),
            };
            let changes = Changes { count: rows.len(), images: rows.iter().filter(|_| images).map(image).collect() };
            Ok((rows.into_iter().map(|row| row.record).collect(), changes))
        })
        .await
    }
}

impl<R: Columns> Store for SqlStore<R> {
    type Record = R;

    fn schema(&self) -> &Schema {
        &self.table.schema
    }

    fn operators(&self) -> &[&str] {
        &OPERATORS
    }

    fn is_volatile(&self) -> bool {
        self.database.volatile
    }

    async fn find(&self, query: &Query, context: &StoreContext<'_>) -> Result<FindResult<R>> {
        check(&query.filter)?;
        self.read(Kind::Scan, query, context, Table::find).await
    }

    async fn get(&self, id: &Id, query: &Query, context: &StoreContext<'_>) -> Result<Option<Arc<R>>> {
        check(&query.filter)?;
        let Some(key) = self.table.key(id) else { return Ok(None) };
        let found = self.read(Kind::Point, &key, context, Table::get).await?;
        Ok(found.map(|(_, record)| record).filter(|record| matches(&**record, &query.filter)))
    }

    async fn create(&self, data: Vec<R::Data>, context: &StoreContext<'_>) -> Result<Vec<Arc<R>>> {
        let rows = data.into_iter().map(|data| self.table.new_row(data)).collect::<Result<Vec<_>>>()?;
        let images = context.commit().wants_images();
        self.write(context, Size::Few, move |table, connection| {
            let created = table.insert_all(connection, rows)?;
            let new = created.iter().filter(|_| images).map(|record| table.image(None, Some(record)));
            let changes = Changes { count: created.len(), images: new.collect() };
            Ok((created, changes))
        })
        .await
    }

    async fn update(
        &self,
        id: &Id,
        data: R::Data,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Option<Arc<R>>> {
        check(&query.filter)?;
        let Some(key) = self.table.key(id) else { return Ok(None) };
        let (id, filter) = (id.clone(), query.filter.clone());
        let images = context.commit().wants_images();
        self.write(context, Size::Few, move |table, connection| {
            let updated = table.replace(connection, &key, &id, data, &filter)?;
            let both = updated.iter().filter(|_| images).map(|(old, new)| table.image(Some(old), Some(new)));
            let changes = Changes { count: updated.iter().len(), images: both.collect() };
            Ok((updated.map(|(_, record)| record), changes))
        })
        .await
    }

    async fn patch(
        &self,
        id: Option<&Id>,
        patch: R::Patch,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<R>>> {
        self.change(id, query, context, move |table| table.patch(&patch)).await
    }

    async fn remove(&self, id: Option<&Id>, query: &Query, context: &StoreContext<'_>) -> Result<Vec<Arc<R>>> {
        self.change(id, query, context, |_| Ok(Change::Delete)).await
    }

    async fn close(&self) -> Result<()> {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.database.close().await;
        }
        Ok(())
    }
}

impl<R> Drop for SqlStore<R> {
    fn drop(&mut self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            self.database.release();
        }
    }
}
