//! Tokens of OpenID Connect: signed by the provider, for this app, in answer to this login.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use feathers_core::{Error, Result};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use tokio::time::{Duration, Instant};
use url::Url;

use super::config::ProviderConfig;
use super::fetch::Fetch;
use super::provider::{Keys, unreachable_provider};
use crate::token::Claims;

/// A longer text is no token.
const MOST_BYTES: usize = 16 << 10;
/// How long the provider's keys are kept.
const KEPT: Duration = Duration::from_hours(1);
/// So much may the clocks differ, in seconds.
const LEEWAY: u64 = 60;

/// Verifies the tokens of one provider.
pub(super) struct IdTokens {
    issuer: String,
    client: String,
    jwks_url: Url,
    algorithm: Algorithm,
    validation: Validation,
    kept: Mutex<Option<(Instant, Arc<Vec<Jwk>>)>>,
}

impl IdTokens {
    /// Checks the settings; a provider without an issuer has no such tokens.
    pub(super) fn new(name: &str, config: &ProviderConfig) -> Result<Option<Self>> {
        let keys = Keys { provider: name };
        let Some(issuer) = config.issuer.clone() else {
            let given = [("jwks_url", &config.jwks_url), ("algorithm", &config.algorithm)];
            return match given.iter().find(|(_, text)| text.is_some()) {
                Some((key, _)) => Err(keys.wrong(key, "needs an `issuer`")),
                None => Ok(None),
            };
        };
        keys.url("issuer", &issuer)?;
        let algorithm = match config.algorithm.as_deref() {
            None | Some("RS256") => Algorithm::RS256,
            Some("ES256") => Algorithm::ES256,
            Some(other) => return Err(keys.wrong("algorithm", &format!("must be RS256 or ES256, not '{other}'"))),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&config.key]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        Ok(Some(Self {
            issuer,
            client: config.key.clone(),
            jwks_url: keys.required("jwks_url", config.jwks_url.as_deref())?,
            algorithm,
            validation,
            kept: Mutex::default(),
        }))
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Verifies a token and returns its claims. What it says of its own algorithm or key chooses neither.
    pub(super) async fn verify(&self, text: &str, nonce: Option<&str>, fetch: &Fetch) -> Result<Map<String, Value>> {
        if text.len() > MOST_BYTES {
            return Err(wrong("invalid id_token"));
        }
        let header = jsonwebtoken::decode_header(text).map_err(|_| wrong("invalid id_token"))?;
        if header.alg != self.algorithm || header.crit.is_some() {
            return Err(wrong("invalid id_token"));
        }
        let key = self.key(header.kid.as_deref(), fetch).await?;
        let decoded = jsonwebtoken::decode::<Claims>(text, &key, &self.validation);
        let Claims(claims) = decoded.map(|data| data.claims).map_err(|error| {
            tracing::warn!(%error, issuer = self.issuer, "an id_token is not valid");
            wrong("invalid id_token")
        })?;
        let is_own = |claim: &Value| claim.as_str() == Some(&self.client);
        let many = matches!(claims.get("aud"), Some(Value::Array(list)) if list.len() > 1);
        if claims.get("azp").map_or(many, |party| !is_own(party)) {
            return Err(wrong("invalid id_token audience"));
        }
        if let Some(nonce) = nonce {
            let claim = claims.get("nonce").and_then(Value::as_str).unwrap_or_default();
            if !bool::from(claim.as_bytes().ct_eq(nonce.as_bytes())) {
                return Err(wrong("nonce mismatch"));
            }
        }
        Ok(claims)
    }

    /// Finds the key of this name. One that is not known may be new, so that the keys are read once more.
    async fn key(&self, kid: Option<&str>, fetch: &Fetch) -> Result<DecodingKey> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let fresh = kept.filter(|(since, _)| since.elapsed() < KEPT);
        if let Some(key) = fresh.and_then(|(_, keys)| self.pick(&keys, kid)) {
            return Ok(key);
        }
        let document = fetch.document(self.jwks_url.as_str(), None).await;
        let document = document.map_err(|error| unreachable_provider("keys", error))?;
        let found: KeySet = serde_json::from_slice(&document).map_err(|error| unreachable_provider("keys", error))?;
        // A provider may have keys of kinds that this library does not know.
        let keys: Vec<Jwk> = found.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
        let key = self.pick(&keys, kid).ok_or_else(|| wrong("invalid id_token"))?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::new(keys)));
        Ok(key)
    }

    /// Returns the key of this name; a token without one is verified with the only key that fits.
    fn pick(&self, keys: &[Jwk], kid: Option<&str>) -> Option<DecodingKey> {
        let mut fitting = keys.iter().filter(|key| self.fits(key));
        let key = match kid {
            Some(kid) => fitting.find(|key| key.common.key_id.as_deref() == Some(kid))?,
            None => fitting.next().filter(|_| fitting.next().is_none())?,
        };
        DecodingKey::from_jwk(key).ok()
    }

    fn fits(&self, key: &Jwk) -> bool {
        let kind = match &key.algorithm {
            AlgorithmParameters::RSA(_) => self.algorithm == Algorithm::RS256,
            AlgorithmParameters::EllipticCurve(curve) => {
                self.algorithm == Algorithm::ES256 && curve.curve == EllipticCurve::P256
            }
            _ => false,
        };
        let signs = key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
        kind && signs
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

fn wrong(what: &str) -> Error {
    Error::not_authenticated(format!("OpenID Connect {what}"))
}

impl fmt::Debug for IdTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdTokens").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
