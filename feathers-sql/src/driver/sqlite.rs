//! SQLite: one writer thread with group commit, a small pool of connections for reads.
//!
//! Reads and writes differ. A read takes a few microseconds, so handing it to another thread would cost more than doing
//! it. A write waits for the disk, so many writes in one transaction are much cheaper than many transactions.

mod aggregates;
mod connection;
mod definition;
mod dialect;
mod failure;
mod family;
mod numbers;
mod pool;
mod reads;
mod types;
mod writer;
mod writes;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use feathers_core::{
    Aggregate, AggregateRow, Columns, Commit, Error, Filter, FindResult, FoundPerKey, Id, PerKey, Query, Result,
    Schema, StoreContext,
};

use self::connection::{Place, Reader};
use self::failure::Outcome;
use self::family::Family;
use self::pool::{Kind, Lane, Pool};
use self::writer::{Changes, Size, Source, Writer};
use self::writes::Changed;
use crate::change::{Change, Target};
use crate::options::DatabaseOptions;
use crate::statement::Statements;
use crate::table::Table;
use crate::value::Value;

/// An open database.
#[derive(Debug)]
pub(crate) struct Sqlite {
    pool: Arc<Pool>,
    writer: Writer,
    volatile: bool,
    family: Arc<Family>,
}

impl Sqlite {
    /// Opens a file, or `:memory:`.
    pub(super) async fn open(place: &str, options: DatabaseOptions) -> Result<Self> {
        let place = Place::parse(place)?;
        let runtime = tokio::runtime::Handle::current();
        runtime.spawn_blocking(move || Self::open_at(&place, &options)).await?
    }

    fn open_at(place: &Place, options: &DatabaseOptions) -> Result<Self> {
        let closing = Arc::new(AtomicBool::new(false));
        // The writer comes first: it creates the file.
        let writing = place.open(&closing)?;
        let (points, scans, source) = match place {
            Place::Memory => {
                let only = Lane::new(vec![writing]);
                (only.clone(), only.clone(), Source::Shared(only))
            }
            Place::File(_) => {
                let cores = std::thread::available_parallelism().map_or(2, usize::from);
                let lane = |connections| {
                    let readers = (0..connections).map(|_| Ok(place.open(&closing)?.only_reads()?));
                    Ok::<_, Error>(Lane::new(readers.collect::<Result<_>>()?))
                };
                (lane((cores / 2).clamp(1, 4))?, lane(cores.clamp(2, 8))?, Source::Own(Box::new(writing)))
            }
        };
        let pool = Pool::new(points, scans, options.read_timeout, closing);
        let writer = Writer::start(source, options.write_timeout)?;
        Ok(Self { pool, writer, volatile: matches!(place, Place::Memory), family: Arc::default() })
    }

    pub(super) fn is_volatile(&self) -> bool {
        self.volatile
    }

    /// Makes sure that there is a table for the records, and knows its relations to the others from now on.
    pub(super) async fn table<R: Columns>(&self, name: &str, is_default: bool) -> Result<Arc<Table<R>>> {
        let schema = R::schema();
        let targets = self.family.targets::<R>(name, &schema);
        let statements = self.prepare(name, &schema, &targets).await?;
        Ok(self.family.add(schema, statements, targets, is_default))
    }

    /// Returns what is wrong with the references of a table.
    pub(super) fn mistakes<R: Columns>(&self, table: &Table<R>) -> Vec<String> {
        self.family.mistakes(table)
    }

    async fn prepare(&self, table: &str, schema: &Schema, targets: &[String]) -> Result<Statements> {
        let (name, fields, targets) = (table.to_owned(), schema.clone(), targets.to_owned());
        let prepare = move |connection: &Reader| {
            Ok((definition::prepare(connection, &name, &fields, &targets)?, Changes::default()))
        };
        self.writer.write(&Commit::none(), Size::Few, prepare).await.map_err(|failure| {
            let error = failure.into_error(schema);
            let cause = error.source().map(|cause| format!("cannot prepare table '{table}': {cause}"));
            cause.map(|text| Error::general(text).with_source(error.clone())).unwrap_or(error)
        })
    }

    pub(super) async fn find<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<FindResult<R>> {
        let found = self.pool.read(Kind::Scan, (table, query), context, Table::find).await;
        found.map_err(|failure| failure.into_error(&table.schema))
    }

