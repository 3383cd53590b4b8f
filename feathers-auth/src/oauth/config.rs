//! The settings of logins through other sites.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use feathers_core::duration;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

use crate::config::Secret;

/// Logins through other sites: what all have in common, and one section for each, named after the provider.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
/// use feathers::auth::OAuthConfig;
///
/// let config: OAuthConfig = serde_json::from_value(serde_json::json!({
///     "origins": ["https://app.example"],
///     "github": { "key": "an id", "secret": "a secret" }
/// }))?;
/// assert_eq!(config.providers["github"].key, "an id");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OAuthConfig {
    /// Where the browser goes in the end, before what the `redirect` of the start adds: a URL, or a path of this
    /// server. With `origins` it is a path, and used where the start names none.
    pub redirect: Option<String>,
    /// The origins whose pages may begin a login, and to which the browser goes back.
    /// Those of this machine, such as `http://localhost`, stand for all ports.
    pub origins: Vec<String>,
    /// The origin that browsers reach this server by, such as `https://api.example`.
    /// Without it the server must be reached as `localhost`, and by HTTP.
    pub origin: Option<String>,
    /// How long a provider may take for one answer.
    pub timeout: Duration,
    /// The providers, by name.
    pub providers: BTreeMap<String, ProviderConfig>,
}

impl Default for OAuthConfig {
    fn default() -> Self {
        Self {
            redirect: None,
            origins: Vec::new(),
            origin: None,
            timeout: Duration::from_secs(10),
            providers: BTreeMap::new(),
        }
    }
}

/// One provider. For `github` and `google` a key and a secret are enough.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// The id of this app there.
    pub key: String,
    /// The secret of this app there.
    pub secret: Secret,
    /// What is asked for, such as `["openid", "email"]`.
    pub scope: Option<Vec<String>>,
    /// Where the browser is sent to. What is asked for besides the usual can stand in its query.
    pub authorize_url: Option<String>,
    /// Where the code is exchanged for a token.
    pub token_url: Option<String>,
    /// Where the profile is read with the token. With OpenID Connect it adds to what the `id_token` says.
    pub profile_url: Option<String>,
    /// The issuer that signs the `id_token`: with it the provider is one of OpenID Connect.
    pub issuer: Option<String>,
    /// Where the keys are that verify the `id_token`.
    pub jwks_url: Option<String>,
    /// The only algorithm that an `id_token` may be signed with: `RS256`, or `ES256` if the provider says so.
    pub algorithm: Option<String>,
    /// Whether the `id_token` must be bound to the browser by a nonce; it is by default.
    pub nonce: Option<bool>,
    /// The address of the callback, where it is another than `<origin>/oauth/<provider>/callback`.
    pub redirect_uri: Option<String>,
}

impl ProviderConfig {
    /// Takes the id and the secret of this app.
    pub fn new(key: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { key: key.into(), secret: secret.into(), ..Self::default() }
    }
}

/// Any name may be that of a provider, so that the common ones are picked by hand; serde's `flatten` would lose the
/// types of the rest.
impl<'de> Deserialize<'de> for OAuthConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Section;

        impl<'de> Visitor<'de> for Section {
            type Value = OAuthConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table with `redirect`, `origins`, `origin`, `timeout` and a table for each provider")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<OAuthConfig, A::Error> {
                let mut config = OAuthConfig::default();
                while let Some(key) = access.next_key::<String>()? {
                    match key.as_str() {
                        "redirect" => config.redirect = access.next_value()?,
                        "origins" => config.origins = access.next_value()?,
                        "origin" => config.origin = access.next_value()?,
                        "timeout" => config.timeout = access.next_value::<Time>()?.0,
                        _ => {
                            if config.providers.contains_key(&key) {
                                return Err(A::Error::custom(format!("the provider {key} stands twice")));
                            }
                            config.providers.insert(key, access.next_value()?);
                        }
                    }
                }
                Ok(config)
            }
        }

        deserializer.deserialize_map(Section)
    }
}

#[derive(Deserialize)]
struct Time(#[serde(deserialize_with = "duration::deserialize")] Duration);
