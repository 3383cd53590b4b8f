//! Times of the day: `12:30:00`, with a fraction where there is one.

use super::{Reader, SECOND, fraction};

/// Reads a time in the one form in which it is kept.
pub(crate) fn canonical(text: &str) -> Option<String> {
    let mut reader = Reader::new(text);
    let micros = read(&mut reader, true)?;
    reader.is_at_end().then(|| write(micros))
}

/// Reads a time as microseconds since midnight; a short one leaves the seconds out.
pub(super) fn read(reader: &mut Reader<'_>, may_be_short: bool) -> Option<i64> {
    let hours = reader.digits(2)?;
    reader.one_of(b":")?;
    let minutes = reader.digits(2)?;
    let seconds = match reader.one_of(b":") {
        Some(_) => reader.digits(2)?,
        None if may_be_short => 0,
        None => return None,
    };
    let micros = if reader.one_of(b".").is_some() { reader.micros()? } else { 0 };
    let exists = hours < 24 && minutes < 60 && seconds < 60;
    exists.then(|| ((hours * 60 + minutes) * 60 + seconds) * SECOND + micros)
}

/// Writes microseconds since midnight.
pub(crate) fn write(micros: i64) -> String {
    let (seconds, micros) = (micros / SECOND, micros % SECOND);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}{}", fraction(micros))
}
