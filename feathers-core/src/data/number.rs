//! Numbers of JSON: a whole one may be written as `30`, `30.0` or `3e1`.

use serde_json::Number;

/// From here on a float stands for more than one whole number: 2^53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns a whole number, however it is written.
pub(crate) fn whole(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| whole_float(number.as_f64()?))
}

/// Returns the whole number that a float stands for.
#[expect(clippy::cast_possible_truncation, reason = "the number is whole and in the range of i64")]
pub(crate) fn whole_float(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}

/// Reads a finite number; Rust's words for infinity are none.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    let number = if numeric { text.parse::<f64>().ok()? } else { return None };
    number.is_finite().then_some(number)
}
