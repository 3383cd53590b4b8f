//! Field values: what filters, sorts and databases compare and store.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::data::data_type::DataType;
use crate::data::error::{Error, Result};
use crate::data::text;
use crate::data::types::{Bytes, FixedPoint, base64};

/// An owned field value, typed by the schema.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum FieldValue {
    /// No value; a missing field is the same.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A text; a date, a time of the day, a word of an enum and a UUID are texts too.
    Text(Arc<str>),
    /// An instant: microseconds since 1970, in UTC.
    Instant(i64),
    /// A duration: microseconds.
    Duration(i64),
    /// A decimal number.
    Decimal(FixedPoint),
    /// Bytes.
    Bytes(Bytes),
    /// An array or an object.
    Json(Value),
}

/// A borrowed field value.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum FieldRef<'a> {
    /// No value; a missing field is the same.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating point number.
    Float(f64),
    /// A text; a date, a time of the day, a word of an enum and a UUID are texts too.
    Text(Cow<'a, str>),
    /// An instant: microseconds since 1970, in UTC.
    Instant(i64),
    /// A duration: microseconds.
    Duration(i64),
    /// A decimal number.
    Decimal(FixedPoint),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// An array or an object.
    Json(Cow<'a, Value>),
}

impl FieldValue {
    /// Borrows it.
    pub fn borrowed(&self) -> FieldRef<'_> {
        match self {
            Self::Null => FieldRef::Null,
            Self::Bool(value) => FieldRef::Bool(*value),
            Self::Int(value) => FieldRef::Int(*value),
            Self::Float(value) => FieldRef::Float(*value),
            Self::Text(value) => FieldRef::Text(Cow::Borrowed(value)),
            Self::Instant(micros) => FieldRef::Instant(*micros),
            Self::Duration(micros) => FieldRef::Duration(*micros),
            Self::Decimal(value) => FieldRef::Decimal(*value),
            Self::Bytes(value) => FieldRef::Bytes(Cow::Borrowed(value)),
            Self::Json(value) => FieldRef::Json(Cow::Borrowed(value)),
        }
    }

    /// Returns a letter for the kind of value: two kinds may have the same JSON.
    pub(crate) fn type_letter(&self) -> char {
        match self {
            Self::Null => 'n',
            Self::Bool(_) => 'b',
            Self::Int(_) => 'i',
            Self::Float(_) => 'f',
            Self::Text(_) => 't',
            Self::Instant(_) => 'm',
            Self::Duration(_) => 'd',
            Self::Decimal(_) => 'x',
            Self::Bytes(_) => 'y',
            Self::Json(_) => 'j',
        }
    }

    /// Makes a value that borrows nothing.
    pub(crate) fn into_ref(self) -> FieldRef<'static> {
        match self {
            Self::Null => FieldRef::Null,
            Self::Bool(value) => FieldRef::Bool(value),
            Self::Int(value) => FieldRef::Int(value),
            Self::Float(value) => FieldRef::Float(value),
            Self::Text(text) => FieldRef::Text(Cow::Owned(text.to_string())),
            Self::Instant(micros) => FieldRef::Instant(micros),
            Self::Duration(micros) => FieldRef::Duration(micros),
            Self::Decimal(value) => FieldRef::Decimal(value),
            Self::Bytes(value) => FieldRef::Bytes(Cow::Owned(value.into())),
            Self::Json(value) => FieldRef::Json(Cow::Owned(value)),
        }
    }

    /// Returns the JSON form, as on the wire.
    pub fn to_json(&self) -> Value {
        self.borrowed().to_json()
    }
}

impl<'a> FieldRef<'a> {
    /// Borrows the value inside a JSON value; scalars become typed.
    pub fn from_json(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Self::Int(number),
                None => Self::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(_) | Value::Object(_) => Self::Json(Cow::Borrowed(value)),
        }
    }

    /// Returns the JSON form, as on the wire.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::from(*value),
            Self::Float(value) => Value::from(*value),
            Self::Text(value) => Value::from(&**value),
            Self::Instant(micros) => Value::from(text::instant::write(*micros)),
            Self::Duration(micros) => Value::from(text::duration::write(*micros)),
            Self::Decimal(value) => Value::from(value.to_string()),
            Self::Bytes(value) => Value::from(base64(value)),
            Self::Json(value) => Value::clone(value),
        }
    }

    /// Makes an owned copy.
    pub fn into_owned(self) -> FieldValue {
        match self {
            Self::Null => FieldValue::Null,
            Self::Bool(value) => FieldValue::Bool(value),
            Self::Int(value) => FieldValue::Int(value),
            Self::Float(value) => FieldValue::Float(value),
            Self::Text(value) => FieldValue::Text(value.into()),
            Self::Instant(micros) => FieldValue::Instant(micros),
            Self::Duration(micros) => FieldValue::Duration(micros),
            Self::Decimal(value) => FieldValue::Decimal(value),
            Self::Bytes(value) => FieldValue::Bytes(value.into_owned().into()),
            Self::Json(value) => FieldValue::Json(value.into_owned()),
        }
    }
}

impl From<Value> for FieldValue {
    fn from(value: Value) -> Self {
        FieldRef::from_json(&value).into_owned()
    }
}

/// The scale of decimals whose field does not declare one.
pub(crate) const NO_SCALE: u8 = u8::MAX;

