//! The check of `Origin`: a browser lets a page of any origin open a WebSocket, and sends the cookies along.
//!
//! A page of another site must not act with them, so such a request is refused before anything begins.

use std::sync::Arc;

use axum::extract::Request;
use feathers_core::{Error, Result};
use http::request::Parts;
use http::uri::Authority;
use http::{Extensions, HeaderMap, HeaderName, Uri, header};
use serde_json::json;

/// The origins besides the server's own that may connect.
#[derive(Clone, Debug, Default)]
pub struct Origins(Option<Vec<String>>);

/// The origins whose pages may send cookies, as the server's CORS has them; on every request of such a server.
#[derive(Clone, Debug)]
pub(crate) struct Trusted(pub(crate) Arc<[String]>);

/// Where browsers see the server, in the words of a trusted proxy; on the requests that such a one has passed on.
#[derive(Clone, Debug)]
pub(crate) struct ForwardedOrigin {
    scheme: Option<String>,
    host: Option<String>,
}

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

impl ForwardedOrigin {
    /// Reads what the proxy says, if it says something: the last word of each header, which is its own.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let last = |name| {
            let words = headers.get_all(name).iter().next_back()?.to_str().ok()?;
            words.rsplit(',').next().map(str::trim).filter(|word| !word.is_empty())
        };
        // Some proxies tell of WebSockets like this.
        let scheme = last(X_FORWARDED_PROTO).map(|scheme| match scheme {
            "ws" => "http".to_owned(),
            "wss" => "https".to_owned(),
            _ => scheme.to_owned(),
        });
        let host = last(X_FORWARDED_HOST).map(ToOwned::to_owned);
        (scheme.is_some() || host.is_some()).then_some(Self { scheme, host })
    }
}

impl Origins {
    /// Allows these only.
    pub fn only<O: Into<String>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self(Some(origins.into_iter().map(Into::into).collect()))
    }

    /// Refuses a page that may not connect: one of another origin that is not listed.
    ///
    /// Without a list, one whose browser sends no cookie may. No `Origin` means that no browser asks.
    ///
    /// # Errors
    /// A page of another origin that may not connect: a 403.
    pub fn check(&self, request: &Request) -> Result<()> {
        let trusted = request.extensions().get::<Trusted>().map_or(&[][..], |trusted| &trusted.0);
        match text(request.headers(), &header::ORIGIN) {
            Some(origin) if !self.allows(origin, request, trusted) => {
                Err(Error::forbidden("this origin may not connect").with_data(json!({ "origin": origin })))
            }
            _ => Ok(()),
        }
    }

    /// Tells whether a browser sends the request for a page of another site that the server's CORS does not trust with
    /// cookies. A request without the headers of a browser is not foreign.
    pub(crate) fn is_foreign(request: &Request) -> bool {
        let trusted = request.extensions().get::<Trusted>().map_or(&[][..], |trusted| &trusted.0);
        let origin = text(request.headers(), &header::ORIGIN);
        let is_own = |origin: &str| is_own(origin, request.headers(), request.uri(), request.extensions());
        let listed = || origin.is_some_and(|origin| is_own(origin) || trusted.iter().any(|one| one == origin));
        // A page cannot set this header; it knows the own site where a proxy hides it, and where there is no origin.
        match text(request.headers(), &SEC_FETCH_SITE) {
            Some("same-origin" | "none") => false,
            Some(_) => !listed(),
            None => origin.is_some() && !listed(),
        }
    }

    fn allows(&self, origin: &str, request: &Request, trusted: &[String]) -> bool {
        let listed = match &self.0 {
            Some(list) => list.iter().any(|one| one == origin),
            None => !request.headers().contains_key(header::COOKIE),
        };
        listed
            || is_own(origin, request.headers(), request.uri(), request.extensions())
            || trusted.iter().any(|one| one == origin)
    }
}

/// Tells whether an origin is that of the server: of the host that was asked, or what a trusted proxy says instead.
///
/// Only such a proxy knows the scheme, since it may have taken the encryption off.
fn is_own(origin: &str, headers: &HeaderMap, uri: &Uri, extensions: &Extensions) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let outside = extensions.get::<ForwardedOrigin>();
    if outside.and_then(|outside| outside.scheme.as_deref()).is_some_and(|own| !own.eq_ignore_ascii_case(scheme)) {
        return false;
    }
    // HTTP/2 has the host in the place of the URL.
    let asked = || text(headers, &header::HOST).or_else(|| uri.authority().map(Authority::as_str));
    let own = outside.and_then(|outside| outside.host.as_deref()).or_else(asked);
    own.is_some_and(|own| without_port(scheme, own).eq_ignore_ascii_case(without_port(scheme, authority)))
}

/// Tells whether a request comes from a page of another origin.
pub(crate) fn is_foreign(parts: &Parts) -> bool {
    let origin = text(&parts.headers, &header::ORIGIN);
    origin.is_some_and(|origin| !is_own(origin, &parts.headers, &parts.uri, &parts.extensions))
}

