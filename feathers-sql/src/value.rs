//! Values on their way into columns: what is bound to a statement, in any database.
//!
//! Booleans are stored as 0 and 1, everything of kind JSON as JSON text. `null` and missing are both `NULL`.

use feathers_core::{DataType, Error, Field, FieldRef};

/// A value that is bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
}

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
    compare(value).ok_or_else(|| Error::internal(format!("the database has no type for what is in '{}'", field.name)))
}

/// Makes the value to compare a column with; `None` for one that no column can hold.
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