/// A Rust type that can be a field of a record.
///
/// It is implemented for the numbers, `bool`, `String`, `Uuid`, [`Bytes`], [`Duration`](crate::Duration) and
/// `serde_json::Value`, and with features for the types of `jiff`, `chrono` and `rust_decimal`. `#[derive(FieldType)]`
/// implements it for an enum of variants without data. A `Vec` of such a type is one too, and so is an `Option` of any.
/// Any other serde type becomes a field with `#[service(json)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of a record as it is",
    label = "not a field type",
    note = "a field is a number, `bool`, `String`, `Uuid`, `feathers::Bytes`, `feathers::Duration`, `serde_json::Value`, an enum with `#[derive(FieldType)]`, or a `Vec` or an `Option` of these",
    note = "with the feature `jiff` also `Timestamp`, `civil::Date` and `civil::Time`; with `chrono` `DateTime<Utc>`, `NaiveDate` and `NaiveTime`; with `rust_decimal` `Decimal` with `#[service(scale = 2)]`",
    note = "in place of `std::time::Duration`, `TimeDelta`, `SignedDuration` or `Span` use `feathers::Duration`; of `Vec<u8>` `feathers::Bytes`; of `DateTime<FixedOffset>`, `DateTime<Local>` or `Zoned` an instant in UTC",
    note = "put `#[service(json)]` on the field to store any other serde type as JSON"
)]
pub trait FieldType: Sized {
    /// The type that clients see.
    const KIND: DataType;
    /// Whether `null` is a value.
    const NULLABLE: bool = false;

    /// Returns the value for comparing and storing.
    fn to_field(&self) -> FieldRef<'_>;

    /// Reads a stored value.
    ///
    /// # Errors
    /// A value that does not fit the type.
    fn from_field(value: FieldValue) -> Result<Self>;

    /// Cuts off what is finer than stores keep, so that all of them keep the same: instants and times have microseconds,
    /// and decimals the scale of their field's type. What comes out of that is what [`to_field`](Self::to_field) returns.
    fn limit_precision(&mut self, kind: DataType) {
        let _ = kind;
    }
}

#[cold]
pub(crate) fn mismatch(kind: &str, value: &FieldValue) -> Error {
    Error::internal(format!("stored value {} is no {kind}", value.to_json()))
}

macro_rules! integers {
    ($($ty:ty)*) => {$(
        impl FieldType for $ty {
            const KIND: DataType = DataType::Integer;

            #[allow(
                clippy::cast_lossless,
                clippy::cast_precision_loss,
                reason = "what no store can hold as a whole number is not changed into another one"
            )]
            fn to_field(&self) -> FieldRef<'_> {
                i64::try_from(*self).map_or(FieldRef::Float(*self as f64), FieldRef::Int)
            }

            fn from_field(value: FieldValue) -> Result<Self> {
                match value {
                    FieldValue::Int(number) => {
                        Self::try_from(number).map_err(|_| mismatch(stringify!($ty), &FieldValue::Int(number)))
                    }
                    other => Err(mismatch(stringify!($ty), &other)),
                }
            }
        }
    )*};
}

integers!(i64 i32 i16 i8 u64 u32 u16 u8);

macro_rules! floats {
    ($($ty:ty)*) => {$(
        impl FieldType for $ty {
            const KIND: DataType = DataType::Number;

            fn to_field(&self) -> FieldRef<'_> {
                FieldRef::Float((*self).into())
            }

            #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "the field's own precision")]
            fn from_field(value: FieldValue) -> Result<Self> {
                match value {
                    FieldValue::Float(number) => Ok(number as Self),
                    FieldValue::Int(number) => Ok(number as Self),
                    other => Err(mismatch("number", &other)),
                }
            }
        }
    )*};
}

floats!(f64 f32);

impl FieldType for bool {
    const KIND: DataType = DataType::Boolean;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Bool(*self)
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match value {
            FieldValue::Bool(value) => Ok(value),
            FieldValue::Int(value @ (0 | 1)) => Ok(value == 1),
            other => Err(mismatch("boolean", &other)),
        }
    }
}

impl FieldType for String {
    const KIND: DataType = DataType::String;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Text(Cow::Borrowed(self))
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match value {
            FieldValue::Text(text) => Ok((*text).to_owned()),
            other => Err(mismatch("text", &other)),
        }
    }
}

impl FieldType for Uuid {
    const KIND: DataType = DataType::Uuid;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Text(Cow::Owned(self.to_string()))
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match &value {
            FieldValue::Text(text) => text.parse().map_err(|_| mismatch("uuid", &value)),
            other => Err(mismatch("uuid", other)),
        }
    }
}

impl FieldType for Value {
    const KIND: DataType = DataType::Json;
    const NULLABLE: bool = true;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::from_json(self)
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        Ok(value.to_json())
    }
}

impl<T: FieldType> FieldType for Option<T> {
    const KIND: DataType = T::KIND;
    const NULLABLE: bool = true;

    fn to_field(&self) -> FieldRef<'_> {
        self.as_ref().map_or(FieldRef::Null, T::to_field)
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match value {
            FieldValue::Null => Ok(None),
            value => T::from_field(value).map(Some),
        }
    }

    fn limit_precision(&mut self, kind: DataType) {
        if let Some(value) = self {
            value.limit_precision(kind);
        }
    }
}

/// Returns the value of a `#[service(json)]` field; scalars become typed, so that filters compare them.
pub fn to_json_field<T: Serialize>(value: &T) -> FieldRef<'static> {
    match serde_json::to_value(value).unwrap_or_default() {
        Value::Null => FieldRef::Null,
        Value::Bool(value) => FieldRef::Bool(value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => FieldRef::Int(number),
            None => FieldRef::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => FieldRef::Text(Cow::Owned(text)),
        json => FieldRef::Json(Cow::Owned(json)),
    }
}

/// Reads a stored `#[service(json)]` field.
///
/// # Errors
/// JSON that does not fit the type: a 500, since it was stored.
pub fn from_json_field<T: DeserializeOwned>(value: &FieldValue) -> Result<T> {
    serde_json::from_value(value.to_json()).map_err(Error::internal)
}
