//! Evaluation of filters and sorts on typed values, as `MongoDB` does it.
//!
//! - A missing field is `null`.
//! - An array matches when it does as a whole or when one of its elements does; `$ne` and `$nin` are the opposite.
//! - Ordering operators match only values of the same type: numbers, texts, booleans, instants, durations, decimals.
//!   `null` has no order.
//! - Texts are ordered by their code points.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::data::field::{FieldRef, FieldValue};
use crate::data::query::{FieldPath, Filter};

pub(super) fn matches<'a>(filter: &Filter, lookup: &impl Fn(&FieldPath) -> FieldRef<'a>) -> bool {
    match filter {
        Filter::All => true,
        Filter::And(filters) => filters.iter().all(|filter| matches(filter, lookup)),
        Filter::Or(filters) => filters.iter().any(|filter| matches(filter, lookup)),
        Filter::Field(path, comparison) => comparison.matches(&lookup(path)),
    }
}

/// Tests the value and, if it is an array, its elements.
pub(super) fn any(field: &FieldRef<'_>, test: impl Fn(&FieldRef<'_>) -> bool) -> bool {
    match field {
        FieldRef::Json(json) => match &**json {
            Value::Array(items) => test(field) || items.iter().any(|item| test(&FieldRef::from_json(item))),
            Value::Object(_) => test(field),
            scalar => test(&FieldRef::from_json(scalar)),
        },
        _ => test(field),
    }
}

pub(super) fn equal(field: &FieldRef<'_>, value: &FieldValue) -> bool {
    match (field, value) {
        (FieldRef::Null, FieldValue::Null) => true,
        (FieldRef::Bool(a), FieldValue::Bool(b)) => a == b,
        (FieldRef::Int(a), FieldValue::Int(b))
        | (FieldRef::Instant(a), FieldValue::Instant(b))
        | (FieldRef::Duration(a), FieldValue::Duration(b)) => a == b,
        (FieldRef::Text(a), FieldValue::Text(b)) => **a == **b,
        (FieldRef::Decimal(a), FieldValue::Decimal(b)) => a == b,
        (FieldRef::Bytes(a), FieldValue::Bytes(b)) => **a == **b,
        (FieldRef::Json(a), FieldValue::Json(b)) => same(a, b),
        _ => numbers(field, &value.borrowed()) == Some(Ordering::Equal),
    }
}

/// Deep equality; 1 and 1.0 are the same, the order of names does not count.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (Value::Number(_), Value::Number(_)) => {
            numbers(&FieldRef::from_json(a), &FieldRef::from_json(b)) == Some(Ordering::Equal)
        }
        _ => a == b,
    }
}

/// Orders two values of the same type; `None` if the types differ or have no order.
pub(super) fn order(field: &FieldRef<'_>, value: &FieldValue) -> Option<Ordering> {
    match (field, value) {
        (FieldRef::Bool(a), FieldValue::Bool(b)) => Some(a.cmp(b)),
        (FieldRef::Text(a), FieldValue::Text(b)) => Some((**a).cmp(&**b)),
        (FieldRef::Instant(a), FieldValue::Instant(b)) | (FieldRef::Duration(a), FieldValue::Duration(b)) => {
            Some(a.cmp(b))
        }
        (FieldRef::Decimal(a), FieldValue::Decimal(b)) => Some(a.cmp(b)),
        (FieldRef::Bytes(a), FieldValue::Bytes(b)) => Some((**a).cmp(&**b)),
        _ => numbers(field, &value.borrowed()),
    }
}

/// Orders two numbers exactly, whole or not; `None` if one is no number.
fn numbers(a: &FieldRef<'_>, b: &FieldRef<'_>) -> Option<Ordering> {
    match (a, b) {
        (FieldRef::Int(a), FieldRef::Int(b)) => Some(a.cmp(b)),
        (FieldRef::Float(a), FieldRef::Float(b)) => a.partial_cmp(b),
        (FieldRef::Int(a), FieldRef::Float(b)) => mixed(*a, *b),
        (FieldRef::Float(a), FieldRef::Int(b)) => mixed(*b, *a).map(Ordering::reverse),
        _ => None,
    }
}

fn mixed(whole: i64, float: f64) -> Option<Ordering> {
    // 2^63: every float from here on is larger than every i64.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= BOUND {
        return Some(Ordering::Less);
    }
    if float < -BOUND {
        return Some(Ordering::Greater);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the float is in the range of i64")]
    let truncated = float.trunc() as i64;
    Some(whole.cmp(&truncated).then_with(|| 0.0_f64.partial_cmp(&float.fract()).unwrap_or(Ordering::Equal)))
}

/// The place of a value's type in the order of `$sort`.
fn rank(value: &FieldRef<'_>) -> u8 {
    match value {
        FieldRef::Null => 0,
        FieldRef::Int(_) | FieldRef::Float(_) => 1,
        FieldRef::Text(_) => 2,
        FieldRef::Bool(_) => 3,
        FieldRef::Json(json) => match &**json {
            Value::Array(_) => 4,
            Value::Object(_) => 5,
            scalar => rank(&FieldRef::from_json(scalar)),
        },
        FieldRef::Instant(_) => 6,
        FieldRef::Duration(_) => 7,
        FieldRef::Decimal(_) => 8,
        FieldRef::Bytes(_) => 9,
    }
}

pub(super) fn compare(a: &FieldRef<'_>, b: &FieldRef<'_>) -> Ordering {
    match (a, b) {
        (FieldRef::Text(a), FieldRef::Text(b)) => (**a).cmp(&**b),
        (FieldRef::Bool(a), FieldRef::Bool(b)) => a.cmp(b),
        (FieldRef::Instant(a), FieldRef::Instant(b)) | (FieldRef::Duration(a), FieldRef::Duration(b)) => a.cmp(b),
        (FieldRef::Decimal(a), FieldRef::Decimal(b)) => a.cmp(b),
        (FieldRef::Bytes(a), FieldRef::Bytes(b)) => a.cmp(b),
        (FieldRef::Float(a), FieldRef::Float(b)) => a.partial_cmp(b).unwrap_or_else(|| a.total_cmp(b)),
        (FieldRef::Json(json), _) if is_scalar(json) => compare(&FieldRef::from_json(json), b),
        (_, FieldRef::Json(json)) if is_scalar(json) => compare(a, &FieldRef::from_json(json)),
        (FieldRef::Json(a), FieldRef::Json(b)) => compare_json(a, b),
        _ => numbers(a, b).unwrap_or_else(|| rank(a).cmp(&rank(b))),
    }
}

fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

fn compare_json(a: &Value, b: &Value) -> Ordering {
    let inner = |a: &Value, b: &Value| compare(&FieldRef::from_json(a), &FieldRef::from_json(b));
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            let differing = a.iter().zip(b).map(|(a, b)| inner(a, b)).find(|order| order.is_ne());
            differing.unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let (a, b) = (by_name(a), by_name(b));
            let differing = a.iter().zip(&b).map(|((_, a), (_, b))| inner(a, b)).find(|order| order.is_ne());
            differing
                .unwrap_or_else(|| a.len().cmp(&b.len()))
                .then_with(|| a.iter().map(|(name, _)| name).cmp(b.iter().map(|(name, _)| name)))
        }
        _ => matches!(a, Value::Object(_)).cmp(&matches!(b, Value::Object(_))),
    }
}

fn by_name(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = object.iter().collect();
    entries.sort_unstable_by_key(|(name, _)| *name);
    entries
}
