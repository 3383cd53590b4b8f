//! The settings: which proxies there are, and how they and the app know each other.

use std::env;
use std::fmt;

use feathers_core::{Error, Result};
use http::Uri;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

/// The settings of GRIP: the proxies that hold connections for this app.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
/// use feathers::transports::{Grip, GripProxy};
///
/// let proxy = GripProxy::new("http://127.0.0.1:5561").verify_key("base64:c2VjcmV0IG9mIHRoZSBwcm94eSBhbmQgdGhlIGFwcA==");
/// let grip = Grip::new().proxy(proxy).prefix("app-");
/// ```
///
/// They can also be read from a configuration with serde, or from the environment by [`Grip::from_env`].
/// Mistakes are errors of the start, and name the setting.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grip {
    pub(super) proxies: Vec<GripProxy>,
    pub(super) prefix: String,
    pub(super) proxy_required: bool,
    pub(super) fan_out: bool,
    pub(super) secret: Option<String>,
}

/// One proxy.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GripProxy {
    /// The URL of its control endpoint, to which `/publish/` is added; `https://` needs the feature `tls`.
    pub(super) control_uri: String,
    /// The issuer that the app names at the control endpoint.
    #[serde(default)]
    pub(super) control_iss: Option<String>,
    /// The key for the control endpoint.
    #[serde(default)]
    pub(super) key: Option<String>,
    /// The issuer that the proxy names in its signatures.
    #[serde(default)]
    pub(super) verify_iss: Option<String>,
    /// The key that its signatures are verified with.
    #[serde(default)]
    pub(super) verify_key: Option<String>,
}

impl Grip {
    /// Begins without proxies.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a proxy. Every event is published to all of them, and the signature of any is believed.
    pub fn proxy(mut self, proxy: GripProxy) -> Self {
        self.proxies.push(proxy);
        self
    }

    /// Sets what the names of all channels begin with, for proxies that several apps share.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets whether only requests through a proxy are answered; all others but health checks get a 501.
    pub fn proxy_required(mut self, required: bool) -> Self {
        self.proxy_required = required;
        self
    }

    /// Says whether the proxy gets events for `WebSockets` once for all, instead of asking for each of them.
    ///
    /// Without it nothing is lost, and each event costs a request of the proxy for each WebSocket that gets it.
    /// With it an event is one message for all clients in the same channels. But Pushpin drops events for a WebSocket
    /// that has more than 8 KiB unread, its default, and tells neither the app nor the client. So it is for very many
    /// clients that can miss an event.
    ///
    /// It makes no difference for streams and polls, where a gap is always found.
    pub fn fan_out(mut self, fan_out: bool) -> Self {
        self.fan_out = fan_out;
        self
    }

    /// Sets the secret that links and the state of `WebSockets` are signed with, instead of one that is made of the
    /// first shared secret of a proxy. It may be written as `base64:..`.
    ///
    /// Without either, each start makes a new one; streams that are held then end once, and their clients reconnect.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// Reads `GRIP_URL`, one URL or several with blanks between, and `GRIP_VERIFY_KEY`, which is for all proxies whose
    /// URL has no `verify-key`. `GRIP_PREFIX`, `GRIP_PROXY_REQUIRED`, `GRIP_FAN_OUT` and `GRIP_SECRET` are read too.
    /// `None` without `GRIP_URL`.
    ///
    /// A URL is that of the control endpoint, with `iss`, `key`, `verify-iss` and `verify-key` in its query:
    /// `http://127.0.0.1:5561/?verify-iss=pushpin&verify-key=base64:c2VjcmV0`.
    ///
    /// # Errors
    /// A variable that cannot be used, with its name; its value is in no message.
    pub fn from_env() -> Result<Option<Self>> {
        Self::from_variables(|name| env::var(name).ok().filter(|text| !text.trim().is_empty()))
    }

