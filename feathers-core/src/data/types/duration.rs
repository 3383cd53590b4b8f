//! A duration as a field: ISO 8601 on the wire.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::data::data_type::DataType;
use crate::data::error::Result;
use crate::data::field::{FieldRef, FieldType, FieldValue, mismatch};
use crate::data::text;

/// A length of time as a field of a record, in microseconds: ISO 8601 on the wire, a whole number in a database.
///
/// It is written in one form, with hours as the largest unit, and read with weeks and days of 24 hours too. Years and
/// months have no length of their own. In place of [`std::time::Duration`], which serde writes as an object.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::Duration;
///
/// let duration: Duration = "P1DT90M".parse()?;
/// assert_eq!(duration, Duration::from_secs(86_400 + 5_400));
/// assert_eq!(duration.to_string(), "PT25H30M");
/// assert_eq!(std::time::Duration::try_from(duration)?.as_secs(), 91_800);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duration(i64);

impl Duration {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// Makes a duration of microseconds; a negative number goes back in time.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Makes a duration of milliseconds; the longest one that there is for more than 292,000 years.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Makes a duration of seconds; the longest one that there is for more than 292,000 years.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(text::SECOND))
    }

    /// Returns the microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

/// The error for a text that is no duration as in ISO 8601, and for a length that the other type does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurationError;

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a duration as in ISO 8601 without years and months, such as PT1H30M, within 292,000 years")
    }
}

impl std::error::Error for DurationError {}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::duration::write(self.0))
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        text::duration::parse(text).map(Self).ok_or(DurationError)
    }
}

impl TryFrom<std::time::Duration> for Duration {
    type Error = DurationError;

    /// Cuts off what is finer than a microsecond.
    fn try_from(duration: std::time::Duration) -> Result<Self, DurationError> {
        i64::try_from(duration.as_micros()).map(Self).map_err(|_| DurationError)
    }
}

impl TryFrom<Duration> for std::time::Duration {
    type Error = DurationError;

    /// Fails for a negative duration.
    fn try_from(duration: Duration) -> Result<Self, DurationError> {
        u64::try_from(duration.0).map(Self::from_micros).map_err(|_| DurationError)
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Iso8601;

        impl Visitor<'_> for Iso8601 {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration as in ISO 8601, such as PT1H30M")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Iso8601)
    }
}

impl FieldType for Duration {
    const KIND: DataType = DataType::Duration;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Duration(self.0)
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match &value {
            FieldValue::Duration(micros) => Ok(Self(*micros)),
            FieldValue::Text(text) => text.parse().map_err(|_| mismatch("duration", &value)),
            other => Err(mismatch("duration", other)),
        }
    }
}
