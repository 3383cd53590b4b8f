//! Dates of the calendar: `2026-11-30`, of the years 0000 to 9999, as in RFC 3339.

use super::Reader;

/// Reads a date as the number of days since 1970-01-01.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut reader = Reader::new(text);
    let days = read(&mut reader)?;
    reader.is_at_end().then_some(days)
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<i64> {
    let year = reader.digits(4)?;
    reader.one_of(b"-")?;
    let month = reader.digits(2)?;
    reader.one_of(b"-")?;
    let day = reader.digits(2)?;
    let exists = (1..=12).contains(&month) && (1..=length(year, month)).contains(&day);
    exists.then(|| days(year, month, day))
}

/// Writes a number of days since 1970-01-01.
pub(super) fn write(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of 400 years.
const ERA: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH: i64 = 719_468;

/// Counts the days; years begin in March, so that a leap day is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let (era, of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}
