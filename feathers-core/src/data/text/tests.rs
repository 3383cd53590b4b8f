//! Texts of instants, dates, times and durations: what is read, and the one form that is written.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail right there")]

use super::{DAY, SECOND, date, duration, instant, time};

#[test]
fn instants_are_read_at_any_offset_and_written_in_utc() {
    for (text, written) in [
        ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
        ("2026-11-30t20:15:00.5z", Some("2026-11-30T20:15:00.5Z")),
        ("2026-11-30 20:15:00.120Z", Some("2026-11-30T20:15:00.12Z")),
        ("2024-02-29T00:30:00+01:00", Some("2024-02-28T23:30:00Z")),
        ("1969-12-31T23:59:59.9999999Z", Some("1969-12-31T23:59:59.999999Z")),
        ("1937-01-01T12:00:27.87-00:20", Some("1937-01-01T12:20:27.87Z")),
        ("0000-01-01T00:00:00Z", Some("0000-01-01T00:00:00Z")),
        ("9999-12-31T23:59:59.999999Z", Some("9999-12-31T23:59:59.999999Z")),
        ("0000-01-01T00:00:00+00:01", None),
        ("9999-12-31T23:59:00-00:01", None),
        ("2023-02-29T00:00:00Z", None),
        ("2026-11-30T24:00:00Z", None),
        ("2026-11-30T12:00Z", None),
        ("2026-11-30T12:00:00", None),
        ("2026-11-30T12:00:00.Z", None),
        ("2026-11-30", None),
        ("2026-11-30T12:00:00Zx", None),
        ("yesterday", None),
        ("", None),
    ] {
        assert_eq!(instant::parse(text).map(instant::write).as_deref(), written, "{text}");
    }
    assert_eq!(instant::parse("0000-01-01T00:00:00Z"), Some(instant::MIN));
    assert_eq!(instant::parse("9999-12-31T23:59:59.999999Z"), Some(instant::MAX));
}

#[test]
fn each_day_has_a_date_and_each_date_a_day() {
    let mut before = date::write(instant::MIN / DAY - 1);
    // Every thirteenth, so that all days of the calendar have their turn.
    for day in (instant::MIN / DAY..=instant::MAX / DAY).step_by(13) {
        let text = date::write(day);
        assert_eq!(date::parse(&text), Some(day), "{text}");
        assert!(before.starts_with('-') || before < text, "{before} is before {text}");
        before = text;
    }
    for text in ["2026-1-01", "2026-13-01", "2026-00-01", "2026-01-32", "2100-02-29", "12026-01-01", "2026-01-01T"] {
        assert_eq!(date::parse(text), None, "{text}");
    }
}

#[test]
fn times_have_one_form() {
    for (text, canonical) in [
        ("12:30", Some("12:30:00")),
        ("12:30:00.500", Some("12:30:00.5")),
        ("00:00:00", Some("00:00:00")),
        ("23:59:59.9999999", Some("23:59:59.999999")),
        ("24:00", None),
        ("12:60", None),
        ("1:30", None),
        ("12:30Z", None),
    ] {
        assert_eq!(time::canonical(text).as_deref(), canonical, "{text}");
    }
}

#[test]
fn durations_have_one_form() {
    for (text, written) in [
        ("PT0S", Some("PT0S")),
        ("P1W", Some("PT168H")),
        ("P1DT12H", Some("PT36H")),
        ("pt90m", Some("PT1H30M")),
        ("PT1H30M0S", Some("PT1H30M")),
        ("PT0,5S", Some("PT0.5S")),
        ("-PT1M0.25S", Some("-PT1M0.25S")),
        ("+PT60S", Some("PT1M")),
        ("PT0.0000001S", Some("PT0S")),
        ("P", None),
        ("PT", None),
        ("P1DT", None),
        ("P1Y", None),
        ("P1M", None),
        ("PT1M1H", None),
        ("PT1H1H", None),
        ("PT0.5H", None),
        ("PT1.S", None),
        ("PT1", None),
        ("1h", None),
        ("PT99999999999999999S", None),
    ] {
        assert_eq!(duration::parse(text).map(duration::write).as_deref(), written, "{text}");
    }
    for micros in [i64::MIN + 1, i64::MAX, -1, 1, 61 * SECOND] {
        assert_eq!(duration::parse(&duration::write(micros)), Some(micros));
    }
}
