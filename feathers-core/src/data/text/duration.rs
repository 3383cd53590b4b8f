//! Durations as in ISO 8601: `PT1H30M`, `P2W`, `-PT0.5S`.
//!
//! A day has 24 hours. Years and months have no length of their own, and are refused.

use super::{Reader, SECOND, fraction};

/// The letters in their order, and how many microseconds each stands for.
const DATE: [(u8, i64); 2] = [(b'W', 7 * 86_400 * SECOND), (b'D', 86_400 * SECOND)];
const TIME: [(u8, i64); 3] = [(b'H', 3_600 * SECOND), (b'M', 60 * SECOND), (b'S', SECOND)];

/// Reads a duration as microseconds.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut reader = Reader::new(text);
    let sign = if reader.one_of(b"+-") == Some(b'-') { -1 } else { 1 };
    reader.one_of(b"Pp")?;
    let mut total = 0_i64;
    let mut parts = parts(&mut reader, &DATE, sign, &mut total)?;
    if reader.one_of(b"Tt").is_some() {
        let times = self::parts(&mut reader, &TIME, sign, &mut total)?;
        // A `T` alone says nothing.
        parts = if times == 0 { return None } else { parts + times };
    }
    (parts > 0 && reader.is_at_end()).then_some(total)
}

/// Reads numbers with their letters, and returns how many there were.
fn parts(reader: &mut Reader<'_>, letters: &[(u8, i64)], sign: i64, total: &mut i64) -> Option<usize> {
    let (mut letters, mut count) = (letters, 0);
    while reader.0.first().is_some_and(u8::is_ascii_digit) {
        let number = reader.number()?;
        let micros = if reader.one_of(b".,").is_some() { Some(reader.micros()?) } else { None };
        let letter = reader.0.first()?.to_ascii_uppercase();
        let position = letters.iter().position(|(own, _)| *own == letter)?;
        let (_, length) = letters.get(position)?;
        // Only seconds have a fraction: one of an hour may be no whole number of microseconds.
        if micros.is_some() && letter != b'S' {
            return None;
        }
        reader.one_of(&[letter, letter.to_ascii_lowercase()])?;
        let part = number.checked_mul(*length)?.checked_add(micros.unwrap_or_default())?;
        *total = total.checked_add(sign * part)?;
        letters = letters.get(position + 1..)?;
        count += 1;
    }
    Some(count)
}

/// Writes microseconds; hours are the largest unit, so that each length has one text.
pub(crate) fn write(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let (seconds, micros) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let part = |number: u64, letter| if number == 0 { String::new() } else { format!("{number}{letter}") };
    let fraction = fraction(i64::try_from(micros).unwrap_or_default());
    let seconds = match (seconds, fraction.as_str(), hours + minutes) {
        (0, "", 1..) => String::new(),
        _ => format!("{seconds}{fraction}S"),
    };
    format!("{sign}PT{}{}{seconds}", part(hours, 'H'), part(minutes, 'M'))
}
