//! Where a browser comes from and where it goes in the end: only origins that the settings name.

use feathers_core::{Error, Headers, Result};
use url::{Host, Url};

use super::config::OAuthConfig;

/// A longer path is not kept.
const LONGEST: usize = 2_048;

/// The origins and the path of the settings, once they are checked.
#[derive(Debug)]
pub(super) struct Targets {
    origins: Vec<Url>,
    redirect: String,
}

impl Targets {
    /// Checks the settings.
    pub(super) fn new(config: &OAuthConfig) -> Result<Self> {
        let origins = config.origins.iter().map(|text| origin("origins", text)).collect::<Result<Vec<_>>>()?;
        let redirect = config.redirect.clone().unwrap_or_default();
        let is_path = redirect.is_empty() || is_path(&redirect);
        let is_url = Url::parse(&redirect).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if !is_path && (!is_url || !origins.is_empty()) {
            let what = if origins.is_empty() { "a URL or a path" } else { "a path, since there are `oauth.origins`" };
            return Err(Error::general(format!("authentication: `oauth.redirect` must be {what}, not '{redirect}'")));
        }
        Ok(Self { origins, redirect })
    }

    /// Returns where a login ends, up to the token: for the page that it was begun on, and the path that this asks for.
    ///
    /// A login that links an account must not be begun by a foreign page, so there the page must be known.
    pub(super) fn target(&self, headers: &Headers, path: Option<&str>, own: &Url, links: bool) -> Result<String> {
        let path = path.unwrap_or_default();
        let page = match (headers.value("referer").or_else(|| headers.value("origin")), self.origins.first()) {
            (Some(text), _) => Some(text),
            (None, _) if links => return Err(Error::not_authenticated("A login with feathers_token needs a Referer.")),
            (None, first) => first.map(Url::as_str),
        };
        let known = if self.origins.is_empty() { links.then_some(page).flatten() } else { page };
        let page = known.map(|page| self.allowed(page, own)).transpose()?;
        let (base, path) = match page.filter(|_| !self.origins.is_empty()) {
            Some(page) => (text_of(&page), if path.is_empty() { &self.redirect } else { path }),
            None => (self.redirect.clone(), path),
        };
        let base = if path.starts_with('/') { base.strip_suffix('/').unwrap_or(&base) } else { &base };
        let target = check(base, path, own)?;
        Ok(match (self.redirect.contains('#'), target.ends_with('?')) {
            (true, true) => target,
            (true, false) => target + "?",
            (false, _) => target + "#",
        })
    }

    fn allowed(&self, page: &str, own: &Url) -> Result<Url> {
        let invalid = || Error::not_authenticated("Invalid referer. Expected an absolute URL.");
        let page = Url::parse(page).ok().filter(Url::has_host).ok_or_else(invalid)?;
        let redirect = Url::parse(&self.redirect).ok();
        let open = self.origins.is_empty();
        let more = [Some(own), redirect.as_ref()].into_iter().flatten().filter(|_| open);
        if self.origins.iter().chain(more).any(|one| same_origin(one, &page)) {
            Ok(page)
        } else {
            let origin = text_of(&page);
            Err(Error::not_authenticated(format!("Referer origin \"{origin}\" is not allowed.")))
        }
    }
}

/// Reads an origin of the settings.
pub(super) fn origin(key: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|url| {
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        bare && url.password().is_none() && matches!(url.scheme(), "http" | "https")
    });
    url.ok_or_else(|| {
        Error::general(format!(
            "authentication: `oauth.{key}` must be an origin such as https://app.example, not '{text}'"
        ))
    })
}

/// Tells whether a URL leads to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Returns the origin as a text, without a path.
pub(super) fn text_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Tells whether two URLs have the same scheme, host and port; on this machine the ports do not count.
fn same_origin(one: &Url, other: &Url) -> bool {
    let host = || one.scheme() == other.scheme() && one.host() == other.host();
    one.origin() == other.origin() || (is_loopback(one) && host())
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//") && !text.contains(is_trick)
}

/// Browsers take a `\` for a `/`, and leave out some invisible characters.
fn is_trick(character: char) -> bool {
    character == '\\' || character.is_control()
}

