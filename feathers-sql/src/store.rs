//! The store: one table of typed records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use feathers_core::{
    Aggregate, AggregateRow, Columns, FindResult, FoundPerKey, Id, PerKey, Query, Result, Schema, Store, StoreContext,
    StoreId,
};

use crate::change::Change;
use crate::database::Shared;
use crate::driver::{Driver, closed};
use crate::matching::{OPERATORS, check, matches};
use crate::table::Table;

/// Records of one type in one table of a database; made by [`Database::store`](crate::Database::store).
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
    pub(super) fn new(database: Arc<Shared>, table: Arc<Table<R>>) -> Self {
        Self { database, table, closed: AtomicBool::new(false) }
    }

    /// Returns the way to the database; 503 after the close.
    fn driver(&self) -> Result<&Driver> {
        if self.closed.load(Ordering::Acquire) { Err(closed()) } else { Ok(&self.database.driver) }
    }

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
        self.driver()?.change(&self.table, target, filter, change, context).await
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
        self.database.driver.is_volatile()
    }

    fn checks_commits(&self) -> bool {
        true
    }

    fn store_id(&self) -> Option<StoreId> {
        Some(self.table.store.clone())
    }

    fn mistakes(&self) -> Vec<String> {
        self.database.driver.mistakes(&self.table)
    }

    async fn find(&self, query: &Query, context: &StoreContext<'_>) -> Result<FindResult<R>> {
        check(&query.filter)?;
        self.driver()?.find(&self.table, query, context).await
    }

    async fn find_per_key(
        &self,
        query: &Query,
        per_key: &PerKey,
        context: &StoreContext<'_>,
    ) -> Result<FoundPerKey<R>> {
        check(&query.filter)?;
        self.driver()?.find_per_key(&self.table, &(query.clone(), per_key.clone()), context).await
    }

    async fn aggregate(
        &self,
        aggregate: &Aggregate,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Vec<AggregateRow>> {
        check(&query.filter)?;
        aggregate.check(self.schema())?;
        let wanted = (aggregate.clone(), query.filter.clone());
        match self.driver()?.aggregate(&self.table, &wanted, context).await? {
            Some(mut rows) => {
                Aggregate::sort(&mut rows);
                Ok(rows)
            }
            None => aggregate.over_find(self, query, context).await,
        }
    }

    async fn get(&self, id: &Id, query: &Query, context: &StoreContext<'_>) -> Result<Option<Arc<R>>> {
        check(&query.filter)?;
        let Some(key) = self.table.key(id) else { return Ok(None) };
        let found = self.driver()?.get(&self.table, &key, context).await?;
        Ok(found.filter(|record| matches(&**record, &query.filter)))
    }

    async fn create(&self, data: Vec<R::Draft>, context: &StoreContext<'_>) -> Result<Vec<Arc<R>>> {
        let rows = data.into_iter().map(|data| self.table.new_row(data)).collect::<Result<Vec<_>>>()?;
        self.driver()?.insert(&self.table, rows, context).await
    }

    async fn update(
        &self,
        id: &Id,
        data: R::Draft,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Option<Arc<R>>> {
        check(&query.filter)?;
        let Some(key) = self.table.key(id) else { return Ok(None) };
        let filter = query.filter.clone();
        self.driver()?.replace(&self.table, (key, id.clone()), data, filter, context).await
    }

    async fn patch(
        &self,
        id: Option<&Id>,
        patch: R::PatchDraft,
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
