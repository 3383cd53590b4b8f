//! The normal form of filters: what means the same in other words looks the same, and has the same text.

use std::fmt::Write;

use crate::data::field::FieldValue;
use crate::data::query::{Comparison, FieldPath, Filter};

/// Flattens and sorts a filter, and takes out what decides nothing.
pub(crate) fn normal(filter: Filter) -> Filter {
    match filter {
        Filter::All => Filter::All,
        Filter::And(filters) => {
            let mut parts = Vec::with_capacity(filters.len());
            for filter in filters {
                match normal(filter) {
                    Filter::And(inner) => parts.extend(inner),
                    part => parts.push(part),
                }
            }
            if parts.contains(&Filter::NONE) {
                return Filter::NONE;
            }
            let parts = sorted(parts.into_iter().filter(|part| *part != Filter::All));
            if parts.is_empty() { Filter::All } else { one_or(parts, Filter::And) }
        }
        Filter::Or(filters) => {
            let mut parts = Vec::with_capacity(filters.len());
            for filter in filters {
                match normal(filter) {
                    Filter::Or(inner) => parts.extend(inner),
                    part => parts.push(part),
                }
            }
            if parts.contains(&Filter::All) { Filter::All } else { one_or(sorted(parts), Filter::Or) }
        }
        Filter::Field(path, comparison) => match comparison {
            Comparison::In(values) => match one_value(values) {
                Ok(value) => Filter::Field(path, Comparison::Equal(value)),
                Err(values) if values.is_empty() => Filter::NONE,
                Err(values) => Filter::Field(path, Comparison::In(values)),
            },
            Comparison::NotIn(values) => match one_value(values) {
                Ok(value) => Filter::Field(path, Comparison::NotEqual(value)),
                Err(values) if values.is_empty() => Filter::All,
                Err(values) => Filter::Field(path, Comparison::NotIn(values)),
            },
            comparison => Filter::Field(path, comparison),
        },
    }
}

/// Returns the opposite of a filter. Order operators must be of fields that are no lists: with lists, one element may be
/// smaller and another one not.
pub(crate) fn negated(filter: Filter) -> Filter {
    let or_null = |path: FieldPath, comparison| {
        let null = Filter::Field(path.clone(), Comparison::Equal(FieldValue::Null));
        Filter::Or(vec![Filter::Field(path, comparison), null])
    };
    match filter {
        Filter::All => Filter::NONE,
        Filter::And(filters) => Filter::Or(filters.into_iter().map(negated).collect()),
        Filter::Or(filters) => Filter::And(filters.into_iter().map(negated).collect()),
        Filter::Field(path, comparison) => match comparison {
            Comparison::Equal(value) => Filter::Field(path, Comparison::NotEqual(value)),
            Comparison::NotEqual(value) => Filter::Field(path, Comparison::Equal(value)),
            Comparison::In(values) => Filter::Field(path, Comparison::NotIn(values)),
            Comparison::NotIn(values) => Filter::Field(path, Comparison::In(values)),
            Comparison::Less(value) => or_null(path, Comparison::GreaterOrEqual(value)),
            Comparison::LessOrEqual(value) => or_null(path, Comparison::Greater(value)),
            Comparison::Greater(value) => or_null(path, Comparison::LessOrEqual(value)),
            Comparison::GreaterOrEqual(value) => or_null(path, Comparison::Less(value)),
            // No condition has one, and what cannot be turned round means nothing.
            Comparison::Custom(..) => Filter::NONE,
        },
    }
}

/// Writes a filter in normal form, so that equal texts mean equal filters.
pub(crate) fn text(filter: &Filter, out: &mut String) {
    match filter {
        Filter::All => out.push('*'),
        Filter::And(filters) => list('&', filters, out),
        Filter::Or(filters) => list('|', filters, out),
        Filter::Field(path, comparison) => {
            let names: Vec<&str> = std::iter::once(path.name()).chain(path.rest().iter().map(|part| &**part)).collect();
            let (operator, values) = comparison.parts();
            // Writing to a text cannot fail.
            let _ = write!(out, "{names:?}{operator}");
            for value in values {
                let _ = write!(out, "{}{}", value.type_letter(), value.to_json());
                out.push(',');
            }
            if let Comparison::Custom(_, value) = comparison {
                let _ = write!(out, "{value}");
            }
        }
    }
}

