//! Signatures: whether a request has come through one of the proxies.

use feathers_core::{Error, Result};
use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;

use super::config::GripProxy;
use super::key::Key;

/// How many seconds the clocks of a proxy and the app may differ.
const LEEWAY: u64 = 10;
/// A longer text is no signature.
const MOST_BYTES: usize = 4 << 10;
/// A shared secret below this many bytes can be guessed.
const SHORT: usize = 32;

/// Verifies the signatures of all proxies.
pub(super) struct Verifier(Vec<(DecodingKey, Validation)>);

#[derive(Deserialize)]
struct Claims {}

impl Verifier {
    pub(super) fn new(proxies: &[GripProxy]) -> Result<Self> {
        let verifying = |(index, proxy): (usize, &GripProxy)| {
            let place = format!("grip: `proxies[{index}].verify_key`");
            let Some(text) = &proxy.verify_key else {
                return Err(Error::general(format!("{place} is missing, and no request would be believed without")));
            };
            let key = Key::read(text, &place)?;
            if key.secret().is_some_and(|secret| secret.len() < SHORT) {
                tracing::warn!("{place} has less than {SHORT} bytes and can be guessed");
            }
            let (algorithm, key) = key.verifying(&place)?;
            let mut validation = Validation::new(algorithm);
            validation.leeway = LEEWAY;
            validation.validate_aud = false;
            validation.set_required_spec_claims(&["exp", "iss"]);
            if let Some(iss) = &proxy.verify_iss {
                validation.set_issuer(&[iss]);
            }
            Ok((key, validation))
        };
        proxies.iter().enumerate().map(verifying).collect::<Result<_>>().map(Self)
    }

    /// Tells whether a signature is one of a proxy's, and of now.
    pub(super) fn verify(&self, signature: &str) -> bool {
        signature.len() <= MOST_BYTES
            && self.0.iter().any(|(key, rules)| jsonwebtoken::decode::<Claims>(signature, key, rules).is_ok())
    }
}
