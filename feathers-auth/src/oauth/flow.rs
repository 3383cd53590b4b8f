//! What the two services of a login share: the settings, once they are checked.

use std::collections::BTreeMap;
use std::fmt;

use feathers_core::{Error, Headers, Result};
use url::Url;

use super::config::OAuthConfig;
use super::fetch::Fetch;
use super::provider::Provider;
use super::session::Sessions;
use super::target::{Targets, is_loopback, origin, text_of};
use crate::config::AuthConfig;

/// A secret below this many bytes can be guessed.
const SHORTEST: usize = 32;

/// Names of strategies that are no providers.
const RESERVED: [&str; 5] = ["jwt", "local", "api-key", "ticket", "defaults"];

/// The logins of an app. What is wrong with the settings is kept until the start.
#[derive(Debug)]
pub(super) struct Flow {
    names: Vec<String>,
    ready: Result<Ready>,
}

/// Everything that a login needs.
pub(super) struct Ready {
    providers: BTreeMap<String, Provider>,
    origin: Option<Url>,
    pub(super) targets: Targets,
    pub(super) sessions: Sessions,
    pub(super) fetch: Fetch,
}

impl Flow {
    pub(super) fn new(config: &AuthConfig) -> Self {
        let names = config.oauth.providers.keys().filter(|name| is_name(name)).cloned().collect();
        let secret = config.secret.as_ref().map_or("", |secret| secret.expose());
        Self { names, ready: Ready::new(&config.oauth, secret) }
    }

    /// Returns the names of the providers.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Returns what a login needs, or what is wrong with the settings.
    pub(super) fn ready(&self) -> Result<&Ready> {
        self.ready.as_ref().map_err(Clone::clone)
    }
}

impl Ready {
    fn new(config: &OAuthConfig, secret: &str) -> Result<Self> {
        let mut providers = BTreeMap::new();
        for (name, provider) in &config.providers {
            if !is_name(name) {
                return Err(Error::general(format!("authentication: `oauth.{name}` cannot be the name of a provider")));
            }
            providers.insert(name.clone(), Provider::new(name, provider)?);
        }
        if secret.len() < SHORTEST {
            return Err(Error::general(format!(
                "authentication: `oauth` needs a `secret` of {SHORTEST} bytes or more to encrypt its cookie with"
            )));
        }
        if config.timeout.is_zero() {
            return Err(Error::general("authentication: `oauth.timeout` must be longer than no time"));
        }
        Ok(Self {
            providers,
            origin: config.origin.as_deref().map(|text| origin("origin", text)).transpose()?,
            targets: Targets::new(config)?,
            sessions: Sessions::new(secret)?,
            fetch: Fetch::new(config.timeout)?,
        })
    }

    pub(super) fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.get(name)
    }

    /// Returns the address of the callback, as browsers and the provider know it, and the origin of this server.
    ///
    /// What a request says of the server's name is believed only if it is this machine.
    pub(super) fn callback(&self, provider: &Provider, path: &str, headers: &Headers) -> Result<(Url, Url)> {
        let named = || provider.redirect_uri.as_ref().and_then(|url| Url::parse(&text_of(url)).ok());
        let local = || {
            let url = Url::parse(&format!("http://{}", headers.value("host")?)).ok()?;
            Some(url).filter(|url| is_loopback(url) && url.path() == "/")
        };
        let own = self.origin.clone().or_else(named).or_else(local).ok_or_else(|| {
            Error::internal("authentication: `oauth.origin` is not set, and the server is not reached as localhost")
        })?;
        let callback = match &provider.redirect_uri {
            Some(url) => url.clone(),
            None => own.join(path)?,
        };
        Ok((callback, own))
    }
}

fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.bytes().all(plain) && !RESERVED.contains(&name)
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("providers", &self.providers.keys()).finish_non_exhaustive()
    }
}
