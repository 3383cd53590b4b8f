//! Reads: what a table returns on a connection.

use std::sync::Arc;

use feathers_core::query::PageBuilder;
use feathers_core::{Columns, DataType, FindResult, FoundPerKey, PerKey, Query};
use rusqlite::{Row, ToSql, Transaction, TransactionBehavior, params_from_iter};

use crate::driver::sqlite::connection::Reader;
use crate::driver::sqlite::failure::Outcome;
use crate::driver::sqlite::types;
use crate::matching::matches;
use crate::plan::{self, Plan};
use crate::predicate::Predicate;
use crate::statement::{Key, Shape};
use crate::table::Table;
use crate::value::Value;

/// A record and its place in the table.
pub(super) type Placed<R> = (i64, Arc<R>);

impl<R: Columns> Table<R> {
    pub(super) fn get(&self, connection: &Reader, key: &Value) -> Outcome<Option<Placed<R>>> {
        let text = self.statements.text(&Shape::Get(Key::Id));
        let mut statement = connection.prepare_cached(&text)?;
        let mut rows = statement.query([key])?;
        rows.next()?.map(|row| self.record(row)).transpose()
    }

    pub(super) fn find(&self, connection: &Reader, query: &Query) -> Outcome<FindResult<R>> {
        let plan = Plan::new(&query.filter, &self.schema);
        let (order, sorted) = plan::order(query, &self.schema);
        let order = order.into_iter().map(|(column, order)| (column, order.into())).collect();
        // The page and the number of all must come from the same state.
        let snapshot = || Transaction::new_unchecked(connection, TransactionBehavior::Deferred);
        let _snapshot = query.count.then(snapshot).transpose()?;
        if plan.exact && sorted {
            let window = query.limit.is_some() || query.skip > 0;
            let mut values = plan.values;
            let total = query.count.then(|| self.count(connection, &plan.predicate, &values)).transpose()?;
            if window {
                values.push(query.limit.map_or(Value::Integer(-1), clamped));
                values.push(clamped(query.skip));
            }
            let select = self.statements.text(&Shape::Select { predicate: plan.predicate, order, window });
            let rows = self.rows(connection, &select, values)?;
            return Ok(FindResult { records: rows.into_iter().map(|(_, record)| record).collect(), total });
        }
        let select = self.statements.text(&Shape::Select { predicate: plan.predicate, order, window: false });
        let mut page = PageBuilder::new(query, sorted);
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query(params_from_iter(plan.values))?;
        while !page.is_full()
            && let Some(row) = rows.next()?
        {
            connection.check()?;
            let (_, record) = self.record(row)?;
            if matches(&*record, &query.filter) {
                page.push(record);
            }
        }
        Ok(page.finish())
    }

    /// Returns the first records for each value of a field: in one statement, where the database can answer the query
    /// by itself.
    pub(super) fn find_per_key(
        &self,
        connection: &Reader,
        (query, per_key): &(Query, PerKey),
    ) -> Outcome<FoundPerKey<R>> {
        let plan = Plan::new(&query.filter, &self.schema);
        let (order, sorted) = plan::order(query, &self.schema);
        let column = plan::column(&per_key.field, &self.schema);
        let column = column.filter(|(_, kind)| *kind != DataType::Json && per_key.field.is_plain());
        let Some((column, _)) = column.filter(|_| plan.exact && sorted && per_key.limit > 0) else {
            let mut all = query.clone();
            (all.limit, all.skip, all.count) = (None, 0, false);
            return Ok(per_key.collect(self.find(connection, &all)?.records));
        };
        let order = order.into_iter().map(|(column, order)| (column, order.into())).collect();
        let total = per_key.total;
        let text = self.statements.text(&Shape::PerKey { predicate: plan.predicate, column, order, total });
        let values = plan.values.into_iter().chain([clamped(per_key.limit), clamped(per_key.most)]);
        let mut statement = connection.prepare_cached(&text)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = FoundPerKey { records: Vec::new(), totals: Vec::new() };
        while let Some(row) = rows.next()? {
            let (_, record) = self.record(row)?;
            if total {
                let key = record.field(column);
                if found.totals.last().is_none_or(|(last, _)| last.borrowed() != key) {
                    let all = row.get::<_, i64>(self.schema.fields.len() + 1)?.unsigned_abs();
                    found.totals.push((key.into_owned(), all));
                }
            }
            found.records.push(record);
        }
        Ok(found)
    }

    fn count(&self, connection: &Reader, predicate: &Predicate, values: &[Value]) -> Outcome<u64> {
        let text = self.statements.text(&Shape::Count(predicate.clone()));
        let mut statement = connection.prepare_cached(&text)?;
        Ok(statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// Runs a statement to its end and returns all rows.
    pub(super) fn rows(
        &self,
        connection: &Reader,
        text: &str,
        values: impl IntoIterator<Item: ToSql>,
    ) -> Outcome<Vec<Placed<R>>> {
        let mut statement = connection.prepare_cached(text)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push(self.record(row)?);
        }
        Ok(records)
    }

    pub(super) fn record(&self, row: &Row<'_>) -> Outcome<Placed<R>> {
        let fields = self.schema.stored();
        let mut values = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            values.push(types::read(field, row.get_ref(index)?)?);
        }
        Ok((row.get(fields.len())?, Arc::new(R::from_columns(values)?)))
    }
}

fn clamped(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
