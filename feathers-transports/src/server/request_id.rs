//! Request ids: one per request, taken from the client or made here.

use http::{HeaderName, HeaderValue};
use uuid::Builder;

/// The header of the id, on requests and responses.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id from a client is not taken.
const MAX_LENGTH: usize = 128;

/// Makes an id. It is unique, but no secret, so that it need not be made of the costly kind of random bytes.
pub(super) fn new() -> HeaderValue {
    let uuid = Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes()).into_uuid();
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    HeaderValue::from_str(uuid.hyphenated().encode_lower(&mut text))
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

/// Tells whether the id of a client can be written to a log as it is.
pub(super) fn is_sane(id: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(byte);
    !id.is_empty() && id.len() <= MAX_LENGTH && id.as_bytes().iter().all(plain)
}
