//! The settings of authentication, as they stand in a configuration file.

use std::fmt;
use std::time::Duration;

use feathers_core::duration;
use serde::{Deserialize, Deserializer, de};

use crate::oauth::OAuthConfig;

/// All settings; each has a default but the secret.
///
/// The names are those of Feathers' `authentication` section, in Rust's grammar.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
/// use feathers::auth::AuthConfig;
///
/// let config: AuthConfig = serde_json::from_value(serde_json::json!({
///     "secret": "a text of 32 bytes or more, from a file that is not committed",
///     "jwt": { "audience": "https://chat.example", "expires_in": "12h" },
///     "local": { "username_field": "email" }
/// }))?;
/// assert_eq!(config.jwt.expires_in.as_secs(), 12 * 60 * 60);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AuthConfig {
    /// What tokens are signed with by the algorithms `HS256` to `HS512`: 32 bytes or more. There is no default.
    #[serde(deserialize_with = "long_secret")]
    pub secret: Option<Secret>,
    /// The name under which the user stands in the answer of a login; `None` for tokens without a user.
    pub entity: Option<String>,
    /// The path of the service of users.
    pub service: String,
    /// The name of the users' id field.
    pub entity_id: String,
    /// The strategies that clients may log in with; without it all that are registered.
    pub auth_strategies: Option<Vec<String>>,
    /// Tokens.
    pub jwt: JwtConfig,
    /// Logins with a name and a password.
    pub local: LocalConfig,
    /// How passwords are hashed.
    pub password: PasswordConfig,
    /// Logins through other sites.
    pub oauth: OAuthConfig,
    /// Tickets for connections that can send no header.
    pub ticket: TicketConfig,
    /// The cookie `feathers-jwt`; off without it.
    pub cookie: Option<CookieConfig>,
    /// How often a login may be tried.
    pub limits: LimitConfig,
    /// Whether a logout makes the token invalid, and ends every connection that uses it.
    pub revoke_on_logout: bool,
    /// User fields that hold permissions; when one changes, the connections of the user reconnect.
    pub permission_fields: Vec<String>,
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            secret: None,
            entity: Some("user".to_owned()),
            service: "users".to_owned(),
            entity_id: "id".to_owned(),
            auth_strategies: None,
            jwt: JwtConfig::default(),
            local: LocalConfig::default(),
            password: PasswordConfig::default(),
            oauth: OAuthConfig::default(),
            ticket: TicketConfig::default(),
            cookie: None,
            limits: LimitConfig::default(),
            revoke_on_logout: false,
            permission_fields: ["role", "roles", "permissions", "banned"].map(str::to_owned).to_vec(),
        }
    }
}

impl AuthConfig {
    /// Takes the defaults with a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self { secret: Some(Secret(secret.into())), ..Self::default() }
    }

    /// Takes the defaults with the secret of `FEATHERS_SECRET`, and the lifetime of tokens of `JWT_EXPIRES` if it is
    /// set.
    ///
    /// A secret that is missing is an error of the start.
    ///
    /// # Errors
    /// A lifetime that cannot be read, and a secret that is too short.
    pub fn from_env() -> feathers_core::Result<Self> {
        let secret = std::env::var("FEATHERS_SECRET").ok().filter(|secret| !secret.is_empty());
        if let Some(bytes) = secret.as_ref().map(String::len).filter(|bytes| *bytes < SHORTEST_SECRET) {
            return Err(short_secret("FEATHERS_SECRET", bytes));
        }
        let mut config = Self { secret: secret.map(Secret), ..Self::default() };
        if let Ok(text) = std::env::var("JWT_EXPIRES") {
            config.jwt.expires_in = duration::parse(&text).ok_or_else(|| {
                feathers_core::Error::general(format!("JWT_EXPIRES must be a time such as 1d, not '{text}'"))
            })?;
        }
        Ok(config)
    }

    /// Takes a random secret where there is none, for a first start: it is logged as a warning, since all logins end
    /// with this process.
    ///
    /// ```
    /// # use feathers_auth as auth;
    /// let config = auth::AuthConfig::default().or_random_secret();
    /// assert!(config.secret.is_some());
    /// ```
    pub fn or_random_secret(mut self) -> Self {
        self.secret.get_or_insert_with(|| {
            tracing::warn!("FEATHERS_SECRET is not set: a random secret is used, and all logins end with this process");
            let random: [u128; 2] = rand::random();
            Secret(random.map(|half| format!("{half:032x}")).concat())
        });
        self
    }
}

/// A secret below this many bytes can be guessed.
pub(crate) const SHORTEST_SECRET: usize = 32;

/// Refuses a secret by the name of what it was read from.
pub(crate) fn short_secret(from: &str, bytes: usize) -> feathers_core::Error {
    feathers_core::Error::general(format!(
        "{from} has {bytes} bytes, and authentication needs a secret of {SHORTEST_SECRET} or more to sign tokens with: \
         make one with `openssl rand -base64 32`"
    ))
}

/// Reads a secret, so that one that is too short is refused by the name of its key. An empty one is none.
fn long_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let secret = Option::<Secret>::deserialize(deserializer)?.filter(|secret| !secret.0.is_empty());
    match &secret {
        Some(Secret(text)) if text.len() < SHORTEST_SECRET => {
            let expected =
                format!("a secret of {SHORTEST_SECRET} bytes or more, as `openssl rand -base64 32` makes one");
            Err(de::Error::invalid_length(text.len(), &expected.as_str()))
        }
        _ => Ok(secret),
    }
}

