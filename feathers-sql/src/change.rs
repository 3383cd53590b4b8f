//! Changes: what `patch` and `remove` do to the records that match.

use feathers_core::{Columns, Id, Result};

use crate::predicate::Predicate;
use crate::statement::{Key, Shape};
use crate::table::Table;
use crate::value::{self, Value};

/// Which records are asked for.
pub(super) enum Target {
    /// The one with this id.
    One(Value),
    /// All.
    All,
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
    pub(super) fn one(&self, key: Key) -> Option<(Shape, &[Value])> {
        match self {
            Self::Keep => None,
            Self::Update(columns, values) => Some((Shape::Update(columns.clone(), key), values)),
            Self::Delete => Some((Shape::Delete(key), &[])),
        }
    }

    /// Returns the statement for all records, and the values before those of the predicate.
    pub(super) fn all(&self, predicate: &Predicate) -> Option<(Shape, &[Value])> {
        match self {
            Self::Keep => None,
            Self::Update(columns, values) => Some((Shape::UpdateAll(columns.clone(), predicate.clone()), values)),
            Self::Delete => Some((Shape::DeleteAll(predicate.clone()), &[])),
        }
    }
}

impl<R: Columns> Table<R> {
    /// Returns the target of a call; `None` if no record can have the id.
    pub(super) fn target(&self, id: Option<&Id>) -> Option<Target> {
        id.map_or(Some(Target::All), |id| self.key(id).map(Target::One))
    }

    /// Reads a patch; the id stays what it is.
    pub(super) fn patch(&self, patch: &R::PatchDraft) -> Result<Change> {
        let changes = R::changes(patch);
        let fields = changes.iter().filter_map(|(index, value)| Some((*index, self.schema.fields.get(*index)?, value)));
        let row: (Vec<_>, Vec<_>) = fields
            .filter(|(_, field, _)| field.name != self.schema.id)
            .map(|(index, field, value)| Ok((index, value::store(field, &value.borrowed())?)))
            .collect::<Result<_>>()?;
        let (columns, values) = self.fold(row);
        // Every change counts, also one of nothing.
        let counts = self.schema.version().is_some();
        Ok(if columns.is_empty() && !counts { Change::Keep } else { Change::Update(columns, values) })
    }
}