fn list(sign: char, filters: &[Filter], out: &mut String) {
    out.push(sign);
    out.push('(');
    for filter in filters {
        text(filter, out);
        out.push(';');
    }
    out.push(')');
}

fn sorted(parts: impl IntoIterator<Item = Filter>) -> Vec<Filter> {
    let mut parts: Vec<Filter> = parts.into_iter().collect();
    if parts.len() > 1 {
        parts.sort_by_cached_key(|part| {
            let mut key = String::new();
            text(part, &mut key);
            key
        });
        parts.dedup();
    }
    parts
}

fn one_or(mut parts: Vec<Filter>, join: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.len() {
        1 => parts.pop().unwrap_or_default(),
        _ => join(parts),
    }
}

/// Sorts values, each of them once; one alone is returned as itself.
fn one_value(mut values: Vec<FieldValue>) -> Result<FieldValue, Vec<FieldValue>> {
    if values.len() > 1 {
        values.sort_by_cached_key(|value| (value.type_letter(), value.to_json().to_string()));
        values.dedup();
    }
    match values.len() {
        1 => Ok(values.pop().unwrap_or_default()),
        _ => Err(values),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::query::{Condition, TypedField};
    use crate::data::record::{Document, Record};

    const A: TypedField<Document, i64> = TypedField::new("a");
    const B: TypedField<Document, Option<i64>> = TypedField::new("b");

    fn key(condition: Condition<Document>) -> String {
        let mut key = String::new();
        text(&condition.into_filter(), &mut key);
        key
    }

    #[test]
    fn what_means_the_same_looks_the_same() {
        let same = [
            [A.eq(1) & B.eq(2), B.eq(2) & A.eq(1)],
            [A.eq(1) & (B.eq(2) & A.ne(3)), (A.ne(3) & A.eq(1)) & B.eq(2)],
            [A.one_of([2, 1, 2]), A.one_of([1, 2])],
            [A.one_of([1]), A.eq(1)],
            [A.one_of([] as [i64; 0]), Condition::none()],
            [A.eq(1) & Condition::none(), false.into()],
            [A.eq(1) | Condition::all(), true.into()],
            [A.eq(1) | A.eq(1), A.eq(1)],
            [!!A.eq(1), A.eq(1)],
            [!(A.eq(1) | B.eq(2)), A.ne(1) & B.ne(2)],
        ];
        for [one, other] in same {
            let shown = format!("{one:?} {other:?}");
            assert_eq!(key(one), key(other), "{shown}");
        }
        let differing = [A.eq(1), A.ne(1), A.eq(2), B.eq(1), A.lt(1), A.lte(1), A.eq(1) & B.eq(1), A.eq(1) | B.eq(1)];
        let mut keys: Vec<_> = differing.into_iter().map(key).collect();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 8);
    }

    #[test]
    fn a_condition_and_its_opposite_share_no_record_and_leave_none_out() {
        let conditions = || [B.lt(1), B.lte(1), B.gt(1), B.gte(1), B.eq(1), B.ne(1), B.one_of([0, 1]), B.is_null()];
        for value in [
            serde_json::json!({}),
            serde_json::json!({ "b": 0 }),
            serde_json::json!({ "b": 1 }),
            serde_json::json!({ "b": 2 }),
        ] {
            let record: Document = serde_json::from_value(value).unwrap_or_default();
            let matches = |condition: Condition<Document>| condition.into_filter().matches(&|path| record.lookup(path));
            for condition in conditions() {
                assert_ne!(matches(condition.clone()), matches(!condition.clone()), "{condition:?} {record:?}");
            }
        }
    }
}
