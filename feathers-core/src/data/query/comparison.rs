//! Comparisons: the operators of queries, all that is known of each in one place.
//!
//! An operator that every store knows is a variant here, a row in [`OPERATORS`] and an arm in each function below. A
//! store that filters by itself, such as SQL, says how it writes it.

use std::cmp::Ordering;
use std::slice;
use std::sync::Arc;

use serde_json::Value;

use crate::data::error::Result;
use crate::data::field::{FieldRef, FieldValue};
use crate::data::query::QueryOptions;
use crate::data::query::evaluate::{any, equal, order};

/// How a field is compared. Values are typed: a text never equals a number.
///
/// The rules are those of `MongoDB`, as in Feathers: `null` matches a missing field, and an array matches when an
/// element does. An ordering operator matches only values of its own type, and never `null`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Comparison {
    /// The same value.
    Equal(FieldValue),
    /// `$ne`: another value.
    NotEqual(FieldValue),
    /// `$in`: one of these.
    In(Vec<FieldValue>),
    /// `$nin`: none of these.
    NotIn(Vec<FieldValue>),
    /// `$lt`.
    Less(FieldValue),
    /// `$lte`.
    LessOrEqual(FieldValue),
    /// `$gt`.
    Greater(FieldValue),
    /// `$gte`.
    GreaterOrEqual(FieldValue),
    /// A whitelisted extra operator, such as `$like`, with its raw value.
    Custom(Arc<str>, Value),
}

/// How an operator is read.
enum Operand {
    /// One value of the field's type.
    One(fn(FieldValue) -> Comparison),
    /// A list of such values, or one of them.
    List(fn(Vec<FieldValue>) -> Comparison),
}

/// The operators that every store knows.
const OPERATORS: [(&str, Operand); 7] = [
    ("$in", Operand::List(Comparison::In)),
    ("$nin", Operand::List(Comparison::NotIn)),
    ("$lt", Operand::One(Comparison::Less)),
    ("$lte", Operand::One(Comparison::LessOrEqual)),
    ("$gt", Operand::One(Comparison::Greater)),
    ("$gte", Operand::One(Comparison::GreaterOrEqual)),
    ("$ne", Operand::One(Comparison::NotEqual)),
];

/// The names of the operators, and of what joins conditions.
pub(super) const NAMES: [&str; OPERATORS.len() + 2] = {
    let mut names = ["$or"; OPERATORS.len() + 2];
    let mut index = 0;
    while index < OPERATORS.len() {
        names[index] = OPERATORS[index].0;
        index += 1;
    }
    names[index + 1] = "$and";
    names
};

/// So many bytes of a text that an extra operator looks through cost as much as one comparison.
const BYTES: usize = 16;

impl Comparison {
    /// Reads a comparison by an operator; `value` turns JSON into the type of the field. `None` is an unknown operator.
    pub(super) fn read(
        operator: &str,
        operand: &Value,
        options: &QueryOptions,
        mut value: impl FnMut(&Value) -> Result<FieldValue>,
    ) -> Result<Option<Self>> {
        Ok(Some(match OPERATORS.iter().find(|(name, _)| *name == operator) {
            Some((_, Operand::One(comparison))) => comparison(value(operand)?),
            Some((_, Operand::List(comparison))) => comparison(match operand {
                Value::Array(items) => items.iter().map(value).collect::<Result<_>>()?,
                one => vec![value(one)?],
            }),
            None => match options.operators.get(operator) {
                Some(operator) => Self::Custom(operator.clone(), operand.clone()),
                None => return Ok(None),
            },
        }))
    }

    /// Makes a comparison by order one with the words of an enum, which are ordered as they stand there.
    pub(super) fn among(self, words: &[&str]) -> Self {
        let position = |value: &FieldValue| match value {
            FieldValue::Text(text) => words.iter().position(|word| *word == &**text),
            _ => None,
        };
        let within = |words: &[&str]| Self::In(words.iter().map(|word| FieldValue::Text((*word).into())).collect());
        let from = |start: usize| within(words.get(start..).unwrap_or_default());
        let to = |end: usize| within(words.get(..end).unwrap_or_default());
        match &self {
            Self::Less(value) => to(position(value).unwrap_or_default()),
            Self::LessOrEqual(value) => to(position(value).map_or(0, |position| position + 1)),
            Self::Greater(value) => from(position(value).map_or(words.len(), |position| position + 1)),
            Self::GreaterOrEqual(value) => from(position(value).unwrap_or(words.len())),
            _ => self,
        }
    }

