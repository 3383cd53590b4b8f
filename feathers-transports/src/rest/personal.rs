//! Answers that are for one caller, which no cache may keep for another.

use feathers_core::SecretHeaders;
use http::{HeaderMap, HeaderValue, header};

/// Keeps an answer out of caches. A hook's own `Cache-Control` is left as it is; `Vary` has to be true in any case.
pub(super) fn mark(response: &mut HeaderMap, secrets: &SecretHeaders) {
    if !response.contains_key(header::CACHE_CONTROL) {
        response.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    response.append(header::VARY, secrets.vary().clone());
}
