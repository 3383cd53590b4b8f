//! What becomes of a measurement: its result, or one sentence that says what went wrong.

use std::error::Error;

/// Whether it went well.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Turns a count into a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
