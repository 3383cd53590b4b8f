//! Instants that the server sets: `created_at` and `updated_at`.

use std::time::{SystemTime, UNIX_EPOCH};

/// A type of instants that `created_at` and `updated_at` set.
#[diagnostic::on_unimplemented(
    message = "`created_at` and `updated_at` cannot set `{Self}`",
    label = "not an instant",
    note = "they set an `i64`, in milliseconds since 1970, or a type of instants, and an `Option` of one"
)]
pub trait Instant {
    /// Returns the instant.
    fn of(now: SystemTime) -> Self;
}

impl Instant for i64 {
    fn of(now: SystemTime) -> Self {
        let since = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Self::try_from(since).unwrap_or(Self::MAX)
    }
}

#[cfg(feature = "jiff")]
impl Instant for jiff::Timestamp {
    fn of(now: SystemTime) -> Self {
        Self::from_microsecond(microseconds(now)).unwrap_or(Self::UNIX_EPOCH)
    }
}

#[cfg(feature = "chrono")]
impl Instant for chrono::DateTime<chrono::Utc> {
    fn of(now: SystemTime) -> Self {
        Self::from_timestamp_micros(microseconds(now)).unwrap_or_default()
    }
}

/// Counts microseconds, which is what stores keep of an instant.
#[cfg(any(feature = "jiff", feature = "chrono"))]
fn microseconds(now: SystemTime) -> i64 {
    let since = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    i64::try_from(since).unwrap_or(i64::MAX)
}

impl<T: Instant> Instant for Option<T> {
    fn of(now: SystemTime) -> Self {
        Some(T::of(now))
    }
}
