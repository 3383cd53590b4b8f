//! Secrets in requests: which headers and which words of a URL hold them.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};

/// The header that names a session by its secret.
///
/// With it a call belongs to the connection of that session, if its caller is the user that is logged in there.
pub const CONNECTION_TOKEN: HeaderName = HeaderName::from_static("x-connection-token");

/// The header of an API key, unless the app names another one.
pub const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The secret headers of every app: the one list.
static ALWAYS: [HeaderName; 5] =
    [header::AUTHORIZATION, header::COOKIE, CONNECTION_TOKEN, API_KEY, header::PROXY_AUTHORIZATION];

/// The words of a URL that hold secrets; none of them is part of what a connection keeps of its URL.
const WORDS: [&str; 3] = ["ticket", "sid", "grip"];

/// The headers of requests whose values are secret.
///
/// Nothing that writes logs shows their values, and no cache keeps an answer to a request that has one of them.
/// [`App::secret_header`](crate::App::secret_header) adds more.
#[derive(Clone, Debug)]
pub struct SecretHeaders(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Those of this app.
    more: Vec<HeaderName>,
    vary: HeaderValue,
}

impl SecretHeaders {
    pub(crate) fn new(more: Vec<HeaderName>) -> Self {
        let mut own = ALWAYS.to_vec();
        for name in &more {
            if !own.contains(name) {
                own.push(name.clone());
            }
        }
        let asked = own.iter().filter(|name| *name != header::PROXY_AUTHORIZATION);
        let own: Vec<&str> = asked.map(HeaderName::as_str).collect();
        let vary = HeaderValue::try_from(own.join(", ")).unwrap_or_else(|_| HeaderValue::from_static("*"));
        Self(Arc::new(Inner { more, vary }))
    }

    /// Tells whether the values of a header are secret.
    pub fn contains(&self, name: &HeaderName) -> bool {
        ALWAYS.contains(name) || self.0.more.contains(name)
    }

    /// Returns what `Vary` of an answer to a request with credentials says.
    pub fn vary(&self) -> &HeaderValue {
        &self.0.vary
    }
}

/// Tells whether a word of a URL holds a secret.
pub(crate) fn is_secret_word(word: &str) -> bool {
    WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_header_is_known_and_varies_the_answer() {
        let own = HeaderName::from_static("x-own");
        let secrets = SecretHeaders::new(vec![own.clone(), header::COOKIE]);
        assert!(ALWAYS.iter().chain([&own]).all(|name| secrets.contains(name)));
        assert!(!secrets.contains(&header::ORIGIN) && !SecretHeaders::new(Vec::new()).contains(&own));
        // Proxies answer to `Proxy-Authorization`, and take it off.
        assert_eq!(secrets.vary(), "authorization, cookie, x-connection-token, x-api-key, x-own");
    }
}