    /// Tells whether a value matches. Extra operators are the business of stores that know them; here they match
    /// nothing.
    pub(super) fn matches(&self, field: &FieldRef<'_>) -> bool {
        match self {
            Self::Equal(value) => any(field, |field| equal(field, value)),
            Self::NotEqual(value) => !any(field, |field| equal(field, value)),
            Self::In(values) => any(field, |field| values.iter().any(|value| equal(field, value))),
            Self::NotIn(values) => !any(field, |field| values.iter().any(|value| equal(field, value))),
            Self::Less(value) => any(field, |field| order(field, value) == Some(Ordering::Less)),
            Self::LessOrEqual(value) => any(field, |field| order(field, value).is_some_and(Ordering::is_le)),
            Self::Greater(value) => any(field, |field| order(field, value) == Some(Ordering::Greater)),
            Self::GreaterOrEqual(value) => any(field, |field| order(field, value).is_some_and(Ordering::is_ge)),
            Self::Custom(..) => false,
        }
    }

    /// Returns the operator and the values; those of an extra operator are its own business.
    pub(super) fn parts(&self) -> (&str, &[FieldValue]) {
        match self {
            Self::Equal(value) => ("=", slice::from_ref(value)),
            Self::NotEqual(value) => ("$ne", slice::from_ref(value)),
            Self::In(values) => ("$in", values),
            Self::NotIn(values) => ("$nin", values),
            Self::Less(value) => ("$lt", slice::from_ref(value)),
            Self::LessOrEqual(value) => ("$lte", slice::from_ref(value)),
            Self::Greater(value) => ("$gt", slice::from_ref(value)),
            Self::GreaterOrEqual(value) => ("$gte", slice::from_ref(value)),
            Self::Custom(operator, _) => (operator, &[]),
        }
    }

    /// Returns how many values one value is compared with at most.
    pub(super) fn cost(&self) -> u64 {
        match self {
            Self::Equal(value)
            | Self::NotEqual(value)
            | Self::Less(value)
            | Self::LessOrEqual(value)
            | Self::Greater(value)
            | Self::GreaterOrEqual(value) => cost_of(value),
            Self::In(values) | Self::NotIn(values) => values.iter().map(cost_of).sum::<u64>().max(1),
            Self::Custom(_, value) => cost_of_json(value, |text| 1 + (text.len() / BYTES) as u64),
        }
    }

    /// Also takes what a text is the text of, which `meant` returns: one comparison, or two of which one must match.
    pub(super) fn or_meant(self, meant: impl Fn(&FieldValue) -> Option<FieldValue>) -> (Self, Option<Self>) {
        let with_meant = |mut values: Vec<FieldValue>| {
            let others: Vec<_> = values.iter().filter_map(&meant).collect();
            values.extend(others);
            values
        };
        let either = |value: FieldValue, order: fn(FieldValue) -> Self| {
            let other = meant(&value).map(order);
            (order(value), other)
        };
        match self {
            Self::Equal(value) => (Self::In(with_meant(vec![value])), None),
            Self::NotEqual(value) => (Self::NotIn(with_meant(vec![value])), None),
            Self::In(values) => (Self::In(with_meant(values)), None),
            Self::NotIn(values) => (Self::NotIn(with_meant(values)), None),
            Self::Less(value) => either(value, Self::Less),
            Self::LessOrEqual(value) => either(value, Self::LessOrEqual),
            Self::Greater(value) => either(value, Self::Greater),
            Self::GreaterOrEqual(value) => either(value, Self::GreaterOrEqual),
            Self::Custom(..) => (self, None),
        }
    }
}

fn cost_of(value: &FieldValue) -> u64 {
    match value {
        FieldValue::Json(value) => cost_of_json(value, |_| 1),
        _ => 1,
    }
}

/// Counts the values in JSON; its depth was looked at when it was read.
fn cost_of_json(value: &Value, text: fn(&str) -> u64) -> u64 {
    match value {
        Value::String(value) => text(value),
        Value::Array(items) => 1 + items.iter().map(|item| cost_of_json(item, text)).sum::<u64>(),
        Value::Object(fields) => 1 + fields.values().map(|item| cost_of_json(item, text)).sum::<u64>(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::query::Query;

    #[test]
    fn each_operator_is_read_as_its_own_comparison_and_has_a_cost() {
        let read = |name: &str| {
            let value = |value: &Value| Ok(FieldValue::from(value.clone()));
            Comparison::read(name, &Value::from(1), &QueryOptions::default(), value).unwrap()
        };
        let all: Vec<_> = OPERATORS.iter().map(|(name, _)| read(name).unwrap()).collect();
        for (index, comparison) in all.iter().enumerate() {
            assert_eq!(comparison.cost(), 1, "{comparison:?}");
            assert!(!all[..index].contains(comparison), "{comparison:?} stands twice");
            // One of 0, 1 and 2 matches, and not all of them do.
            let matching = (0..3).filter(|number| comparison.matches(&FieldRef::Int(*number))).count();
            assert!((1..3).contains(&matching), "{comparison:?}");
        }
        assert_eq!(read("$like"), None);
        let names = ["$in", "$nin", "$lt", "$lte", "$gt", "$gte", "$ne", "$or", "$and"];
        assert_eq!(Query::OPERATORS, names);
    }
}
