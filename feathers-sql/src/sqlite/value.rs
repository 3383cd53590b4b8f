//! Values on their way into columns and back.
//!
//! Booleans are stored as 0 and 1, everything of kind JSON as JSON text. `null` and missing are both `NULL`.

use feathers_core::{DataType, Error, Field, FieldRef, FieldValue};
use rusqlite::types::{Value, ValueRef};

use crate::sqlite::failure::{Failure, Outcome};

/// Makes the value to store in a field's column; a number that JSON cannot express is a 400.
pub(super) fn store(field: &Field, value: &FieldRef<'_>) -> Result<Value, Error> {
    if let FieldRef::Float(number) = value
        && !number.is_finite()
    {
        return Err(Error::bad_request(format!("'{}' must be a finite number", field.name)));
    }
    if field.data_type == DataType::Json {
        return Ok(match value {
            FieldRef::Null => Value::Null,
            FieldRef::Json(json) => Value::Text(serde_json::to_string(json)?),
            scalar => Value::Text(scalar.clone().into_owned().to_json().to_string()),
        });
    }
    compare(value).ok_or_else(|| Error::internal(format!("SQLite has no type for what is in '{}'", field.name)))
}

/// Makes the value to compare a column with; `None` for one that SQLite has no type for.
pub(super) fn compare(value: &FieldRef<'_>) -> Option<Value> {
    Some(match value {
        FieldRef::Null => Value::Null,
        FieldRef::Bool(value) => Value::Integer((*value).into()),
        FieldRef::Int(value) => Value::Integer(*value),
        FieldRef::Float(value) => Value::Real(*value),
        FieldRef::Text(value) => Value::Text(value.clone().into_owned()),
        FieldRef::Json(value) => Value::Text(value.to_string()),
        _ => return None,
    })
}

/// Reads the value of a field's column; what cannot be there is an internal error that names the column.
#[expect(clippy::cast_precision_loss, reason = "the column is a number of double precision")]
pub(super) fn read(field: &Field, value: ValueRef<'_>) -> Outcome<FieldValue> {
    let wrong = |what: String| Failure::Error(Error::internal(format!("column '{}' holds {what}", field.name)));
    Ok(match (value, field.data_type) {
        (ValueRef::Null, _) => FieldValue::Null,
        (ValueRef::Integer(number), DataType::Boolean) => FieldValue::Bool(number != 0),
        (ValueRef::Integer(number), DataType::Number) => FieldValue::Float(number as f64),
        (ValueRef::Integer(number), DataType::Integer) => FieldValue::Int(number),
        (ValueRef::Real(number), DataType::Number) => FieldValue::Float(number),
        (ValueRef::Text(json), DataType::Json) => {
            // Always as JSON: a scalar inside keeps every digit.
            match serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))? {
                serde_json::Value::Null => FieldValue::Null,
                json => FieldValue::Json(json),
            }
        }
        (ValueRef::Text(text), DataType::String) => {
            FieldValue::Text(std::str::from_utf8(text).map_err(|error| wrong(error.to_string()))?.into())
        }
        (value, kind) => return Err(wrong(format!("a value of type {} for a {}", value.data_type(), kind.name()))),
    })
}
