//! The heads of requests: how long they may be.

use axum::body::Body;
use feathers_core::{Error, Result};
use http::Request;

/// The shortest limit: what browsers and proxies send fits in any case.
const SHORTEST: usize = 4 << 10;

/// What a line costs besides its name and its value: a colon, a space and the end.
const LINE: usize = 4;

/// How many bytes the head of a request may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeadLimit(usize);

impl HeadLimit {
    pub(super) fn new(bytes: usize) -> Self {
        Self(bytes.max(SHORTEST))
    }

    /// Returns how many bytes are read of a head that does not end: enough to answer one that is too long.
    pub(super) fn buffer(self) -> usize {
        self.0.saturating_mul(2)
    }

    /// Refuses a request whose head is too long; `headers` is the length of its headers.
    pub(super) fn check(self, request: &Request<Body>, headers: usize) -> Result<()> {
        let uri = request.uri();
        let address = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
        if address + headers <= self.0 {
            return Ok(());
        }
        let (what, code) = if address > self.0 { ("address", 414) } else { ("head", 431) };
        let message = format!(
            "the {what} of the request is longer than {} bytes: send what is long in the body of a POST, or over a socket",
            self.0
        );
        metrics::counter!(feathers_core::metrics::REFUSED, "bound" => "head").increment(1);
        Err(Error::bad_request(message).with_code(code))
    }
}

/// Returns how many bytes a header has in the head.
pub(super) fn length(name: &http::HeaderName, value: &http::HeaderValue) -> usize {
    name.as_str().len() + value.len() + LINE
}
