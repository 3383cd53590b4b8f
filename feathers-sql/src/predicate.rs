//! Predicates: what a filter looks like in SQL, without its values.
//!
//! Two filters of the same shape have the same predicate, so that the SQL text and the prepared statement are shared.

use crate::operator::Operator;

/// A condition on the columns of one table; columns are indices of the schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Predicate {
    /// Every row.
    Always,
    /// No row.
    Never,
    /// Rows for which all hold.
    All(Vec<Self>),
    /// Rows for which one holds.
    Any(Vec<Self>),
    /// The column has no value.
    Null(usize),
    /// The column has a value.
    NotNull(usize),
    /// The column has a value and it compares so with one bound value.
    Compare(usize, Operator),
    /// The column's value is one of this many bound values.
    In(usize, usize),
    /// The column has a value and it is none of this many bound values.
    NotIn(usize, usize),
}

impl Predicate {
    /// Joins conditions that must all hold.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        Self::join(parts, Self::Always, Self::Never, Self::All)
    }

    /// Joins conditions of which one must hold.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        Self::join(parts, Self::Never, Self::Always, Self::Any)
    }

    /// `neutral` changes nothing, `decisive` decides the whole.
    fn join(mut parts: Vec<Self>, neutral: Self, decisive: Self, join: fn(Vec<Self>) -> Self) -> Self {
        parts.retain(|part| *part != neutral);
        if parts.contains(&decisive) {
            return decisive;
        }
        match parts.len() {
            0 => neutral,
            1 => parts.pop().unwrap_or(neutral),
            _ => join(parts),
        }
    }

    /// Returns how many values it is bound to.
    pub(super) fn values(&self) -> usize {
        match self {
            Self::Always | Self::Never | Self::Null(_) | Self::NotNull(_) => 0,
            Self::All(parts) | Self::Any(parts) => parts.iter().map(Self::values).sum(),
            Self::Compare(..) => 1,
            Self::In(_, values) | Self::NotIn(_, values) => *values,
        }
    }
}
