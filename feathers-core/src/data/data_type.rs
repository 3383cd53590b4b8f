//! The types of fields: what a value of each looks like, and what can be done with it.

use serde_json::{Value, json};

use crate::data::field::{FieldRef, FieldValue};
use crate::data::number::whole;
use crate::data::schema::Field;
use crate::data::text;
use crate::data::types::{Bytes, FixedPoint};
use crate::data::violation::{mistake, not_allowed, wrong_type};

/// The type of a field, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum DataType {
    /// `true` or `false`.
    Boolean,
    /// A 64-bit whole number.
    Integer,
    /// A 64-bit floating point number.
    Number,
    /// Text.
    String,
    /// A moment in time, to the microsecond: a text as in RFC 3339.
    Instant,
    /// A date of the calendar: a text such as `2026-11-30`.
    Date,
    /// A time of the day, to the microsecond: a text such as `12:30:00`.
    Time,
    /// A length of time, to the microsecond: a text as in ISO 8601, such as `PT1H30M`.
    Duration,
    /// A decimal number with at most so many places after the point: a text, or a number.
    Decimal(u8),
    /// One of these texts, ordered as they stand here.
    Enum(&'static [&'static str]),
    /// Bytes: a text in base64.
    Bytes,
    /// A UUID: a text.
    Uuid,
    /// A list of values of one type.
    List(&'static Self),
    /// An object with these fields.
    Object(&'static [Field]),
    /// Any JSON: arrays, objects, enums with data.
    Json,
}

impl DataType {
    /// Returns the JSON Schema name of the type.
    ///
    /// This match, and the others in this crate, name every type: a new one does not compile before it has its words.
    /// Code in other crates has to say what it does with a type that it does not know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String
            | Self::Instant
            | Self::Date
            | Self::Time
            | Self::Duration
            | Self::Decimal(_)
            | Self::Enum(_)
            | Self::Bytes
            | Self::Uuid => "string",
            Self::List(_) => "array",
            Self::Object(_) | Self::Json => "object",
        }
    }

    /// Returns the JSON Schema name of the format that texts of the type have, if there is one.
    pub const fn format(self) -> Option<&'static str> {
        Some(match self {
            Self::Instant => "date-time",
            Self::Date => "date",
            Self::Time => "time",
            Self::Duration => "duration",
            Self::Decimal(_) => "decimal",
            Self::Bytes => "byte",
            Self::Uuid => "uuid",
            Self::Boolean
            | Self::Integer
            | Self::Number
            | Self::String
            | Self::Enum(_)
            | Self::List(_)
            | Self::Object(_)
            | Self::Json => return None,
        })
    }

    /// Tells whether the values are kept as JSON, and can hold other values.
    pub const fn is_nested(self) -> bool {
        matches!(self, Self::List(_) | Self::Object(_) | Self::Json)
    }

    /// Tells whether a record could stand in a value.
    pub(crate) fn may_hold_record(self) -> bool {
        match self {
            Self::List(item) => item.may_hold_record(),
            other => matches!(other, Self::Object(_) | Self::Json),
        }
    }

    /// Tells whether a field of the type can name a record by a text.
    pub const fn is_text_id(self) -> bool {
        matches!(self, Self::String | Self::Uuid)
    }

    /// Tells whether values are larger and smaller than others: `$gt`, `$sort` and their like.
    pub const fn is_ordered(self) -> bool {
        !matches!(self, Self::Bytes | Self::List(_) | Self::Object(_))
    }

    /// Tells whether the type has values that no store keeps, which [`admits`](Self::admits) finds.
    pub const fn is_bounded(self) -> bool {
        matches!(self, Self::Number | Self::Instant | Self::Date | Self::Decimal(_))
    }

    /// Tells whether a field of the type can hold a value that the Rust type has: numbers are finite, instants and
    /// dates are of the years 0000 to 9999, and decimals have no more places than their scale.
    pub fn admits(self, value: &FieldRef<'_>) -> bool {
        match (self, value) {
            (_, FieldRef::Null) => true,
            (Self::Number, FieldRef::Float(number)) => number.is_finite(),
            (Self::Instant, FieldRef::Instant(micros)) => (text::instant::MIN..=text::instant::MAX).contains(micros),
            (Self::Date, FieldRef::Text(date)) => text::date::parse(date).is_some(),
            (Self::Decimal(scale), FieldRef::Decimal(number)) => number.rescale(scale).is_some(),
            (Self::Decimal(_), _) => false,
            _ => true,
        }
    }

    /// Reads a value in the form that it has on the wire; `None` if it does not fit.
    pub fn read(self, value: &Value) -> Option<FieldValue> {
        Some(match (self, value) {
            (_, Value::Null) => FieldValue::Null,
            (Self::Boolean, Value::Bool(value)) => FieldValue::Bool(*value),
            (Self::Integer, Value::Number(number)) => FieldValue::Int(whole(number)?),
            (Self::Number, Value::Number(number)) => FieldValue::Float(number.as_f64()?),
            (Self::String, Value::String(text)) => FieldValue::Text(text.as_str().into()),
            (Self::Instant, Value::String(text)) => FieldValue::Instant(text::instant::parse(text)?),
            (Self::Date, Value::String(text)) => {
                text::date::parse(text)?;
                FieldValue::Text(text.as_str().into())
            }
            (Self::Time, Value::String(text)) => FieldValue::Text(text::time::canonical(text)?.into()),
            (Self::Duration, Value::String(text)) => FieldValue::Duration(text::duration::parse(text)?),
            (Self::Decimal(_), Value::String(text)) => FieldValue::Decimal(FixedPoint::parse(text)?),
            (Self::Decimal(_), Value::Number(number)) => FieldValue::Decimal(FixedPoint::parse(&number.to_string())?),
            (Self::Enum(words), Value::String(text)) => {
                FieldValue::Text((*words.iter().find(|word| **word == text)?).into())
            }
            (Self::Bytes, Value::String(text)) => FieldValue::Bytes(Bytes::from_base64(text)?),
            (Self::Uuid, Value::String(text)) => FieldValue::Text(uuid::Uuid::try_parse(text).ok()?.to_string().into()),
            (Self::List(item), Value::Array(items)) => {
                let items = items.iter().map(|value| item.read(value).map(|value| value.to_json()));
                FieldValue::Json(items.collect::<Option<_>>()?)
            }
            (Self::Object(_), Value::Object(_)) => FieldValue::Json(value.clone()),
            (Self::Json, value) => FieldValue::from(value.clone()),
            _ => return None,
        })
    }

    /// Makes the item for a value that does not fit: what is allowed instead, with an example.
    pub(crate) fn mistake(self, instance: &str, schema: &str) -> Value {
        let example = match self {
            Self::Instant => "2026-11-30T12:30:00Z",
            Self::Date => "2026-11-30",
            Self::Time => "12:30:00",
            Self::Duration => "PT1H30M",
            Self::Bytes => "aGVsbG8=",
            Self::Uuid => "67e55044-10b1-426f-9247-bb680e5fe0c8",
            Self::Decimal(scale) => {
                let example = FixedPoint::new(1, scale).map(|number| number.to_string()).unwrap_or_default();
                let places = format!("at most {scale} places after the point");
                let message = format!("must be a decimal with {places}, such as {example}");
                return mistake(instance, schema, "format", json!({ "format": "decimal", "scale": scale }), message);
            }
            Self::Enum(words) => return not_allowed(instance, schema, &json!(words)),
            Self::Boolean
            | Self::Integer
            | Self::Number
            | Self::String
            | Self::List(_)
            | Self::Object(_)
            | Self::Json => return wrong_type(instance, schema, self.name()),
        };
        let format = self.format().unwrap_or_default();
        let message = format!("must match format \"{format}\", such as {example}");
        mistake(instance, schema, "format", json!({ "format": format }), message)
    }
}
