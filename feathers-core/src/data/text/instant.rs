//! Instants: `2026-11-30T12:30:00Z`, as in RFC 3339.

use super::{DAY, Reader, SECOND, date, time};

/// The first instant that has a text: the start of the year 0000.
pub(crate) const MIN: i64 = -719_528 * DAY;
/// The last instant that has a text, in the year 9999.
pub(crate) const MAX: i64 = 2_932_897 * DAY - 1;

/// Reads an instant as microseconds since 1970, in UTC.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut reader = Reader::new(text);
    let days = date::read(&mut reader)?;
    reader.one_of(b"Tt ")?;
    let local = days * DAY + time::read(&mut reader, false)?;
    let sign = match reader.one_of(b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return reader.is_at_end().then_some(local),
    };
    let hours = reader.digits(2).filter(|hours| *hours < 24)?;
    reader.one_of(b":")?;
    let minutes = reader.digits(2).filter(|minutes| *minutes < 60)?;
    let instant = local - sign * (hours * 60 + minutes) * 60 * SECOND;
    (reader.is_at_end() && (MIN..=MAX).contains(&instant)).then_some(instant)
}

/// Writes microseconds since 1970.
pub(crate) fn write(micros: i64) -> String {
    let (days, of_day) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    format!("{}T{}Z", date::write(days), time::write(of_day))
}
