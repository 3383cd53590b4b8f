//! Writes: what a table does to its records on a connection.

use std::collections::HashMap;
use std::sync::Arc;

use feathers_core::{Columns, DataType, Error, Filter, Id};
use rusqlite::params_from_iter;

use crate::change::{Change, Target};
use crate::driver::sqlite::connection::Reader;
use crate::driver::sqlite::failure::{Failure, Outcome};
use crate::driver::sqlite::family::Family;
use crate::driver::sqlite::numbers;
use crate::driver::sqlite::reads::Placed;
use crate::matching::matches;
use crate::plan::Plan;
use crate::predicate::Predicate;
use crate::statement::{Key, Shape};
use crate::table::Table;
use crate::value::Value;

/// A record that was changed.
pub(super) struct Changed<R> {
    place: i64,
    /// As it was, where that was read.
    pub(super) before: Option<Arc<R>>,
    /// As it is, or as it was if it is gone.
    pub(super) record: Arc<R>,
}

impl<R> Changed<R> {
    fn unread((place, record): Placed<R>) -> Self {
        Self { place, before: None, record }
    }
}

impl<R: Columns> Table<R> {
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
        family: &Family,
        (key, id): (&Value, &Id),
        data: R::Draft,
        filter: &Filter,
    ) -> Outcome<Option<(Arc<R>, Arc<R>)>> {
        let Some((place, old)) = self.get(connection, key)?.filter(|(_, old)| matches(&**old, filter)) else {
            return Ok(None);
        };
        let name = self.schema.id;
        let own = old.id(name).unwrap_or_else(|| id.clone());
        let (columns, mut values) = self.row(&old.replace(data, name, &own)?, true)?;
        values.push(Value::Integer(place));
        let text = self.statements.text(&Shape::Update(columns.clone(), Key::Place));
        let rows = self.rows(connection, &text, &values);
        let mut rows =
            rows.map_err(|failure| family.explain(self, connection, failure, &columns.iter().copied().zip(&values)))?;
        Ok(rows.pop().map(|(_, record)| (old, record)))
    }

    /// Changes the records that match, tested before the change, and returns them in the order of their places.
    ///
    /// With `images`, also how they were before an update: they are read for that, where they would not be.
    pub(super) fn change(
        &self,
        connection: &Reader,
        target: &Target,
        filter: &Filter,
        change: &Change,
        images: bool,
    ) -> Outcome<Vec<Changed<R>>> {
        let reads = images && matches!(change, Change::Update(..));
        let mut changed = match target {
            Target::One(id) => match change.one(Key::Id).filter(|_| *filter == Filter::All && !reads) {
                Some((shape, values)) => {
                    let rows = self.run(connection, &shape, values, std::slice::from_ref(id))?;
                    rows.into_iter().map(Changed::unread).collect()
                }
                None => self.change_each(connection, self.get(connection, id)?, filter, change)?,
            },
            Target::All => {
                let plan = Plan::new(filter, &self.schema);
                let select = |predicate: &Predicate| {
                    let all = Shape::Select { predicate: predicate.clone(), order: Vec::new(), window: false };
                    self.run(connection, &all, &plan.values, &[])
                };
                if let Some((shape, values)) = change.all(&plan.predicate).filter(|_| plan.exact) {
                    let before = if reads { select(&plan.predicate)? } else { Vec::new() };
                    let mut before: HashMap<_, _> = before.into_iter().collect();
                    let rows = self.run(connection, &shape, values, &plan.values)?.into_iter();
                    rows.map(|row| Changed { before: before.remove(&row.0), ..Changed::unread(row) }).collect()
                } else {
                    self.change_each(connection, select(&plan.predicate)?, filter, change)?
                }
            }
        };
        changed.sort_unstable_by_key(|changed| changed.place);
        Ok(changed)
    }

    /// Changes those that match one by one, where SQLite cannot tell which ones do.
    fn change_each(
        &self,
        connection: &Reader,
        found: impl IntoIterator<Item = Placed<R>>,
        filter: &Filter,
        change: &Change,
    ) -> Outcome<Vec<Changed<R>>> {
        let one = change.one(Key::Place);
        let mut changed = Vec::new();
        for (place, record) in found {
            connection.check()?;
            if !matches(&*record, filter) {
                continue;
            }
            match &one {
                Some((shape, values)) => {
                    let rows = self.run(connection, shape, values, &[Value::Integer(place)])?.into_iter();
                    changed.extend(rows.map(|row| Changed { before: Some(record.clone()), ..Changed::unread(row) }));
                }
                None => changed.push(Changed { place, before: Some(record.clone()), record }),
            }
        }
        Ok(changed)
    }

    fn run(&self, connection: &Reader, shape: &Shape, first: &[Value], then: &[Value]) -> Outcome<Vec<Placed<R>>> {
        self.rows(connection, &self.statements.text(shape), first.iter().chain(then))
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
}