/// Tells whether a request is known to come over HTTPS, be it by what a trusted proxy says.
pub(crate) fn is_encrypted(parts: &Parts) -> bool {
    let outside = parts.extensions.get::<ForwardedOrigin>().and_then(|outside| outside.scheme.as_deref());
    outside.or_else(|| parts.uri.scheme_str()).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// Takes off the port that a scheme has anyway; browsers leave it out of origins, some proxies write it.
fn without_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    authority.strip_suffix(port).unwrap_or(authority)
}

/// A value that is not text is an origin that no page has.
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

    #[test]
    fn which_requests_are_those_of_other_sites() {
        let check = |origin: Option<&str>, site: Option<&str>| {
            let mut request = Request::builder().header("host", "app.example");
            for (name, value) in [("origin", origin), ("sec-fetch-site", site)] {
                if let Some(value) = value {
                    request = request.header(name, value);
                }
            }
            let mut request = request.body(axum::body::Body::empty()).unwrap_or_default();
            request.extensions_mut().insert(Trusted(Arc::new(["https://page.example".to_owned()])));
            Origins::is_foreign(&request)
        };
        let (own, evil, page) = ("https://app.example", "https://evil.example", "https://page.example");
        for (origin, site, foreign) in [
            (None, None, false),
            (Some(own), None, false),
            (Some(page), None, false),
            (Some(evil), None, true),
            (Some("null"), None, true),
            (Some(evil), Some("cross-site"), true),
            (Some("https://evil.app.example"), Some("same-site"), true),
            (Some(page), Some("cross-site"), false),
            (None, Some("cross-site"), true),
            (None, Some("same-site"), true),
            (Some("null"), Some("same-origin"), false),
            (Some("https://behind.example"), Some("same-origin"), false),
            (None, Some("none"), false),
            (Some(evil), Some("nonsense"), true),
        ] {
            assert_eq!(check(origin, site), foreign, "{origin:?} {site:?}");
        }
    }

    #[test]
    fn s30_the_own_origin_behind_a_proxy() {
        let check = |host: &str, forwarded: &[(HeaderName, &str)], origin: &str| {
            let mut request = Request::builder().header("cookie", "session=1").header("origin", origin);
            if !host.is_empty() {
                request = request.header("host", host);
            }
            for (name, value) in forwarded {
                request = request.header(name, *value);
            }
            let request = request.uri("https://h2.example/x").body(axum::body::Body::empty()).unwrap_or_default();
            let ignored = Origins::default().check(&request).is_ok();
            let mut believed = request;
            let outside = ForwardedOrigin::read(believed.headers());
            outside.map(|outside| believed.extensions_mut().insert(outside));
            (ignored, Origins::default().check(&believed).is_ok())
        };
        let (proto, host) = (X_FORWARDED_PROTO, X_FORWARDED_HOST);
        let both = |scheme, name| [(proto.clone(), scheme), (host.clone(), name)];
        for (asked, forwarded, origin, by_ignoring, by_believing) in [
            // The host that the proxy asks for is no origin of any page.
            ("inside:3030", &both("https", "app.example")[..], "https://app.example", false, true),
            ("inside:3030", &both("https", "app.example"), "http://app.example", false, false),
            ("inside:3030", &both("https", "app.example"), "http://inside:3030", true, false),
            ("inside:3030", &both("https", "app.example:443"), "https://app.example", false, true),
            ("inside:3030", &both("http", "app.example:443"), "http://app.example", false, false),
            ("inside:3030", &both("http", "app.example:80"), "http://app.example", false, true),
            ("inside:3030", &both("wss", "app.example"), "https://app.example", false, true),
            ("inside:3030", &both("https, http", "evil.example, app.example"), "http://app.example", false, true),
            ("inside:3030", &both("https, http", "evil.example, app.example"), "http://evil.example", false, false),
            ("inside:3030", &both("https", "app.example"), "https://app.example.evil", false, false),
            ("inside:3030", &both("https", "app.example"), "https://evil-app.example", false, false),
            ("inside:3030", &both("https", "app.example"), "null", false, false),
            ("app.example", &[(proto.clone(), "https")], "https://app.example", true, true),
            ("app.example", &[(proto.clone(), "https")], "http://app.example", true, false),
            ("inside", &[(host.clone(), "app.example")], "https://app.example", false, true),
            ("app.example", &[(host.clone(), " "), (proto.clone(), "")], "https://app.example", true, true),
            // HTTP/2 has no header of the host.
            ("", &[], "https://h2.example", true, true),
            ("", &[], "https://h3.example", false, false),
        ] {
            assert_eq!(check(asked, forwarded, origin), (by_ignoring, by_believing), "{asked} {forwarded:?} {origin}");
        }
    }
}
