//! What conditions cost: counted in one place, for all stores.

use serde_json::Value;

use crate::data::field::FieldValue;
use crate::data::query::{Comparison, Filter};

/// So many bytes of a text that an extra operator looks through cost as much as one comparison.
const BYTES: usize = 16;

/// Returns how many comparisons a record must undergo at most.
pub(super) fn of(filter: &Filter) -> u64 {
    match filter {
        Filter::All => 0,
        Filter::And(filters) | Filter::Or(filters) => filters.iter().map(of).sum(),
        Filter::Field(path, comparison) => path.rest().len() as u64 + compared(comparison),
    }
}

fn compared(comparison: &Comparison) -> u64 {
    match comparison {
        Comparison::Equal(value)
        | Comparison::NotEqual(value)
        | Comparison::Less(value)
        | Comparison::LessOrEqual(value)
        | Comparison::Greater(value)
        | Comparison::GreaterOrEqual(value) => one(value),
        Comparison::In(values) | Comparison::NotIn(values) => values.iter().map(one).sum::<u64>().max(1),
        Comparison::Custom(_, value) => json(value, |text| 1 + (text.len() / BYTES) as u64),
    }
}

fn one(value: &FieldValue) -> u64 {
    match value {
        FieldValue::Json(value) => json(value, |_| 1),
        _ => 1,
    }
}

/// Counts the values in JSON; its depth was looked at when it was read.
fn json(value: &Value, text: fn(&str) -> u64) -> u64 {
    match value {
        Value::String(value) => text(value),
        Value::Array(items) => 1 + items.iter().map(|item| json(item, text)).sum::<u64>(),
        Value::Object(fields) => 1 + fields.values().map(|item| json(item, text)).sum::<u64>(),
        _ => 1,
    }
}