    pub(super) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let Some(urls) = variable("GRIP_URL") else { return Ok(None) };
        let verify_key = variable("GRIP_VERIFY_KEY");
        let mut grip = Self::new();
        for (index, url) in urls.split_whitespace().enumerate() {
            let place = if index == 0 { "GRIP_URL".to_owned() } else { format!("GRIP_URL, URL {}", index + 1) };
            let mut proxy = GripProxy::parse(url, &place)?;
            proxy.verify_key = proxy.verify_key.or_else(|| verify_key.clone());
            if proxy.verify_key.is_none() {
                return Err(Error::general(format!("{place} has no 'verify-key', and GRIP_VERIFY_KEY is not set")));
            }
            grip.proxies.push(proxy);
        }
        grip.prefix = variable("GRIP_PREFIX").unwrap_or_default();
        grip.secret = variable("GRIP_SECRET");
        let switch = |name: &str| match variable(name).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Error::general(format!("{name} must be true or false"))),
        };
        grip.proxy_required = switch("GRIP_PROXY_REQUIRED")?;
        grip.fan_out = switch("GRIP_FAN_OUT")?;
        Ok(Some(grip))
    }
}

impl GripProxy {
    /// Describes a proxy by the URL of its control endpoint; `https://` needs the feature `tls`.
    pub fn new(control_uri: impl Into<String>) -> Self {
        Self { control_uri: control_uri.into(), control_iss: None, key: None, verify_iss: None, verify_key: None }
    }

    /// Reads a URL with the settings in its query, as [`Grip::from_env`] does.
    ///
    /// # Errors
    /// A URL that cannot be used; it is in no message.
    pub fn from_url(url: &str) -> Result<Self> {
        Self::parse(url, "the URL of a GRIP proxy")
    }

    /// Sets the issuer that the app names at the control endpoint. With it the app sends a token there, signed with
    /// `key`; without, it sends the key itself, if there is one.
    pub fn control_iss(mut self, iss: impl Into<String>) -> Self {
        self.control_iss = Some(iss.into());
        self
    }

    /// Sets the key for the control endpoint. Pushpin asks for none, hosted proxies do.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the issuer that the proxy names in its signatures: those of any other issuer are ignored.
    pub fn verify_iss(mut self, iss: impl Into<String>) -> Self {
        self.verify_iss = Some(iss.into());
        self
    }

    /// Sets the key that the proxy's signatures are verified with: text, `base64:` and bytes, or a public key in PEM.
    ///
    /// A secret is valid for HS256 only, and a public key for RS256 or ES256, whichever it is.
    pub fn verify_key(mut self, key: impl Into<String>) -> Self {
        self.verify_key = Some(key.into());
        self
    }

    fn parse(url: &str, place: &str) -> Result<Self> {
        let uri: Uri = url.parse().map_err(|_| Error::general(format!("{place} is not a URL")))?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(Error::general(format!("{place} must begin with http:// or https:// and a host")));
        };
        let mut proxy = Self::new(format!("{scheme}://{authority}{}", uri.path()));
        for pair in uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A plus is itself here: base64 has it.
            let value = percent_decode_str(value).decode_utf8();
            let value = value.map_err(|_| Error::general(format!("{place}: '{name}' is not UTF-8")))?.into_owned();
            match name {
                "iss" => proxy.control_iss = Some(value),
                "key" => proxy.key = Some(value),
                "verify-iss" => proxy.verify_iss = Some(value),
                "verify-key" => proxy.verify_key = Some(value),
                _ => {
                    let known = "'iss', 'key', 'verify-iss' and 'verify-key'";
                    return Err(Error::general(format!("{place}: '{name}' is not known, only {known} are")));
                }
            }
        }
        Ok(proxy)
    }

    /// Returns where to publish; `place` is for the error.
    pub(super) fn publish_url(&self, place: &str) -> Result<String> {
        let uri: Uri = self.control_uri.parse().map_err(|_| Error::general(format!("{place} is not a URL")))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() || uri.query().is_some() {
            return Err(Error::general(format!("{place} must be http:// or https://, a host and perhaps a path")));
        }
        if !cfg!(feature = "tls") && uri.scheme_str() == Some("https") {
            return Err(Error::general(format!("{place} is https://, which needs the feature `tls`")));
        }
        Ok(format!("{}/publish/", self.control_uri.trim_end_matches('/')))
    }
}

