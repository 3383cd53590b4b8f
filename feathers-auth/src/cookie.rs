//! The cookie: a token that a browser sends by itself.
//!
//! Only the browser sees it, not the page's scripts. The transports refuse a request with a cookie from a page of
//! another origin, so that such a page cannot act with it.

use feathers_core::{Error, Headers, Result};
use http::HeaderValue;

use crate::config::{CookieConfig, SameSite};

/// Returns the value of a cookie.
pub(crate) fn find<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    all(headers).find_map(|(own, value)| (own == name).then_some(value))
}

/// Returns the names of all cookies.
pub(crate) fn names(headers: &Headers) -> impl Iterator<Item = &str> {
    all(headers).map(|(name, _)| name)
}

fn all(headers: &Headers) -> impl Iterator<Item = (&str, &str)> {
    headers
        .iter()
        .filter(|(header, _)| *header == "cookie")
        .flat_map(|(_, value)| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

/// Writes the cookie with a token that is valid for so many seconds.
pub(crate) fn set(config: &CookieConfig, token: &str, seconds: u64) -> Result<HeaderValue> {
    let same_site = match config.same_site {
        SameSite::Strict => "Strict",
        SameSite::Lax => "Lax",
    };
    let secure = if config.secure { "; Secure" } else { "" };
    let name = &config.name;
    let text = format!("{name}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}");
    let mut value = HeaderValue::try_from(text).map_err(Error::internal)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Writes what takes the cookie away.
pub(crate) fn clear(config: &CookieConfig) -> Result<HeaderValue> {
    set(config, "", 0)
}
