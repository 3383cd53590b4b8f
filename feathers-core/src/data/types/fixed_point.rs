//! Fixed-point numbers: the values of decimals, exact.

use std::cmp::Ordering;
use std::fmt;

/// A decimal number: whole units of a fraction that has so many places after the point.
///
/// Numbers with different places compare by what they are worth: 1.0 is 1.00.
#[derive(Clone, Copy, Debug)]
pub struct FixedPoint {
    units: i64,
    places: u8,
}

impl FixedPoint {
    /// The most places after the point.
    pub const MAX_PLACES: u8 = 18;

    /// Makes a number: `new(1999, 2)` is 19.99. `None` for more places than there are.
    pub const fn new(units: i64, places: u8) -> Option<Self> {
        if places > Self::MAX_PLACES { None } else { Some(Self { units, places }) }
    }

    /// Reads a number such as `-19.99` or `2e3`; `None` for what is none, and for one with too many digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (digits, exponent) = match rest.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok().filter(|exponent| exponent.abs() < 64)?),
            None => (rest, 0),
        };
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction.trim_end_matches('0')),
            Some(_) => return None,
            None => (digits, ""),
        };
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
            return None;
        }
        let mut units: i128 = format!("{whole}{fraction}").parse().ok()?;
        let mut places = i32::try_from(fraction.len()).ok()? - exponent;
        while places < 0 {
            units = units.checked_mul(10)?;
            places += 1;
        }
        while places > 0 && units % 10 == 0 {
            units /= 10;
            places -= 1;
        }
        let units = i64::try_from(if negative { -units } else { units }).ok()?;
        Self::new(units, u8::try_from(places).ok()?)
    }

    /// Returns the whole units.
    pub const fn units(self) -> i64 {
        self.units
    }

    /// Returns how many places after the point there are.
    pub const fn places(self) -> u8 {
        self.places
    }

    /// Returns the same number with other places; `None` where it would be another one, or too large.
    pub fn rescale(self, places: u8) -> Option<Self> {
        let units = if places >= self.places {
            self.units.checked_mul(10_i64.checked_pow(u32::from(places - self.places))?)?
        } else {
            let factor = 10_i64.checked_pow(u32::from(self.places - places))?;
            (self.units % factor == 0).then(|| self.units / factor)?
        };
        Self::new(units, places)
    }

    /// Returns it in units of the last place that there can be.
    pub(crate) fn exact(self) -> i128 {
        i128::from(self.units) * 10_i128.pow(u32::from(Self::MAX_PLACES - self.places))
    }
}

impl PartialEq for FixedPoint {
    fn eq(&self, other: &Self) -> bool {
        self.exact() == other.exact()
    }
}

impl Eq for FixedPoint {}

impl PartialOrd for FixedPoint {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for FixedPoint {
    fn cmp(&self, other: &Self) -> Ordering {
        self.exact().cmp(&other.exact())
    }
}

impl fmt::Display for FixedPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.places);
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.units < 0 { "-" } else { "" };
        let point = if places == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::FixedPoint;

    #[test]
    fn texts_are_read_and_written() {
        for (text, written) in [
            ("0", Some("0")),
            ("-0.00", Some("0")),
            ("19.990", Some("19.99")),
            ("-0.05", Some("-0.05")),
            ("+7", Some("7")),
            ("2e3", Some("2000")),
            ("1.5E-3", Some("0.0015")),
            ("120e-1", Some("12")),
            ("9223372036854775807", Some("9223372036854775807")),
            ("9223372036854775808", None),
            ("0.000000000000000001", Some("0.000000000000000001")),
            ("0.0000000000000000001", None),
            ("1e99", None),
            ("", None),
            (".5", None),
            ("5.", None),
            ("1,5", None),
            ("abc", None),
            ("1e", None),
            ("--1", None),
        ] {
            assert_eq!(FixedPoint::parse(text).map(|number| number.to_string()).as_deref(), written, "{text}");
        }
    }

    #[test]
    fn what_numbers_are_worth_counts_and_not_how_they_are_written() {
        let number = |units, places| FixedPoint::new(units, places).expect("few places");
        assert_eq!(number(1, 0), number(100, 2));
        assert!(number(i64::MAX, 0) > number(i64::MAX, 18));
        assert!(number(-5, 1) < number(-49, 2));
        assert_eq!(number(150, 2).rescale(1).map(FixedPoint::units), Some(15));
        assert_eq!(number(155, 2).rescale(1), None);
        assert_eq!(number(i64::MAX, 0).rescale(1), None);
        assert_eq!(FixedPoint::new(1, 19), None);
    }
}