/// A text that is never shown.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub(crate) String);

impl Secret {
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// How tokens are signed, and what stands in them.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct JwtConfig {
    /// The only algorithm that is accepted: `HS256`, `HS384`, `HS512`, `RS256`, `ES256` or `EdDSA`.
    pub algorithm: String,
    /// The keys of the algorithms with two keys. The first signs; all of them verify, each the tokens with its `kid`.
    pub keys: Vec<KeyConfig>,
    /// The issuer that tokens name; `None` writes none.
    pub issuer: Option<String>,
    /// Whether a token of another issuer is refused. Feathers does not write one unless it is configured.
    pub check_issuer: bool,
    /// The audience that tokens name; a token for another one is refused.
    pub audience: String,
    /// How long a token is valid: a number of seconds, or a text such as `15m`, `12h` or `1d`.
    #[serde(deserialize_with = "duration::deserialize")]
    pub expires_in: Duration,
    /// What tokens call themselves in their header; one that calls itself otherwise is refused.
    pub typ: String,
    /// The header that carries the token.
    pub header: String,
    /// What may stand before it there.
    pub schemes: Vec<String>,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            algorithm: "HS256".to_owned(),
            keys: Vec::new(),
            issuer: Some("feathers".to_owned()),
            check_issuer: false,
            audience: "https://yourdomain.com".to_owned(),
            expires_in: Duration::from_hours(24),
            typ: "access".to_owned(),
            header: "authorization".to_owned(),
            schemes: vec!["Bearer".to_owned(), "JWT".to_owned()],
        }
    }
}

/// A pair of keys in PEM.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KeyConfig {
    /// The name that tokens give it.
    pub kid: String,
    /// The private key, in PKCS #8; only the first pair needs it.
    #[serde(default)]
    pub private: Option<Secret>,
    /// The public key.
    pub public: String,
}

impl KeyConfig {
    /// Takes a pair of keys in PEM.
    pub fn new(kid: impl Into<String>, private: Option<Secret>, public: impl Into<String>) -> Self {
        Self { kid: kid.into(), private, public: public.into() }
    }
}

/// Which fields a login with a password has. A name with dots leads into an object.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LocalConfig {
    /// The name in the login.
    pub username_field: String,
    /// The password in the login.
    pub password_field: String,
    /// The name in the record; without it that of the login.
    pub entity_username_field: Option<String>,
    /// The hash in the record; without it the name of the password in the login.
    pub entity_password_field: Option<String>,
    /// What every login that fails is answered with.
    pub error_message: String,
}

impl Default for LocalConfig {
    fn default() -> Self {
        Self {
            username_field: "email".to_owned(),
            password_field: "password".to_owned(),
            entity_username_field: None,
            entity_password_field: None,
            error_message: "Invalid login".to_owned(),
        }
    }
}

/// How passwords are hashed: Argon2id, with what OWASP asks for at least.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PasswordConfig {
    /// The memory of one hash in KiB.
    pub memory: u32,
    /// How often it is gone through.
    pub iterations: u32,
    /// How many hashes are made at the same time; without it half as many as there are cores. Their threads give way to
    /// those that answer calls, and still run beside busy programs.
    pub threads: Option<usize>,
    /// How many logins may wait for that; more are refused with a 503.
    pub queue: usize,
    /// The length in characters from which a new password is accepted.
    pub min_length: usize,
}

impl Default for PasswordConfig {
    fn default() -> Self {
        Self { memory: 19 * 1_024, iterations: 2, threads: None, queue: 256, min_length: 8 }
    }
}

/// How tickets are made.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TicketConfig {
    /// How long a ticket is valid.
    #[serde(deserialize_with = "duration::deserialize")]
    pub expires_in: Duration,
    /// How long a client that has connected with a ticket may be away and still reconnect with its resumption secret.
    #[serde(deserialize_with = "duration::deserialize")]
    pub resume: Duration,
    /// How many tickets may be valid at the same time, and how many clients may be away. Past that the oldest are
    /// forgotten, and need a new ticket.
    pub most: usize,
}

impl Default for TicketConfig {
    fn default() -> Self {
        Self { expires_in: Duration::from_secs(30), resume: Duration::from_mins(2), most: 100_000 }
    }
}

/// The cookie that a login over HTTP sets: `HttpOnly`, for the whole site.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CookieConfig {
    /// The name.
    pub name: String,
    /// Whether it is sent over HTTPS only.
    pub secure: bool,
    /// `Strict`, or `Lax` so that links from other sites find the user logged in.
    pub same_site: SameSite,
}

impl Default for CookieConfig {
    fn default() -> Self {
        Self { name: "feathers-jwt".to_owned(), secure: true, same_site: SameSite::Lax }
    }
}

/// The requests that a browser sends the cookie with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum SameSite {
    /// Only to requests from pages of the same site.
    Strict,
    /// To links from other sites too.
    #[default]
    Lax,
}

/// How often a login may be tried, and a password be set from outside; past that it is a 429.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LimitConfig {
    /// Tries a minute for one account from one address; 0 is no limit.
    pub account: u32,
    /// Tries a minute from one address; 0 is no limit.
    pub address: u32,
}

impl Default for LimitConfig {
    fn default() -> Self {
        Self { account: 10, address: 100 }
    }
}
