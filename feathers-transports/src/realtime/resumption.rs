//! The cookie of a client that a ticket has let in: an `EventSource` reconnects with the same URL, whose ticket is
//! used.
//!
//! The cookie serves nothing else: its name holds the hash of the ticket, it counts only beside that ticket, and no
//! call looks at it. So a URL alone lets no client in a second time.

use std::time::Duration;

use axum::extract::OriginalUri;
use axum::response::Response;
use feathers_core::{Connection, Resumption};
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};

use crate::kit::origin;

/// Browsers send it to origins to which they also send `Secure` cookies.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How the cookie has to be written for the page that asks.
#[derive(Debug)]
pub(crate) struct Writer {
    path: String,
    attributes: &'static str,
}

impl Writer {
    /// Reads the path and the attributes of the cookie from the request.
    pub(crate) fn new(parts: &Parts) -> Self {
        let outer = parts.extensions.get::<OriginalUri>();
        let path = outer.map_or(&parts.uri, |OriginalUri(uri)| uri).path().to_owned();
        let attributes = if origin::is_foreign(parts) {
            "SameSite=None; Secure"
        } else if parts.headers.contains_key(SEC_FETCH_SITE) || origin::is_encrypted(parts) {
            "SameSite=Strict; Secure"
        } else {
            "SameSite=Strict"
        };
        Self { path, attributes }
    }

    /// Gives a client that a ticket has let in its cookie; `lifetime` is how long the answer takes at most.
    pub(crate) fn write(&self, connection: &Connection, lifetime: Duration, response: &mut Response) {
        let Some(Resumption { name, secret, keep, stale, .. }) = connection.get() else { return };
        let lifetime = lifetime.saturating_add(keep);
        self.set(&name, &secret, lifetime, response);
        for name in stale {
            self.set(&name, "", Duration::ZERO, response);
        }
    }

    fn set(&self, name: &str, value: &str, lifetime: Duration, response: &mut Response) {
        let Self { path, attributes } = self;
        let seconds = lifetime.as_secs();
        let text = format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; {attributes}");
        // A path that is no text of a header has no cookie: the client needs a new ticket.
        if let Ok(mut cookie) = HeaderValue::try_from(text) {
            cookie.set_sensitive(true);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
}
