//! The check of `Origin`: a browser lets a page of any origin open a WebSocket, and sends the cookies along.
//!
//! A page of somebody else must not act with them, so such a request is refused before anything begins.

use std::sync::Arc;

use axum::extract::Request;
use feathers_core::{Error, Result};
use http::{HeaderMap, header};
use serde_json::json;

/// The origins besides the server's own that may connect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins(Option<Vec<String>>);

/// The origins whose pages may send cookies, as the server's CORS has them; on every request of such a server.
#[derive(Clone, Debug)]
pub(crate) struct Trusted(pub(crate) Arc<[String]>);

impl Origins {
    /// Allows these only.
    pub(crate) fn only<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self(Some(origins.into_iter().map(Into::into).collect()))
    }

    /// Refuses a page that may not connect: one of another origin that is not listed.
    ///
    /// Without a list, one whose browser sends no cookie may. No `Origin` means that no browser asks.
    pub(crate) fn check(&self, request: &Request) -> Result<()> {
        let trusted = request.extensions().get::<Trusted>().map_or(&[][..], |trusted| &trusted.0);
        let headers = request.headers();
        match text(headers, &header::ORIGIN) {
            Some(origin) if !self.allows(origin, headers, trusted) => {
                Err(Error::forbidden("this origin may not connect").with_data(json!({ "origin": origin })))
            }
            _ => Ok(()),
        }
    }

    fn allows(&self, origin: &str, headers: &HeaderMap, trusted: &[String]) -> bool {
        let own = text(headers, &header::HOST).is_some_and(|host| {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        });
        let listed = match &self.0 {
            Some(list) => list.iter().any(|one| one == origin),
            None => !headers.contains_key(header::COOKIE),
        };
        own || listed || trusted.iter().any(|one| one == origin)
    }
}

/// What is not text is an origin that nobody has.
fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("null"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_connect() {
        let check = |origins: &Origins, origin: &str, cookie: bool, trusted: &[&str]| {
            let mut request = Request::builder().header("host", "app.example:3030");
            if !origin.is_empty() {
                request = request.header("origin", origin);
            }
            if cookie {
                request = request.header("cookie", "session=1");
            }
            let mut request = request.body(axum::body::Body::empty()).unwrap_or_default();
            request.extensions_mut().insert(Trusted(trusted.iter().map(ToString::to_string).collect()));
            origins.check(&request).is_ok()
        };
        let open = Origins::default();
        let listed = Origins::only(["https://good.example"]);
        for (origin, cookie, by_open, by_listed) in [
            ("", true, true, true),
            ("http://app.example:3030", true, true, true),
            ("HTTPS://APP.example:3030", true, true, true),
            ("http://app.example", true, false, false),
            ("http://evil.example", true, false, false),
            ("http://evil.example", false, true, false),
            ("http://app.example:3030.evil.example", true, false, false),
            ("http://evil.example/app.example:3030", true, false, false),
            ("null", true, false, false),
            ("null", false, true, false),
            ("https://good.example", true, false, true),
            ("https://good.example.evil", true, false, false),
        ] {
            assert_eq!(check(&open, origin, cookie, &[]), by_open, "{origin} {cookie}");
            assert_eq!(check(&listed, origin, cookie, &[]), by_listed, "{origin} {cookie}");
        }
        assert!(check(&open, "https://page.example", true, &["https://page.example"]));
        assert!(!check(&open, "https://page.example.evil", true, &["https://page.example"]));
    }
}
