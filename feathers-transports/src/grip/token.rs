//! Tokens: what the app signs and gets back from a proxy, as a part of a link or as the state of a WebSocket.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use feathers_core::{Error, Result};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::config::Grip;
use super::key::Key;

/// A longer text is no token.
const MOST_BYTES: usize = 2 << 10;

/// How long the state of a WebSocket is valid; each answer renews it.
pub(crate) const STATE_LIFETIME: Duration = Duration::from_mins(10);

/// Signs and verifies.
pub(crate) struct Tokens {
    signing: EncodingKey,
    verifying: DecodingKey,
    rules: Validation,
}

/// What the link of a stream holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Link {
    /// The secret of the session, which knows the user.
    pub(crate) sid: String,
    /// The channel that the stream was held on.
    pub(crate) ch: String,
    /// Up to where the client had got everything when it was.
    pub(crate) cur: String,
}

/// What the state of a WebSocket holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct State {
    /// The key of the session.
    pub(crate) ws: String,
    /// How many answers the proxy has got.
    pub(crate) n: u64,
}

#[derive(Deserialize, Serialize)]
struct Claims<T> {
    exp: u64,
    iss: String,
    #[serde(rename = "feathers")]
    content: T,
}

impl Tokens {
    /// Takes the secret of the settings, else makes one of the first shared secret of a proxy, else a new one.
    pub(super) fn new(grip: &Grip) -> Result<Self> {
        let secret = if let Some(text) = &grip.secret {
            Key::read(text, "grip: `secret`")?.plain().into_bytes()
        } else {
            let texts = grip.proxies.iter().flat_map(|proxy| [&proxy.verify_key, &proxy.key]).flatten();
            let mut keys = texts.filter_map(|text| Key::read(text, "").ok());
            let shared = keys.find_map(|key| key.secret().map(<[u8]>::to_vec));
            shared.unwrap_or_else(|| rand::random::<[u8; 32]>().to_vec())
        };
        // Not the secret itself: the proxy's signatures must never be taken for these.
        let derived = mac(b"feathers grip tokens", &EncodingKey::from_secret(&secret)).into_bytes();
        let mut rules = Validation::new(Algorithm::HS256);
        rules.leeway = 0;
        rules.set_required_spec_claims(&["exp", "iss"]);
        rules.set_issuer(&["feathers"]);
        Ok(Self { signing: EncodingKey::from_secret(&derived), verifying: DecodingKey::from_secret(&derived), rules })
    }

    /// Returns a keyed hash: without the key, no other content with the same hash can be found.
    pub(crate) fn digest(&self, content: &[u8]) -> String {
        mac(content, &self.signing)
    }

    /// Signs something for a time.
    pub(crate) fn sign<T: Serialize>(&self, content: T, lifetime: Duration) -> Result<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let claims = Claims { exp: now + lifetime.as_secs(), iss: "feathers".to_owned(), content };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing).map_err(Error::internal)
    }

    /// Verifies a token that the proxy gives back; `None` if the app did not sign it or it has expired.
    pub(crate) fn verify<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        if token.len() > MOST_BYTES {
            return None;
        }
        let decoded = jsonwebtoken::decode::<Claims<T>>(token, &self.verifying, &self.rules);
        decoded.ok().map(|data| data.claims.content)
    }
}

fn mac(content: &[u8], key: &EncodingKey) -> String {
    jsonwebtoken::crypto::sign(content, key, Algorithm::HS256).expect("HMAC takes keys and contents of any length")
}