    pub(super) async fn find_per_key<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        asked: &(Query, PerKey),
        context: &StoreContext<'_>,
    ) -> Result<FoundPerKey<R>> {
        let found = self.pool.read(Kind::Scan, (table, asked), context, Table::find_per_key).await;
        found.map_err(|failure| failure.into_error(&table.schema))
    }

    pub(super) async fn aggregate<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        wanted: &(Aggregate, Filter),
        context: &StoreContext<'_>,
    ) -> Result<Option<Vec<AggregateRow>>> {
        let rows = self.pool.read(Kind::Scan, (table, wanted), context, Table::aggregate).await;
        rows.map_err(|failure| failure.into_error(&table.schema))
    }

    pub(super) async fn get<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        id: &Value,
        context: &StoreContext<'_>,
    ) -> Result<Option<Arc<R>>> {
        match self.pool.read(Kind::Point, (table, id), context, Table::get).await {
            Ok(found) => Ok(found.map(|(_, record)| record)),
            Err(failure) => Err(failure.into_error(&table.schema)),
        }
    }

    pub(super) async fn insert<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        rows: Vec<Vec<Value>>,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<R>>> {
        let (images, family) = (context.commit().wants_images(), self.family.clone());
        self.write(table, context, Size::Few, move |table, connection| {
            let kept = table.refers().then(|| rows.clone());
            let created = table.insert_all(connection, rows).map_err(|failure| {
                let rows = kept.iter().flatten();
                rows.fold(failure, |failure, row| family.explain(table, connection, failure, &row.iter().enumerate()))
            })?;
            let new = created.iter().filter(|_| images).map(|record| table.image(None, Some(record)));
            let changes = Changes { count: created.len(), images: new.collect(), ..Changes::default() };
            Ok((created, changes))
        })
        .await
    }

    pub(super) async fn replace<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        (key, id): (Value, Id),
        data: R::Draft,
        filter: Filter,
        context: &StoreContext<'_>,
    ) -> Result<Option<Arc<R>>> {
        let (images, family) = (context.commit().wants_images(), self.family.clone());
        self.write(table, context, Size::Few, move |table, connection| {
            let updated = table.replace(connection, &family, (&key, &id), data, &filter)?;
            let both = updated.iter().filter(|_| images).map(|(old, new)| table.image(Some(old), Some(new)));
            let changes = Changes { count: updated.iter().len(), images: both.collect(), ..Changes::default() };
            Ok((updated.map(|(_, record)| record), changes))
        })
        .await
    }

    pub(super) async fn change<R: Columns>(
        &self,
        table: &Arc<Table<R>>,
        target: Target,
        filter: Filter,
        change: Change,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<R>>> {
        let (images, family) = (context.commit().wants_images(), self.family.clone());
        if table.store.is_referred() && matches!(change, Change::Delete) {
            let commit = context.commit().clone();
            let remove = move |table: &Table<R>, connection: &Reader| {
                family.remove(table, connection, (&target, &filter), &commit)
            };
            return self.write(table, context, Size::Many, remove).await;
        }
        let size = match target {
            Target::One(_) => Size::Few,
            Target::All => Size::Many,
        };
        self.write(table, context, size, move |table, connection| {
            let rows =
                table.change(connection, &target, &filter, &change, images).map_err(|failure| match &change {
                    Change::Update(columns, values) => {
                        family.explain(table, connection, failure, &columns.iter().copied().zip(values))
                    }
                    Change::Keep | Change::Delete => failure,
                })?;
            let image = |row: &Changed<R>| match change {
                Change::Delete => table.image(Some(&row.record), None),
                Change::Keep | Change::Update(..) => table.image(row.before.as_ref(), Some(&row.record)),
            };
            let images = rows.iter().filter(|_| images).map(image).collect();
            let changes = Changes { count: rows.len(), images, ..Changes::default() };
            Ok((rows.into_iter().map(|row| row.record).collect(), changes))
        })
        .await
    }

    async fn write<R: Columns, T: Send + 'static>(
        &self,
        table: &Arc<Table<R>>,
        context: &StoreContext<'_>,
        size: Size,
        work: impl FnOnce(&Table<R>, &Reader) -> Outcome<(T, Changes)> + Send + 'static,
    ) -> Result<T> {
        let own = table.clone();
        let outcome = self.writer.write(context.commit(), size, move |connection| work(&own, connection)).await;
        outcome.map_err(|failure| failure.into_error(&table.schema))
    }

    pub(super) async fn close(&self) {
        // Reads end first: a database in memory has one connection, which the writer needs.
        self.pool.interrupt();
        self.writer.close().await;
        self.pool.close();
    }

    pub(super) fn stop(&self) {
        self.writer.stop();
    }
}
