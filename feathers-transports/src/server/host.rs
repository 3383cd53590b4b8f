//! The header `Host`, of which a request over HTTP/1.1 has one (RFC 9112, section 3.2).
//!
//! Proxies and servers that choose different ones of two can be played off against each other.

use axum::body::Body;
use feathers_core::{Error, Result};
use http::{Request, Version, header};

/// Refuses a request that does not say once whom it is for.
pub(super) fn check(request: &Request<Body>) -> Result<()> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    match request.version() {
        Version::HTTP_11 if first.is_none() => Err(Error::bad_request("a request over HTTP/1.1 needs the header Host")),
        _ if second.is_some() => Err(Error::bad_request("the header Host is there more than once")),
        _ => Ok(()),
    }
}
