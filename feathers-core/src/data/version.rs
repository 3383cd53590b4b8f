//! Versions: numbers that count the changes of a record.

use crate::data::error::{Error, Result};

/// A field that counts the changes of its record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the version of a record",
    label = "not a version",
    note = "a version is an `i64`, `i32`, `u64` or `u32`"
)]
pub trait Version: Copy {
    /// The version of a new record.
    const FIRST: Self;

    /// Returns the version after this one.
    ///
    /// # Errors
    /// There is none left: a 500.
    fn next(&self) -> Result<Self>;
}

macro_rules! versions {
    ($($ty:ty)*) => {$(
        impl Version for $ty {
            const FIRST: Self = 1;

            fn next(&self) -> Result<Self> {
                self.checked_add(1).ok_or_else(|| Error::general("no version is left for the record"))
            }
        }
    )*};
}

versions!(i64 i32 u64 u32);
