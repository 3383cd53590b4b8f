//! Values on their way into columns: what is bound to a statement, in any database.
//!
//! Booleans are stored as 0 and 1, instants and durations as microseconds, decimals in units of their last place, and
//! lists, objects and JSON as JSON text. `null` and missing are both `NULL`.

use feathers_core::{DataType, Error, Field, FieldRef, FixedPoint};

/// A value that is bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Makes the value to store in a field's column; one that no store keeps is a 400.
pub(super) fn store(field: &Field, value: &FieldRef<'_>) -> Result<Value, Error> {
    field.check(value)?;
    if field.data_type.is_nested() {
        return Ok(match value {
            FieldRef::Null => Value::Null,
            FieldRef::Json(json) => Value::Text(serde_json::to_string(json)?),
            scalar => Value::Text(scalar.to_json().to_string()),
        });
    }
    let value = match (field.data_type, value) {
        (DataType::Decimal(scale), FieldRef::Decimal(number)) => units(*number, scale),
        (_, value) => compare(value),
    };
    value.ok_or_else(|| Error::internal(format!("the database has no type for what is in '{}'", field.name)))
}

/// Makes the value to compare a column with; `None` for one that no column can hold.
pub(super) fn compare(value: &FieldRef<'_>) -> Option<Value> {
    Some(match value {
        FieldRef::Null => Value::Null,
        FieldRef::Bool(value) => Value::Integer((*value).into()),
        FieldRef::Int(value) => Value::Integer(*value),
        FieldRef::Float(value) => Value::Real(*value),
        FieldRef::Text(value) => Value::Text(value.clone().into_owned()),
        FieldRef::Instant(micros) | FieldRef::Duration(micros) => Value::Integer(*micros),
        FieldRef::Bytes(bytes) => Value::Blob(bytes.clone().into_owned()),
        FieldRef::Json(value) => Value::Text(value.to_string()),
        _ => return None,
    })
}

/// Makes the value of a decimal in a column of this scale; `None` for one that it cannot hold.
pub(super) fn units(number: FixedPoint, scale: u8) -> Option<Value> {
    number.rescale(scale).map(|number| Value::Integer(number.units()))
}
