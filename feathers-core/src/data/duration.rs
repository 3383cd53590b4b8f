//! Durations as people write them: `"15m"`, `"7 days"`, or a number of seconds.
//!
//! The units mean what they mean in FeathersJS's `expiresIn`, so that a setting can be taken over as it is.
//!
//! ```
//! # mod feathers { pub mod config { pub use feathers_core::duration; } }
//! use std::time::Duration;
//!
//! #[derive(serde::Deserialize)]
//! struct Settings {
//!     #[serde(deserialize_with = "feathers::config::duration::deserialize")]
//!     expires_in: Duration,
//! }
//! ```

use std::fmt;
use std::time::Duration;

use serde::de::{self, Deserialize, Deserializer, Unexpected, Visitor};

/// Reads a text such as `"1d"`, `"15m"`, `"1.5 hours"` or `"1h 30m"`; a number alone is seconds.
///
/// The units are milliseconds (`ms`), seconds (`s`), minutes (`m`), hours (`h`), days (`d`), weeks (`w`) and years
/// (`y`, 365.25 days), in capitals too. There are no months: `"1M"` is one minute, as in FeathersJS.
/// `"120"` is the same as the number 120, which it is not there.
///
/// ```
/// # mod feathers { pub mod config { pub use feathers_core::duration; } }
/// use std::time::Duration;
///
/// use feathers::config::duration::parse;
///
/// assert_eq!(parse("7 days"), Some(Duration::from_secs(7 * 86_400)));
/// assert_eq!(parse("30"), Some(Duration::from_secs(30)));
/// assert_eq!(parse("soon"), None);
/// ```
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    if rest.bytes().all(is_part_of_number) {
        return seconds(rest, 1.0);
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, after) = split(rest, |character| u8::try_from(character).is_ok_and(is_part_of_number));
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        total = total.checked_add(seconds(number, length(unit)?)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

/// Reads a [`Duration`] for serde's `deserialize_with`: a text that [`parse`] takes, or a number of seconds.
///
/// # Errors
/// A text that is no duration, and a value of another type.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(DurationVisitor)
}

/// Reads a [`Duration`] that may be missing; the field needs `#[serde(default)]` as well.
///
/// # Errors
/// A text that is no duration, and a value of another type.
pub fn deserialize_option<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    struct Read(Duration);

    impl<'de> Deserialize<'de> for Read {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserialize(deserializer).map(Self)
        }
    }

    Ok(Option::<Read>::deserialize(deserializer)?.map(|read| read.0))
}

fn is_part_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|character| !belongs(character)).unwrap_or(text.len()))
}

fn seconds(number: &str, length: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * length).ok()
}

/// Returns how many seconds a unit has.
fn length(unit: &str) -> Option<f64> {
    Some(match unit.to_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 0.001,
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        "y" | "yr" | "yrs" | "year" | "years" => 31_557_600.0,
        _ => return None,
    })
}

struct DurationVisitor;

impl Visitor<'_> for DurationVisitor {
    type Value = Duration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"a duration such as "15m" or "7 days", or a number of seconds"#)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Duration, E> {
        Ok(Duration::from_secs(number))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Duration, E> {
        let seconds = u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
        Ok(Duration::from_secs(seconds))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Duration, E> {
        Duration::try_from_secs_f64(number).map_err(|_| E::invalid_value(Unexpected::Float(number), &self))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
        parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}