/// Returns base and path in one, if the path leads nowhere else than the base does.
fn check(base: &str, path: &str, own: &Url) -> Result<String> {
    let invalid = || Error::not_authenticated("Invalid redirect path.");
    if path.len() > LONGEST || path.contains(is_trick) {
        return Err(invalid());
    }
    let whole = format!("{base}{path}");
    let absolute = match Url::parse(base) {
        Ok(base) => base,
        Err(_) if whole.is_empty() || whole.starts_with('/') => own.join(base).map_err(|_| invalid())?,
        Err(_) => return Err(invalid()),
    };
    // A path that is a URL, or that begins with two slashes, leads away by itself.
    let alone = absolute.join(path).map_err(|_| invalid())?;
    // What follows a host without a slash changes the host: `.evil.example`, `@evil.example`, `:8080`.
    let joined = own.join(&whole).map_err(|_| invalid())?;
    let stays = |url: &Url| url.origin() == absolute.origin() && url.username().is_empty() && url.password().is_none();
    if !stays(&alone) || !stays(&joined) {
        return Err(invalid());
    }
    Ok(if whole.is_empty() { "/".to_owned() } else { whole })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends_at(origins: &[&str], redirect: Option<&str>, referer: Option<&str>, path: &str) -> Result<String> {
        let origins = origins.iter().map(ToString::to_string).collect();
        let config = OAuthConfig { origins, redirect: redirect.map(str::to_owned), ..OAuthConfig::default() };
        let mut headers = http::HeaderMap::new();
        if let Some(referer) = referer {
            headers.insert("referer", referer.parse().unwrap());
        }
        let own = Url::parse("https://api.example").unwrap();
        Targets::new(&config)?.target(&headers.into(), Some(path), &own, false)
    }

    #[test]
    fn no_path_leads_away() {
        for path in [
            "@evil.example",
            ":x@evil.example",
            "//evil.example",
            "///evil.example",
            "\\\\evil.example",
            "/\\evil.example",
            ".evil.example",
            ":8443",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\r\nSet-Cookie: x=1",
            "/a\tb",
            "/\t/evil.example",
            "\u{0}",
            "/\u{7f}",
            "\u{85}",
            "data:text/html,x",
            "@",
            "http:/evil.example",
        ] {
            for (origins, redirect) in
                [(&["https://app.example"][..], None), (&[], Some("https://app.example")), (&[], None)]
            {
                let ended = ends_at(origins, redirect, None, path);
                assert_eq!(
                    ended.as_ref().map_err(Error::message).err(),
                    Some("Invalid redirect path."),
                    "{path:?} {origins:?} {redirect:?}: {ended:?}"
                );
            }
        }
    }

    #[test]
    fn where_logins_end() {
        let check = |origins: &[&str], redirect, referer, path: &str, expected: &str| {
            let target = ends_at(origins, redirect, referer, path);
            assert_eq!(target.as_deref().unwrap_or_else(Error::message), expected, "{origins:?} {redirect:?} {path}");
        };
        let app = ["https://app.example", "http://localhost:3000"];
        check(&app, None, None, "", "https://app.example#");
        check(&app, None, Some("https://app.example/login?a=b"), "/done", "https://app.example/done#");
        check(&app, Some("/home"), Some("https://app.example/"), "", "https://app.example/home#");
        check(&app, Some("/home"), Some("https://app.example/"), "/done", "https://app.example/done#");
        check(&app, None, Some("http://localhost:5173/"), "/a//b?c=d", "http://localhost:5173/a//b?c=d#");
        check(&app, None, Some("https://app.example/"), "/done?", "https://app.example/done?#");
        check(&[], Some("https://app.example/#/login"), None, "", "https://app.example/#/login?");
        check(&[], Some("https://app.example/#/login?"), None, "", "https://app.example/#/login?");
        check(&[], Some("https://app.example/"), None, "/done", "https://app.example/done#");
        check(&[], None, None, "", "/#");
        check(&[], Some("/"), None, "/done", "/done#");
        check(&[], Some("/"), None, "@evil.example", "/@evil.example#");
        check(&[], Some("/"), None, "//evil.example", "Invalid redirect path.");
        for referer in [
            "https://app.example.evil",
            "https://evil.example/https://app.example",
            "http://app.example",
            "https://app.example:8443",
            "https://app.example@evil.example",
            "https://localhost:3000",
            "http://127.0.0.1:3000",
            "http://localhost.evil.example",
        ] {
            let message = ends_at(&app, None, Some(referer), "").unwrap_err().message().to_owned();
            assert!(message.ends_with("is not allowed."), "{referer}: {message}");
        }
        check(&app, None, Some("null"), "", "Invalid referer. Expected an absolute URL.");
    }
}
