//! Changes: what `patch` and `remove` do to the records that match.

use std::collections::HashMap;
use std::sync::Arc;

use feathers_core::{Columns, Filter, Id, Result};
use rusqlite::types::Value;

use crate::sqlite::connection::Reader;
use crate::sqlite::failure::Outcome;
use crate::sqlite::matching::matches;
use crate::sqlite::plan::Plan;
use crate::sqlite::predicate::Predicate;
use crate::sqlite::statement::{Key, Shape};
use crate::sqlite::table::{Placed, Table};
use crate::sqlite::value;
use crate::sqlite::writer::Size;

/// Which records are asked for.
pub(super) enum Target {
    /// The one with this id.
    One(Value),
    /// All.
    All,
}

impl Target {
    /// Tells how many records may be changed.
    pub(super) fn size(&self) -> Size {
        match self {
            Self::One(_) => Size::Few,
            Self::All => Size::Many,
        }
    }
}

/// What happens to each record that matches.
pub(super) enum Change {
    /// Nothing: a patch without fields.
    Keep,
    /// These columns get these values.
    Update(Vec<usize>, Vec<Value>),
    /// It goes.
    Delete,
}

impl Change {
    /// Returns the statement for one record, and the values before the key; `None` if there is nothing to do.
    fn one(&self, key: Key) -> Option<(Shape, &[Value])> {
        match self {
            Self::Keep => None,
            Self::Update(columns, values) => Some((Shape::Update(columns.clone(), key), values)),
            Self::Delete => Some((Shape::Delete(key), &[])),
        }
    }

    /// Returns the statement for all records, and the values before those of the predicate.
    fn all(&self, predicate: &Predicate) -> Option<(Shape, &[Value])> {
        match self {
            Self::Keep => None,
            Self::Update(columns, values) => Some((Shape::UpdateAll(columns.clone(), predicate.clone()), values)),
            Self::Delete => Some((Shape::DeleteAll(predicate.clone()), &[])),
        }
    }
}

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
    /// Returns the target of a call; `None` if no record can have the id.
    pub(super) fn target(&self, id: Option<&Id>) -> Option<Target> {
        id.map_or(Some(Target::All), |id| self.key(id).map(Target::One))
    }

    /// Reads a patch; the id stays what it is.
    pub(super) fn patch(&self, patch: &R::Patch) -> Result<Change> {
        let changes = R::changes(patch);
        let fields = changes.iter().filter_map(|(index, value)| Some((*index, self.schema.fields.get(*index)?, value)));
        let (columns, values): (Vec<_>, Vec<_>) = fields
            .filter(|(_, field, _)| field.name != self.schema.id)
            .map(|(index, field, value)| Ok((index, value::store(field, &value.borrowed())?)))
            .collect::<Result<_>>()?;
        Ok(if columns.is_empty() { Change::Keep } else { Change::Update(columns, values) })
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
}
