//! Ids: what names one record, as clients send it.

use std::fmt;
use std::sync::Arc;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use crate::data::error::{Error, Result};
use crate::data::number::{whole, whole_float};

/// Names one record: a whole number or a text.
///
/// REST always sends text and sockets keep the JSON type, so stores compare by the type of their id field:
/// [`Id::as_int`] reads both `7` and `"7"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Id {
    /// A whole number.
    Int(i64),
    /// Any text.
    Text(Arc<str>),
}

impl Id {
    /// The largest number that a new record may choose; JavaScript counts exactly up to here. The smallest is its
    /// opposite.
    pub const MAX_INT: i64 = (1 << 53) - 1;

    /// Tells whether every client can tell a number from its neighbours.
    pub(crate) const fn is_exact(number: i64) -> bool {
        -Self::MAX_INT <= number && number <= Self::MAX_INT
    }

    /// Reads an id that a client sent as JSON; `null` is no id. A whole number may be written as `7.0` or `7e0`.
    ///
    /// Other numbers that are no 64-bit whole number are kept as text, so that they match nothing instead of something
    /// else.
    ///
    /// # Errors
    /// Objects, arrays and booleans: a 400.
    pub fn from_json(value: &Value) -> Result<Option<Self>> {
        match value {
            Value::Null => Ok(None),
            Value::Number(number) => {
                Ok(Some(whole(number).map_or_else(|| Self::Text(number.to_string().into()), Self::Int)))
            }
            Value::String(text) => Self::from_text(text).map(Some),
            _ => Err(Error::bad_request("id must be a string or a number")),
        }
    }

    /// Reads an id that a client sent as text.
    ///
    /// # Errors
    /// A text with a NUL character: a 400.
    pub fn from_text(text: &str) -> Result<Self> {
        if text.contains('\0') {
            return Err(Error::bad_request("id must not contain a NUL character"));
        }
        Ok(Self::Text(text.into()))
    }

    /// Returns the number, also of a text that is the usual way to write it (`"7"`, but not `"07"` or `"+7"`).
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let usual = digits.bytes().all(|byte| byte.is_ascii_digit())
                    && (digits == "0" && digits.len() == text.len() || !digits.starts_with('0'));
                if usual { text.parse().ok() } else { None }
            }
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;

        impl Visitor<'_> for IdVisitor {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a whole number")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Id, E> {
                Ok(Id::Int(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
                i64::try_from(number).map(Id::Int).map_err(|_| E::custom("id out of range"))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Id, E> {
                whole_float(number).map(Id::Int).ok_or_else(|| E::invalid_type(de::Unexpected::Float(number), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
                Ok(Id::Text(text.into()))
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Id {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u32> for Id {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<&str> for Id {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Id {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<uuid::Uuid> for Id {
    fn from(uuid: uuid::Uuid) -> Self {
        Self::Text(uuid.to_string().into())
    }
}

impl From<&Self> for Id {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}
