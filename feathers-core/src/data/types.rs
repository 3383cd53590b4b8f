//! The types that a field can have, and which the standard library does not.

mod bytes;
#[cfg(feature = "chrono")]
mod chrono;
mod duration;
mod fixed_point;
#[cfg(feature = "jiff")]
mod jiff;
mod list;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;

pub use self::bytes::Bytes;
pub(crate) use self::bytes::write as base64;
pub use self::duration::Duration;
pub use self::fixed_point::FixedPoint;
pub use self::list::ListItem;
