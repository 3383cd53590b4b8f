//! The types of `chrono` that can be fields: instants in UTC, dates and times without a time zone.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};

use super::Duration;
use super::duration::DurationError;
use super::list::ListItem;
use crate::data::data_type::DataType;
use crate::data::error::Result;
use crate::data::field::{FieldRef, FieldType, FieldValue, mismatch};
use crate::data::query::Ordered;
use crate::data::text;
use crate::data::type_schema::{Described, TypeSchema};

impl FieldType for DateTime<Utc> {
    const KIND: DataType = DataType::Instant;

    fn to_field(&self) -> FieldRef<'_> {
        FieldRef::Instant(self.timestamp_micros())
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        let micros = match &value {
            FieldValue::Instant(micros) => Some(*micros),
            FieldValue::Text(text) => text::instant::parse(text),
            _ => None,
        };
        micros.and_then(Self::from_timestamp_micros).ok_or_else(|| mismatch("instant", &value))
    }

    fn limit_precision(&mut self, _kind: DataType) {
        *self = Self::from_timestamp_micros(self.timestamp_micros()).unwrap_or(*self);
    }
}

impl FieldType for NaiveDate {
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

/// Returns the whole microseconds since midnight; a leap second is the last one of its minute.
fn of_day(time: NaiveTime) -> i64 {
    let micros = i64::from(time.nanosecond() / 1_000).min(text::SECOND - 1);
    i64::from(time.num_seconds_from_midnight()) * text::SECOND + micros
}

impl FieldType for NaiveTime {
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
        let nanos = u32::try_from(of_day(*self) % text::SECOND * 1_000).unwrap_or_default();
        *self = self.with_nanosecond(nanos).unwrap_or(*self);
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

points_in_time!(DateTime<Utc> NaiveDate NaiveTime);

impl From<Duration> for TimeDelta {
    fn from(duration: Duration) -> Self {
        Self::microseconds(duration.as_micros())
    }
}

impl TryFrom<TimeDelta> for Duration {
    type Error = DurationError;

    /// Cuts off what is finer than a microsecond.
    fn try_from(duration: TimeDelta) -> Result<Self, DurationError> {
        duration.num_microseconds().map(Self::from_micros).ok_or(DurationError)
    }
}
