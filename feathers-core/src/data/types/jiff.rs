//! The types of `jiff` that can be fields: instants in UTC, dates and times without a time zone.

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};

use super::Duration;
use super::duration::DurationError;
use super::list::ListItem;
use crate::data::data_type::DataType;
use crate::data::error::Result;
use crate::data::field::{FieldRef, FieldType, FieldValue, mismatch};
use crate::data::query::Ordered;
use crate::data::text;
use crate::data::type_schema::{Described, TypeSchema};

/// Returns the whole microseconds, further digits cut off as in its text.
fn micros(instant: &Timestamp) -> i64 {
    i64::try_from(instant.as_nanosecond().div_euclid(1_000)).unwrap_or_default()
}

impl FieldType for Timestamp {
    const KIND: DataType = DataType::Instant;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Instant(micros(self))
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        let micros = match &value {
            FieldValue::Instant(micros) => Some(*micros),
            FieldValue::Text(text) => text::instant::parse(text),
            _ => None,
        };
        let instant = micros.and_then(|micros| Self::from_microsecond(micros).ok());
        instant.ok_or_else(|| mismatch("instant", &value))
    }

    fn limit_precision(&mut self, _kind: DataType) {
        *self = Self::from_microsecond(micros(self)).unwrap_or(*self);
    }
}

impl FieldType for Date {
    const KIND: DataType = DataType::Date;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Text(Cow::Owned(self.to_string()))
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match &value {
            FieldValue::Text(text) => text.parse().map_err(|_| mismatch("date", &value)),
            other => Err(mismatch("date", other)),
        }
    }
}

/// Returns the whole microseconds since midnight.
fn of_day(time: Time) -> i64 {
    let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
    (minutes * 60 + i64::from(time.second())) * text::SECOND + i64::from(time.subsec_nanosecond() / 1_000)
}

impl FieldType for Time {
    const KIND: DataType = DataType::Time;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Text(Cow::Owned(text::time::write(of_day(*self))))
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match &value {
            FieldValue::Text(text) => text.parse().map_err(|_| mismatch("time", &value)),
            other => Err(mismatch("time", other)),
        }
    }

    fn limit_precision(&mut self, _kind: DataType) {
        let nanos = self.subsec_nanosecond() / 1_000 * 1_000;
        *self = self.with().subsec_nanosecond(nanos).build().unwrap_or(*self);
    }
}

macro_rules! points_in_time {
    ($($ty:ty)*) => {$(
        impl Described for $ty {
            fn type_schema() -> TypeSchema {
                TypeSchema::Scalar(Self::KIND)
            }
        }

        impl ListItem for $ty {}

        impl Ordered for $ty {}
    )*};
}

points_in_time!(Timestamp Date Time);

impl From<Duration> for SignedDuration {
    fn from(duration: Duration) -> Self {
        Self::from_micros(duration.as_micros())
    }
}

impl TryFrom<SignedDuration> for Duration {
    type Error = DurationError;

    /// Cuts off what is finer than a microsecond.
    fn try_from(duration: SignedDuration) -> Result<Self, DurationError> {
        i64::try_from(duration.as_micros()).map(Self::from_micros).map_err(|_| DurationError)
    }
}
