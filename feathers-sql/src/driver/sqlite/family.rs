//! The tables of one database: what refers to their records, and what removing one changes in others.

use std::any::TypeId;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use feathers_core::{
    Change as Image, Columns, Commit, FieldRef, Filter, Id, MAX_CHANGES, Reference, Relations, Schema, StoreChange,
};

use crate::change::{Change, Target};
use crate::driver::sqlite::connection::Reader;
use crate::driver::sqlite::failure::{Failure, Outcome};
use crate::driver::sqlite::writer::Changes;
use crate::predicate::Predicate;
use crate::statement::{Key, Shape, Statements};
use crate::table::{Table, snake_case};
use crate::value::Value;

/// The tables whose stores one database has made.
#[derive(Default)]
pub(super) struct Family(RwLock<Members>);

#[derive(Default)]
struct Members {
    relations: Relations,
    /// Each by the number of its store.
    tables: Vec<Arc<dyn Member>>,
}

/// A table, whatever its records are.
trait Member: Send + Sync {
    fn has(&self, connection: &Reader, id: &Id) -> Outcome<bool>;
    /// Returns the ids of the records that refer to some, each with that one, as many as count.
    fn referring(&self, connection: &Reader, reference: &Reference, ids: &[Id]) -> Outcome<Vec<(Id, Id)>>;
    /// Sets fields of a record to `null`.
    fn clear(&self, connection: &Reader, id: &Id, fields: &[&'static str]) -> Outcome<Option<Image>>;
    /// Takes a record out.
    fn remove(&self, connection: &Reader, id: &Id) -> Outcome<Option<Image>>;
}

/// For so many records at once it is asked which ones refer to them.
const AT_ONCE: usize = 256;
#[expect(clippy::cast_possible_wrap, reason = "a small number")]
const LIMIT: Value = Value::Integer(MAX_CHANGES as i64 + 1);

impl Family {
    fn members(&self) -> RwLockReadGuard<'_, Members> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the tables to which the records of a table refer: where their stores are, or else where `store` puts them.
    pub(super) fn targets<R: Columns>(&self, table: &str, schema: &Schema) -> Vec<String> {
        let members = self.members();
        let target = |reference: &Reference| {
            if reference.target_type() == TypeId::of::<R>() {
                return table.to_owned();
            }
            let known = members.relations.place_of(reference.target_type());
            known.map_or_else(|| snake_case(reference.target().name), str::to_owned)
        };
        schema.constraints.references.iter().map(target).collect()
    }

    /// Adds a table that is prepared.
    pub(super) fn add<R: Columns>(
        &self,
        schema: Schema,
        statements: Statements,
        targets: Vec<String>,
        is_default: bool,
    ) -> Arc<Table<R>> {
        let mut members = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let number = members.relations.add::<R>(&schema, statements.table(), is_default);
        let store = members.relations.store_id(number);
        let table = Arc::new(Table::new(schema, statements, targets, (number, store)));
        if members.tables.len() == number {
            members.tables.push(table.clone());
        }
        table
    }

    /// Returns what is wrong with the references of a table.
    pub(super) fn mistakes<R: Columns>(&self, table: &Table<R>) -> Vec<String> {
        let relations = &self.members().relations;
        let references = table.schema.constraints.references.iter().zip(&table.targets);
        let elsewhere = references.filter_map(|(reference, target)| {
            let place = relations.place(relations.target(table.number, reference).ok()?);
            let (record, name, field) = (table.schema.name, reference.target().name, reference.field);
            (place != target).then(|| {
                format!("{record} refers to {name} by '{field}' in table '{target}', and its store is in '{place}': make that one first")
            })
        });
        relations.mistakes(table.number).into_iter().chain(elsewhere).collect()
    }

    /// Removes records with all that is removed or changed with them.
    pub(super) fn remove<R: Columns>(
        &self,
        table: &Table<R>,
        connection: &Reader,
        (target, filter): (&Target, &Filter),
        commit: &Commit,
    ) -> Outcome<(Vec<Arc<R>>, Changes)> {
        let found = table.change(connection, target, filter, &Change::Keep, false)?;
        let gone: Vec<Arc<R>> = found.into_iter().map(|row| row.record).collect();
        let images = || gone.iter().map(|record| table.image(Some(record), None)).collect();
        // Before it is said what refers to them.
        commit.check(images)?;
        let ids: Vec<Id> = gone.iter().filter_map(|record| record.id(table.schema.id)).collect();
        let Members { relations, tables } = &*self.members();
        let cascade = relations.cascade(table.number, &ids, |number, reference, ids| {
            tables.get(number).map_or_else(|| Ok(Vec::new()), |table| table.referring(connection, reference, ids))
        })?;
        let mut others = Vec::new();
        let mut note = |number, change: Option<Image>| {
            others.extend(change.map(|change| StoreChange::new(relations.store_id(number), change)));
        };
        if cascade.is_circular {
            // No order has those that refer first; what else refers to them is gone as well when the circle is.
            connection.execute("PRAGMA defer_foreign_keys = ON", ())?;
        }
        for cleared in &cascade.cleared {
            if let Some(table) = tables.get(cleared.store) {
                note(cleared.store, table.clear(connection, &cleared.id, &cleared.fields)?);
            }
        }
        for removed in &cascade.removed {
            if let Some(table) = tables.get(removed.store) {
                let change = table.remove(connection, &removed.id)?;
                note(removed.store, change.filter(|_| !removed.is_asked_for));
            }
        }
        if cascade.is_circular {
            connection.execute("PRAGMA defer_foreign_keys = OFF", ())?;
        }
        let (images, count) = (if commit.wants_images() { images() } else { Vec::new() }, gone.len());
        Ok((gone, Changes { count, images, others }))
    }

    /// Says to which record a row refers that does not exist, if that is why a write has failed.
    pub(super) fn explain<'a, R: Columns>(
        &self,
        table: &Table<R>,
        connection: &Reader,
        failure: Failure,
        row: &(impl Iterator<Item = (usize, &'a Value)> + Clone),
    ) -> Failure {
        if !failure.is_of_reference() {
            return failure;
        }
        let Members { relations, tables } = &*self.members();
        for reference in table.schema.constraints.references {
            let field = table.schema.index(reference.field);
            let id = match row.clone().find(|(column, _)| Some(*column) == field) {
                Some((_, Value::Integer(id))) => Id::Int(*id),
                Some((_, Value::Text(id))) => Id::from(id.as_str()),
                _ => continue,
            };
            let target = relations.target(table.number, reference).ok().and_then(|number| tables.get(number));
            if target.is_some_and(|target| matches!(target.has(connection, &id), Ok(false))) {
                return reference.missing(&table.schema, id).into();
            }
        }
        failure
    }
}

impl<R: Columns> Member for Table<R> {
    fn has(&self, connection: &Reader, id: &Id) -> Outcome<bool> {
        Ok(self.key(id).map(|key| self.get(connection, &key)).transpose()?.flatten().is_some())
    }

    fn referring(&self, connection: &Reader, reference: &Reference, ids: &[Id]) -> Outcome<Vec<(Id, Id)>> {
        let Some(index) = self.schema.index(reference.field) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for ids in ids.chunks(AT_ONCE) {
            let mut values: Vec<_> = ids.iter().map(id_value).collect();
            // Rounded up, so that lists of all lengths share a few statements.
            let last = values.last().cloned().unwrap_or(Value::Null);
            values.resize(values.len().next_power_of_two(), last);
            let predicate = Predicate::In(index, values.len());
            values.extend([LIMIT, Value::Integer(0)]);
            let select = self.statements.text(&Shape::Select { predicate, order: Vec::new(), window: true });
            let rows = self.rows(connection, &select, values)?;
            let pair = |record: &R| Some((record.id(self.schema.id)?, id_of(&record.field(index))?));
            found.extend(rows.iter().filter_map(|(_, record)| pair(record)));
            if found.len() > MAX_CHANGES {
                break;
            }
        }
        Ok(found)
    }

    fn clear(&self, connection: &Reader, id: &Id, fields: &[&'static str]) -> Outcome<Option<Image>> {
        let Some(key) = self.key(id) else { return Ok(None) };
        let Some((place, before)) = self.get(connection, &key)? else { return Ok(None) };
        let columns: Vec<_> = fields.iter().filter_map(|field| self.schema.index(field)).collect();
        let nulls = vec![Value::Null; columns.len()];
        let (columns, mut values) = self.fold((columns, nulls));
        values.push(Value::Integer(place));
        let text = self.statements.text(&Shape::Update(columns, Key::Place));
        let after = self.rows(connection, &text, values)?.pop();
        Ok(after.map(|(_, after)| self.image(Some(&before), Some(&after))))
    }

    fn remove(&self, connection: &Reader, id: &Id) -> Outcome<Option<Image>> {
        let Some(key) = self.key(id) else { return Ok(None) };
        let text = self.statements.text(&Shape::Delete(Key::Id));
        let gone = self.rows(connection, &text, [key])?.pop();
        Ok(gone.map(|(_, gone)| self.image(Some(&gone), None)))
    }
}

fn id_value(id: &Id) -> Value {
    match id {
        Id::Int(number) => Value::Integer(*number),
        id => Value::Text(id.to_string()),
    }
}

/// Reads the id that a field holds.
fn id_of(value: &FieldRef<'_>) -> Option<Id> {
    match value {
        FieldRef::Int(number) => Some(Id::Int(*number)),
        FieldRef::Text(text) => Some(Id::from(&**text)),
        _ => None,
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Family").field(&self.members().relations).finish()
    }
}
