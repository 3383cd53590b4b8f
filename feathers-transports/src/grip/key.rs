//! Keys: a shared secret or PEM, and the one algorithm that each is valid for.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use feathers_core::{Error, Result};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

/// A key as it is configured: text, `base64:` and the bytes, or PEM. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Reads a key; the error names `place` and shows nothing of the key.
    pub(crate) fn read(text: &str, place: &str) -> Result<Self> {
        let bytes = match text.strip_prefix("base64:") {
            None => text.as_bytes().to_vec(),
            Some(code) => {
                let plain = code.trim().trim_end_matches('=').replace('+', "-").replace('/', "_");
                URL_SAFE_NO_PAD.decode(plain).map_err(|_| {
                    Error::general(format!("{place} begins with 'base64:' and what follows is not base64"))
                })?
            }
        };
        if bytes.is_empty() {
            return Err(Error::general(format!("{place} is empty")));
        }
        let key = Self(bytes);
        Ok(if key.is_pem() { Self(unescape(&key.0)) } else { key })
    }

    fn is_pem(&self) -> bool {
        self.0.trim_ascii_start().starts_with(b"-----BEGIN")
    }

    /// Returns the bytes of a shared secret; `None` for PEM.
    pub(crate) fn secret(&self) -> Option<&[u8]> {
        (!self.is_pem()).then_some(&*self.0)
    }

    /// Returns what verifies with this key. A secret is for HS256 only, PEM for RS256 or ES256 by what it holds.
    pub(crate) fn verifying(&self, place: &str) -> Result<(Algorithm, DecodingKey)> {
        if let Some(secret) = self.secret() {
            return Ok((Algorithm::HS256, DecodingKey::from_secret(secret)));
        }
        let rsa = DecodingKey::from_rsa_pem(&self.0).map(|key| (Algorithm::RS256, key));
        rsa.or_else(|_| DecodingKey::from_ec_pem(&self.0).map(|key| (Algorithm::ES256, key)))
            .map_err(|_| Error::general(format!("{place} is PEM, but no public key of RSA or of the curve P-256")))
    }

    /// Returns what signs with this key.
    pub(crate) fn signing(&self, place: &str) -> Result<(Algorithm, EncodingKey)> {
        if let Some(secret) = self.secret() {
            return Ok((Algorithm::HS256, EncodingKey::from_secret(secret)));
        }
        let rsa = EncodingKey::from_rsa_pem(&self.0).map(|key| (Algorithm::RS256, key));
        rsa.or_else(|_| EncodingKey::from_ec_pem(&self.0).map(|key| (Algorithm::ES256, key)))
            .map_err(|_| Error::general(format!("{place} is PEM, but no private key of RSA or of the curve P-256")))
    }

    /// Returns the key as it stands in a header, for proxies that take it as it is.
    pub(crate) fn plain(&self) -> String {
        std::str::from_utf8(&self.0).map_or_else(|_| STANDARD.encode(&self.0), ToOwned::to_owned)
    }
}

/// Variables often have `\n` for the ends of lines.
fn unescape(pem: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(pem).replace("\\n", "\n").into_bytes()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}
