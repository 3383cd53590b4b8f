//! Operators: how the comparisons that every store knows are written in SQL.

use feathers_core::{Comparison, FieldValue};
use sea_query::{Expr, ExprTrait};

/// A comparison of a column with one bound value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What a column is compared with.
pub(super) enum Operand<'a> {
    /// One value.
    One(Operator, &'a FieldValue),
    /// Each of a list: one of them is the same.
    In(&'a [FieldValue]),
    /// Each of a list: none of them is the same.
    NotIn(&'a [FieldValue]),
}

impl<'a> Operand<'a> {
    /// Reads a comparison; `None` is one that SQL does not know.
    pub(super) fn of(comparison: &'a Comparison) -> Option<Self> {
        Some(match comparison {
            Comparison::Equal(value) => Self::One(Operator::Equal, value),
            Comparison::NotEqual(value) => Self::One(Operator::NotEqual, value),
            Comparison::Less(value) => Self::One(Operator::Less, value),
            Comparison::LessOrEqual(value) => Self::One(Operator::LessOrEqual, value),
            Comparison::Greater(value) => Self::One(Operator::Greater, value),
            Comparison::GreaterOrEqual(value) => Self::One(Operator::GreaterOrEqual, value),
            Comparison::In(values) => Self::In(values),
            Comparison::NotIn(values) => Self::NotIn(values),
            _ => return None,
        })
    }
}

impl Operator {
    /// Tells whether a value that a column cannot hold matches every value in it.
    pub(super) fn is_negative(self) -> bool {
        self == Self::NotEqual
    }

    /// Tells whether it asks which of two values is larger.
    pub(super) fn is_order(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// Writes it.
    pub(super) fn between(self, column: Expr, value: Expr) -> Expr {
        match self {
            Self::Equal => column.eq(value),
            Self::NotEqual => column.ne(value),
            Self::Less => column.lt(value),
            Self::LessOrEqual => column.lte(value),
            Self::Greater => column.gt(value),
            Self::GreaterOrEqual => column.gte(value),
        }
    }
}