impl fmt::Debug for Grip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grip")
            .field("proxies", &self.proxies)
            .field("prefix", &self.prefix)
            .field("proxy_required", &self.proxy_required)
            .field("fan_out", &self.fan_out)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for GripProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may have a password in it.
        f.debug_struct("GripProxy").field("verify_iss", &self.verify_iss).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Grip>, String> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        Grip::from_variables(value).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn variables_name_the_proxies() {
        assert!(read(&[("GRIP_VERIFY_KEY", "x")]).unwrap().is_none());
        let grip = read(&[
            ("GRIP_URL", "http://127.0.0.1:5561/?verify-iss=a http://b/c?verify-key=base64:YQ==&iss=d&key=e%26f+g"),
            ("GRIP_VERIFY_KEY", "shared"),
            ("GRIP_PREFIX", "app."),
            ("GRIP_PROXY_REQUIRED", "true"),
            ("GRIP_FAN_OUT", "0"),
        ]);
        let grip = grip.unwrap().unwrap();
        let [first, second] = grip.proxies.as_slice() else { panic!("{grip:?}") };
        assert_eq!(first.publish_url("").unwrap(), "http://127.0.0.1:5561/publish/");
        assert_eq!((first.verify_iss.as_deref(), first.verify_key.as_deref()), (Some("a"), Some("shared")));
        assert_eq!(second.publish_url("").unwrap(), "http://b/c/publish/");
        assert_eq!((second.verify_key.as_deref(), second.key.as_deref()), (Some("base64:YQ=="), Some("e&f+g")));
        assert_eq!((grip.prefix.as_str(), grip.proxy_required, grip.fan_out), ("app.", true, false));
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        let check = |variables: &[(&str, &str)], message: &str| {
            assert_eq!(read(variables).map(|_| ()), Err(message.to_owned()));
        };
        check(&[("GRIP_URL", "http://x")], "GRIP_URL has no 'verify-key', and GRIP_VERIFY_KEY is not set");
        check(&[("GRIP_URL", "hidden")], "GRIP_URL must begin with http:// or https:// and a host");
        let second = [("GRIP_URL", "http://x?verify-key=a http://y?sekret=hidden")];
        let known = "only 'iss', 'key', 'verify-iss' and 'verify-key' are";
        check(&second, &format!("GRIP_URL, URL 2: 'sekret' is not known, {known}"));
        let url = ("GRIP_URL", "http://x?verify-key=a");
        check(&[url, ("GRIP_PROXY_REQUIRED", "yes")], "GRIP_PROXY_REQUIRED must be true or false");
    }

    #[test]
    fn https_needs_tls() {
        let url = GripProxy::new("https://proxy.example/realm").publish_url("`control_uri`");
        let url = url.map_err(|error| error.message().to_owned());
        if cfg!(feature = "tls") {
            assert_eq!(url.unwrap(), "https://proxy.example/realm/publish/");
        } else {
            assert_eq!(url.unwrap_err(), "`control_uri` is https://, which needs the feature `tls`");
        }
    }

    #[test]
    fn settings_are_read_with_serde() {
        let grip: Grip = serde_json::from_value(serde_json::json!({
            "proxies": [{ "control_uri": "http://x", "verify_key": "a" }], "prefix": "p"
        }))
        .unwrap();
        assert_eq!((grip.proxies.len(), grip.prefix.as_str()), (1, "p"));
        assert!(serde_json::from_str::<Grip>(r#"{ "proxy": [] }"#).is_err());
    }
}
