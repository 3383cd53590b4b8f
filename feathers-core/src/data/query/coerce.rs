//! Coercion of query values to the types of the schema, by the rules of Ajv's `coerceTypes`.
//!
//! REST sends every value as text, sockets keep the JSON type; both mean the same query.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::data::data_type::DataType;
use crate::data::field::FieldValue;
use crate::data::normal_form;
use crate::data::number::{decimal, whole, whole_float};
use crate::data::schema::Field;

/// Returns the value as the field's type; `None` if it does not fit.
///
/// `null` stays `null`, also where the field cannot hold it: it equals no value then.
pub(super) fn coerce(value: &Value, field: &Field) -> Option<FieldValue> {
    let typed = match (field.data_type, value) {
        // A list is looked for as a whole, anything else among its items.
        (DataType::List(item), Value::Array(items)) => {
            let items = items.iter().map(|value| of_type(value, *item).map(|value| value.to_json()));
            items.collect::<Option<_>>().map(FieldValue::Json)
        }
        (DataType::List(item), value) => of_type(value, *item).map(|value| FieldValue::from(value.to_json())),
        (DataType::Object(_), value) => Some(FieldValue::from(value.clone())),
        (DataType::String, Value::Null) => Some(FieldValue::Null),
        (DataType::String, value) => {
            text(value).map(|text| FieldValue::Text(normal_form::of_field(&text, field).into()))
        }
        (kind, value) => of_type(value, kind),
    };
    // In the text of a query, no text is no value, unless the type has an empty one.
    let is_null = || field.nullable && value.as_str().is_some_and(str::is_empty);
    typed.or_else(|| is_null().then_some(FieldValue::Null))
}

fn of_type(value: &Value, kind: DataType) -> Option<FieldValue> {
    match (kind, value) {
        (_, Value::Null) => Some(FieldValue::Null),
        (DataType::Boolean, value) => boolean(value).map(FieldValue::Bool),
        (DataType::Integer, value) => integer(value).map(FieldValue::Int),
        (DataType::Number, value) => number(value),
        (DataType::String, value) => text(value).map(|text| FieldValue::Text(text.into())),
        // A text in any transport, and trimmed as one of a number is.
        (DataType::Decimal(_), Value::String(text)) => kind.read(&Value::from(text.trim())),
        (kind, value) => kind.read(value),
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(false),
            Some(1.0) => Some(true),
            _ => None,
        },
        _ => None,
    }
}

/// Reads a whole number, however it is written.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some((*value).into()),
        Value::Number(number) => whole(number),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole_float(decimal(text)?))
        }
        _ => None,
    }
}

fn number(value: &Value) -> Option<FieldValue> {
    match value {
        Value::String(text) => decimal(text.trim()).map(FieldValue::Float),
        Value::Bool(value) => Some(FieldValue::Float(f64::from(u8::from(*value)))),
        Value::Number(number) => number.as_f64().map(FieldValue::Float),
        _ => None,
    }
}

/// Tells whether a value is a number, or the text of one.
pub(super) fn is_number(value: &Value) -> bool {
    number(value).is_some()
}

/// Returns the number or boolean that a text is the text of.
pub(super) fn meant(text: &FieldValue) -> Option<FieldValue> {
    let FieldValue::Text(text) = text else { return None };
    match &**text {
        "true" => Some(FieldValue::Bool(true)),
        "false" => Some(FieldValue::Bool(false)),
        text => match (text.parse(), decimal(text)) {
            (Ok(number), _) => Some(FieldValue::Int(number)),
            (_, Some(number)) => Some(FieldValue::Float(number)),
            _ => None,
        },
    }
}

/// Returns the text that JavaScript makes of a scalar.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number_text(number)),
        _ => None,
    }
}

/// Writes a number; JavaScript knows no difference between 1 and 1.0.
pub(super) fn number_text(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// Reads a whole number as JavaScript's `parseInt(value, 10)` does: the digits that the text begins with.
pub(super) fn parse_int(value: &Value) -> Option<i64> {
    let text = match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) => return Some(number),
            None => Cow::Owned(number_text(number)),
        },
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Array(items) => Cow::Owned(text(items.first()?)?),
        _ => return None,
    };
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let digits = &digits[..end];
    if digits.is_empty() {
        return None;
    }
    let number = digits.parse().unwrap_or(i64::MAX);
    Some(if negative { -number } else { number })
}
