//! The typed table: what the store does on a connection.

use std::marker::PhantomData;
use std::sync::Arc;

use feathers_core::query::PageBuilder;
use feathers_core::{Change, Columns, DataType, Error, Filter, FindResult, Id, Query, Result, Schema};
use rusqlite::types::Value;
use rusqlite::{Row, ToSql, Transaction, TransactionBehavior, params_from_iter};

use crate::sqlite::connection::Reader;
use crate::sqlite::failure::{Failure, Outcome};
use crate::sqlite::matching::matches;
use crate::sqlite::numbers;
use crate::sqlite::plan::{self, Plan};
use crate::sqlite::predicate::Predicate;
use crate::sqlite::statement::{Key, Shape, Statements};
use crate::sqlite::value;

/// The records of one type in one table.
#[derive(Debug)]
pub(super) struct Table<R> {
    pub(super) schema: Schema,
    pub(super) statements: Statements,
    records: PhantomData<fn() -> R>,
}

/// A record and its place in the table.
pub(super) type Placed<R> = (i64, Arc<R>);

impl<R: Columns> Table<R> {
    pub(super) fn new(schema: Schema, statements: Statements) -> Self {
        Self { schema, statements, records: PhantomData }
    }

    /// Inserts all rows and returns the records; a row without a number gets the next one that no record has.
    pub(super) fn insert_all(&self, connection: &Reader, rows: Vec<Vec<Value>>) -> Outcome<Vec<Arc<R>>> {
        let text = self.statements.text(&Shape::Insert);
        let Some(id) = self.schema.index(self.schema.id).filter(|_| self.schema.id_type() == Some(DataType::Integer))
        else {
            return rows
                .iter()
                .map(|row| self.insert(connection, &text, row)?.ok_or_else(|| self.taken(row)))
                .collect();
        };
        let table = self.statements.table();
        let before = numbers::read(connection, table, &self.statements.text(&Shape::Largest))?;
        let mut counter = before;
        let mut records = Vec::with_capacity(rows.len());
        for mut row in rows {
            match row.get(id) {
                Some(Value::Integer(chosen)) => {
                    counter.choose(*chosen)?;
                    records.push(self.insert(connection, &text, &row)?.ok_or_else(|| self.taken(&row))?);
                }
                _ => records.push(loop {
                    if let Some(number) = row.get_mut(id) {
                        *number = Value::Integer(counter.count()?);
                    }
                    if let Some(record) = self.insert(connection, &text, &row)? {
                        break record;
                    }
                    // Passed over only if it is this table that has it, and not one that a trigger writes to.
                    if self.get(connection, row.get(id).unwrap_or(&Value::Null))?.is_none() {
                        return Err(self.taken(&row));
                    }
                }),
            }
        }
        if counter != before {
            numbers::write(connection, table, counter)?;
        }
        Ok(records)
    }

    /// Puts a record in the place of the one that has an id, if there is one and it matches; returns both.
    pub(super) fn replace(
        &self,
        connection: &Reader,
        key: &Value,
        id: &Id,
        data: R::Data,
        filter: &Filter,
    ) -> Outcome<Option<(Arc<R>, Arc<R>)>> {
        let Some((place, old)) = self.get(connection, key)?.filter(|(_, old)| matches(&**old, filter)) else {
            return Ok(None);
        };
        let name = self.schema.id;
        let own = old.id(name).unwrap_or_else(|| id.clone());
        let (columns, mut values) = self.row(&old.replace(data, name, &own)?, true)?;
        values.push(Value::Integer(place));
        let text = self.statements.text(&Shape::Update(columns, Key::Place));
        Ok(self.rows(connection, &text, values)?.pop().map(|(_, record)| (old, record)))
    }

    /// Describes a change of one record.
    pub(super) fn image(&self, before: Option<&Arc<R>>, after: Option<&Arc<R>>) -> Change {
        Change::new(self.schema.id, before.cloned(), after.cloned())
    }

    /// Returns the value of an id in the table; `None` if no record can have it.
    pub(super) fn key(&self, id: &Id) -> Option<Value> {
        match self.schema.id_type() {
            Some(DataType::Integer) => id.as_int().map(Value::Integer),
            _ => Some(Value::Text(id.to_string())),
        }
    }

    /// Makes the values of a new row; without an id in the data this makes a text, and leaves a number to the counter.
    pub(super) fn new_row(&self, data: R::Data) -> Result<Vec<Value>> {
        let name = self.schema.id;
        let given = R::data_id(&data, name);
        let number = given.is_none() && self.schema.id_type() == Some(DataType::Integer);
        let id = match given {
            Some(id) => id,
            None if number => Id::Int(0),
            None => uuid::Uuid::now_v7().into(),
        };
        let (_, mut values) = self.row(&R::create(data, name, &id)?, false)?;
        if number
            && let Some(id) = self.schema.index(name)
            && let Some(value) = values.get_mut(id)
        {
            *value = Value::Null;
        }
        Ok(values)
    }

    /// Returns the columns of a record and their values.
    fn row(&self, record: &R, without_id: bool) -> Result<(Vec<usize>, Vec<Value>)> {
        let fields = self.schema.fields.iter().enumerate();
        let fields = fields.filter(|(_, field)| !(without_id && field.name == self.schema.id));
        fields.map(|(index, field)| Ok((index, value::store(field, &record.field(index))?))).collect()
    }

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

    fn count(&self, connection: &Reader, predicate: &Predicate, values: &[Value]) -> Outcome<u64> {
        let text = self.statements.text(&Shape::Count(predicate.clone()));
        let mut statement = connection.prepare_cached(&text)?;
        Ok(statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0))?.unsigned_abs())
    }

    /// Inserts a row and returns its record; `None` if another one has its id.
    fn insert(&self, connection: &Reader, text: &str, row: &[Value]) -> Outcome<Option<Arc<R>>> {
        let mut statement = connection.prepare_cached(text)?;
        let inserted = statement.query(params_from_iter(row)).map_err(Failure::from).and_then(|mut rows| {
            let row = rows.next()?.map(|row| self.record(row)).transpose()?;
            // To the end, where SQLite finishes the statement.
            rows.next()?;
            row.ok_or_else(|| Error::internal("an insert returned no row").into())
        });
        match inserted {
            Ok((_, record)) => Ok(Some(record)),
            Err(failure) if failure.is_taken_id() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Refuses a row whose id another record has.
    fn taken(&self, row: &[Value]) -> Failure {
        let id = match self.schema.index(self.schema.id).and_then(|id| row.get(id)) {
            Some(Value::Integer(id)) => id.to_string(),
            Some(Value::Text(id)) => id.clone(),
            _ => String::new(),
        };
        Error::conflict(format!("A record with id '{id}' exists already")).into()
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

    fn record(&self, row: &Row<'_>) -> Outcome<Placed<R>> {
        let fields = self.schema.fields;
        let mut values = Vec::with_capacity(fields.len());
        for (index, field) in fields.iter().enumerate() {
            values.push(value::read(field, row.get_ref(index)?)?);
        }
        Ok((row.get(fields.len())?, Arc::new(R::from_columns(values)?)))
    }
}

fn clamped(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}
