//! Values between SQLite's columns and fields.

use feathers_core::{DataType, Error, Field, FieldValue, FixedPoint};
use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::driver::sqlite::failure::{Failure, Outcome};
use crate::value::Value;

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
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
        (ValueRef::Integer(micros), DataType::Instant) => FieldValue::Instant(micros),
        (ValueRef::Integer(micros), DataType::Duration) => FieldValue::Duration(micros),
        (ValueRef::Integer(units), DataType::Decimal(scale)) => {
            FieldValue::Decimal(FixedPoint::new(units, scale).ok_or_else(|| wrong(format!("{scale} places")))?)
        }
        (ValueRef::Blob(bytes), DataType::Bytes) => FieldValue::Bytes(bytes.into()),
        (ValueRef::Text(json), kind) if kind.is_nested() => {
            // Always as JSON: a scalar inside keeps every digit.
            match serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))? {
                serde_json::Value::Null => FieldValue::Null,
                json => FieldValue::Json(json),
            }
        }
        (
            ValueRef::Text(text),
            DataType::String | DataType::Date | DataType::Time | DataType::Enum(_) | DataType::Uuid,
        ) => FieldValue::Text(std::str::from_utf8(text).map_err(|error| wrong(error.to_string()))?.into()),
        (value, kind) => return Err(wrong(format!("a value of type {} for a {}", value.data_type(), kind.name()))),
    })
}
