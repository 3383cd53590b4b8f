//! Bytes: base64 on the wire.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::data::data_type::DataType;
use crate::data::error::Result;
use crate::data::field::{FieldRef, FieldType, FieldValue, mismatch};

/// Bytes as a field of a record: base64 on the wire, bytes in a database.
///
/// It is a handle: a clone costs nothing. In place of `Vec<u8>`, which serde writes as a list of numbers.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::Bytes;
///
/// let bytes = Bytes::from(b"hello".to_vec());
/// assert_eq!(serde_json::to_string(&bytes)?, r#""aGVsbG8=""#);
/// assert_eq!(&bytes[..2], b"he");
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Bytes(bytes::Bytes);

/// The alphabet of RFC 4648, section 4; what is read may leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Writes bytes as base64.
pub(crate) fn write(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

impl Bytes {
    /// Reads base64; `None` if it is none.
    pub fn from_base64(text: &str) -> Option<Self> {
        BASE64.decode(text).ok().map(Self::from)
    }

    /// Returns them as base64.
    pub fn to_base64(&self) -> String {
        write(&self.0)
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes::Bytes::copy_from_slice(bytes))
    }
}

impl From<bytes::Bytes> for Bytes {
    fn from(bytes: bytes::Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Bytes> for bytes::Bytes {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Self {
        bytes.0.into()
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Base64;

        impl Visitor<'_> for Base64 {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes as base64")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
                Bytes::from_base64(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Base64)
    }
}

impl FieldType for Bytes {
    const KIND: DataType = DataType::Bytes;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Bytes(Cow::Borrowed(self))
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match value {
            FieldValue::Bytes(bytes) => Ok(bytes),
            // Inside a list they are what they are on the wire.
            FieldValue::Text(text) => {
                Self::from_base64(&text).ok_or_else(|| mismatch("bytes", &FieldValue::Text(text)))
            }
            other => Err(mismatch("bytes", &other)),
        }
    }
}
