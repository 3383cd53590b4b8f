//! The texts of values: how instants, dates, times and durations are written and read.
//!
//! Microseconds are as fine as it gets: further digits are cut off, as every store does.

pub(crate) mod date;
pub(crate) mod duration;
pub(crate) mod instant;
pub(crate) mod time;

/// Microseconds of a second.
pub(crate) const SECOND: i64 = 1_000_000;
/// Microseconds of a day.
pub(crate) const DAY: i64 = 86_400 * SECOND;

/// A text that is read from its start.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self(text.as_bytes())
    }

    fn is_at_end(self) -> bool {
        self.0.is_empty()
    }

    /// Takes one of these bytes.
    fn one_of(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first().filter(|(first, _)| bytes.contains(first))?;
        self.0 = rest;
        Some(*first)
    }

    /// Takes exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let number = digits.iter().try_fold(0, |number, digit| Some(number * 10 + value(*digit)?))?;
        self.0 = rest;
        Some(number)
    }

    /// Takes all digits, of which there must be one at least; a number that is too large is none.
    fn number(&mut self) -> Option<i64> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(count).filter(|(digits, _)| !digits.is_empty())?;
        let add = |number: i64, digit: &u8| number.checked_mul(10)?.checked_add(value(*digit)?);
        let number = digits.iter().try_fold(0, add)?;
        self.0 = rest;
        Some(number)
    }

    /// Takes the digits of a fraction of a second, of which there must be one at least, as microseconds.
    fn micros(&mut self) -> Option<i64> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at_checked(count).filter(|(digits, _)| !digits.is_empty())?;
        self.0 = rest;
        let digits = digits.iter().copied().chain(std::iter::repeat(b'0')).take(6);
        digits.into_iter().try_fold(0, |number, digit| Some(number * 10 + value(digit)?))
    }
}

fn value(digit: u8) -> Option<i64> {
    digit.is_ascii_digit().then(|| i64::from(digit - b'0'))
}

/// Writes microseconds of a second as a fraction without zeros at its end, and with its point; nothing for none.
fn fraction(micros: i64) -> String {
    if micros == 0 { String::new() } else { format!(".{micros:06}").trim_end_matches('0').to_owned() }
}

#[cfg(test)]
mod tests;
