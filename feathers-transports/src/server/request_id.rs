//! Request ids: one per request, taken from the client or made here.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Builder;

/// The header of the id, on requests and responses.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A longer id from a client is not taken.
const MAX_LENGTH: usize = 128;

/// Returns the id of a request, after giving it one if it has none that can be taken.
pub(super) fn ensure(headers: &mut HeaderMap) -> HeaderValue {
    if let Some(id) = headers.get(&REQUEST_ID)
        && is_sane(id.as_bytes())
    {
        return id.clone();
    }
    let uuid = Builder::from_random_bytes(rand::random()).into_uuid();
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let id = HeaderValue::from_str(uuid.hyphenated().encode_lower(&mut text))
        .unwrap_or_else(|_| HeaderValue::from_static("unknown"));
    headers.insert(REQUEST_ID, id.clone());
    id
}

/// Tells whether an id can be written to a log as it is.
fn is_sane(id: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:+/=@".contains(byte);
    !id.is_empty() && id.len() <= MAX_LENGTH && id.iter().all(plain)
}
