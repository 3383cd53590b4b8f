//! The session of a login that is under way: an encrypted cookie, which only this app can write and read.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feathers_core::{Error, Headers, Result};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use url::Url;

use crate::cookie;
use crate::token::now;

/// The name of the cookie.
const NAME: &str = "feathers.oauth";
/// How long a login may take, in seconds.
const LIFETIME: u64 = 10 * 60;
/// Browsers keep no longer cookie.
const MOST_BYTES: usize = 3_800;
/// What the key is for: another purpose has another key.
const PURPOSE: &[&[u8]] = &[b"feathers.oauth session"];
/// So many finished logins are remembered.
const MOST_USED: usize = 100_000;

/// What is kept between the start and the callback.
#[derive(Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) provider: String,
    /// Where the browser goes in the end, up to the token or the error.
    pub(super) target: String,
    /// The rest of the query of the start.
    pub(super) query: Map<String, Value>,
    pub(super) state: String,
    /// The secret of PKCE.
    pub(super) verifier: String,
    pub(super) nonce: Option<String>,
    /// The token of the user that the account is linked to.
    pub(super) token: Option<String>,
    #[serde(default)]
    expires: u64,
}

impl Session {
    pub(super) fn new(provider: &str, target: String, query: Map<String, Value>) -> Self {
        let (state, verifier) = (random(), String::new());
        Self { provider: provider.to_owned(), target, query, state, verifier, nonce: None, token: None, expires: 0 }
    }

    /// Tells, in a time that says nothing, whether this is the state that the provider was given.
    pub(super) fn is_state(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

/// Returns 256 random bits as a text.
pub(super) fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Writes and reads sessions, each of which can be used once.
pub(super) struct Sessions {
    key: RandomizedNonceKey,
    used: Mutex<Used>,
}

/// The states of finished logins, so that this process accepts none of them twice.
#[derive(Default)]
struct Used {
    states: HashSet<String>,
    order: VecDeque<(u64, String)>,
}

impl Sessions {
    pub(super) fn new(secret: &str) -> Result<Self> {
        let mut key = [0; 32];
        let derived = Salt::new(HKDF_SHA256, &[]).extract(secret.as_bytes());
        let derived = derived.expand(PURPOSE, HKDF_SHA256).and_then(|material| material.fill(&mut key));
        derived.map_err(Error::internal)?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &key).map_err(Error::internal)?;
        Ok(Self { key, used: Mutex::default() })
    }

    /// Writes the cookie; the browser sends it to the callback and nowhere else.
    pub(super) fn write(&self, mut session: Session, callback: &Url) -> Result<HeaderValue> {
        session.expires = now() + LIFETIME;
        let mut bytes = serde_json::to_vec(&session)?;
        let nonce = self.key.seal_in_place_append_tag(Aad::from(NAME), &mut bytes).map_err(Error::internal)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut bytes);
        let text = URL_SAFE_NO_PAD.encode(sealed);
        if text.len() > MOST_BYTES {
            return Err(Error::bad_request("the query is too long"));
        }
        header(&text, LIFETIME, callback)
    }

    /// Reads the session of a request, and marks it as used.
    pub(super) fn take(&self, headers: &Headers, provider: &str) -> Option<Session> {
        let session = self.open(cookie::find(headers, NAME)?)?;
        let good = session.provider == provider && session.expires > now();
        (good && self.first_use(&session)).then_some(session)
    }

    fn open(&self, text: &str) -> Option<Session> {
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, bytes) = sealed.split_first_chunk::<12>()?;
        let mut bytes = bytes.to_vec();
        let opened = self.key.open_in_place(nonce.into(), Aad::from(NAME), &mut bytes).ok()?;
        serde_json::from_slice(opened).ok()
    }

    fn first_use(&self, session: &Session) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now();
        while let Some((until, _)) = used.order.front()
            && (*until <= now || used.order.len() >= MOST_USED)
        {
            if let Some((_, state)) = used.order.pop_front() {
                used.states.remove(&state);
            }
        }
        let first = used.states.insert(session.state.clone());
        if first {
            used.order.push_back((session.expires, session.state.clone()));
        }
        first
    }
}

/// Writes what takes the cookie away.
pub(super) fn clear(callback: &Url) -> Result<HeaderValue> {
    header("", 0, callback)
}

fn header(text: &str, seconds: u64, callback: &Url) -> Result<HeaderValue> {
    let path = if callback.path().contains(';') { "/" } else { callback.path() };
    let secure = if callback.scheme() == "https" { "; Secure" } else { "" };
    let text = format!("{NAME}={text}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::try_from(text).map_err(Error::internal)?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a session that expires at a time, and reads it as the browser sends it.
    fn round_trip(expires: u64, change: impl FnOnce(String) -> String) -> bool {
        let sessions = Sessions::new("a secret of 32 bytes or more, please").unwrap();
        let mut session = Session::new("github", "https://app.example#".to_owned(), Map::new());
        session.expires = expires;
        let mut bytes = serde_json::to_vec(&session).unwrap();
        let nonce = sessions.key.seal_in_place_append_tag(Aad::from(NAME), &mut bytes).unwrap();
        let text = change(URL_SAFE_NO_PAD.encode([&nonce.as_ref()[..], &bytes].concat()));
        let mut headers = http::HeaderMap::new();
        headers.insert("cookie", format!("a=b; {NAME}={text}").parse().unwrap());
        sessions.take(&headers.into(), "github").is_some()
    }

    #[test]
    fn a_session_is_good_for_its_time_and_unchanged() {
        assert!(round_trip(now() + 10, |text| text));
        assert!(!round_trip(now(), |text| text));
        for at in 0..40 {
            let changed = round_trip(now() + 10, |text| {
                let mut bytes = text.into_bytes();
                bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                String::from_utf8(bytes).unwrap()
            });
            assert!(!changed, "byte {at}");
        }
    }

    #[test]
    fn a_session_is_good_once_and_for_its_provider() {
        let sessions = Sessions::new("a secret of 32 bytes or more, please").unwrap();
        let callback = Url::parse("https://api.example/oauth/github/callback").unwrap();
        let session = Session::new("github", "https://app.example#".to_owned(), Map::new());
        let cookie = sessions.write(session, &callback).unwrap();
        let text = cookie.to_str().unwrap();
        assert!(text.ends_with("; Path=/oauth/github/callback; Max-Age=600; HttpOnly; SameSite=Lax; Secure"), "{text}");
        let headers = || {
            let mut headers = http::HeaderMap::new();
            headers.insert("cookie", text.split(';').next().unwrap().parse().unwrap());
            headers.into()
        };
        assert!(sessions.take(&headers(), "google").is_none());
        assert!(sessions.take(&headers(), "github").is_some());
        assert!(sessions.take(&headers(), "github").is_none());
        let others = Sessions::new("another secret of 32 bytes or more").unwrap();
        assert!(others.take(&headers(), "github").is_none());
    }
}
