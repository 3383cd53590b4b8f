//! The keys that tokens are signed and verified with.

use feathers_core::{Error, Result};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};

use crate::config::{AuthConfig, KeyConfig, SHORTEST_SECRET, short_secret};

pub(super) struct Keys {
    algorithm: Algorithm,
    pairs: Vec<Pair>,
}

struct Pair {
    kid: Option<String>,
    signing: Option<EncodingKey>,
    verifying: DecodingKey,
}

impl Keys {
    pub(super) fn new(config: &AuthConfig) -> Result<Self> {
        let jwt = &config.jwt;
        let algorithm = match jwt.algorithm.as_str() {
            "HS256" => Algorithm::HS256,
            "HS384" => Algorithm::HS384,
            "HS512" => Algorithm::HS512,
            "RS256" => Algorithm::RS256,
            "ES256" => Algorithm::ES256,
            "EdDSA" => Algorithm::EdDSA,
            other => {
                return Err(Error::general(format!(
                    "authentication: `jwt.algorithm` must be HS256, HS384, HS512, RS256, ES256 or EdDSA, not '{other}'"
                )));
            }
        };
        let pairs = match algorithm.family() {
            AlgorithmFamily::Hmac => vec![secret(config)?],
            family => jwt.keys.iter().map(|key| pair(key, family)).collect::<Result<_>>()?,
        };
        if pairs.first().is_none_or(|first| first.signing.is_none()) {
            return Err(Error::general(format!(
                "authentication: {} needs `jwt.keys`, and the first of them a private key in PEM",
                jwt.algorithm
            )));
        }
        Ok(Self { algorithm, pairs })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the key that signs, and its name.
    pub(super) fn signing(&self) -> Result<(Option<&str>, &EncodingKey)> {
        let first = self.pairs.first();
        first
            .and_then(|pair| Some((pair.kid.as_deref(), pair.signing.as_ref()?)))
            .ok_or_else(|| Error::internal("there is no key to sign with"))
    }

    /// Returns the key of this name. A token without one is verified with the only key that there is.
    pub(super) fn verifying(&self, kid: Option<&str>) -> Option<&DecodingKey> {
        let pair = match (kid, self.pairs.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            // A secret has no name, and it does not matter what a token calls it.
            (Some(_), [only]) if only.kid.is_none() => Some(only),
            (Some(kid), pairs) => pairs.iter().find(|pair| pair.kid.as_deref() == Some(kid)),
        };
        pair.map(|pair| &pair.verifying)
    }
}

fn secret(config: &AuthConfig) -> Result<Pair> {
    let secret = config.secret.as_ref().map_or("", |secret| secret.expose());
    if secret.is_empty() {
        return Err(Error::general(format!(
            "authentication needs a secret of {SHORTEST_SECRET} bytes or more to sign tokens with, and there is none: \
             make one with `openssl rand -base64 32` and set it as FEATHERS_SECRET"
        )));
    }
    if secret.len() < SHORTEST_SECRET {
        return Err(short_secret("`AuthConfig::secret`", secret.len()));
    }
    Ok(Pair {
        kid: None,
        signing: Some(EncodingKey::from_secret(secret.as_bytes())),
        verifying: DecodingKey::from_secret(secret.as_bytes()),
    })
}

fn pair(key: &KeyConfig, family: AlgorithmFamily) -> Result<Pair> {
    let wrong = |which: &str, error: jsonwebtoken::errors::Error| {
        Error::general(format!("authentication: the {which} key '{}' cannot be used: {error}", key.kid))
    };
    let public = key.public.as_bytes();
    let verifying = match family {
        AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(public),
        AlgorithmFamily::Ec => DecodingKey::from_ec_pem(public),
        _ => DecodingKey::from_ed_pem(public),
    };
    let signing = key.private.as_ref().map(|private| {
        let private = private.expose().as_bytes();
        match family {
            AlgorithmFamily::Rsa => EncodingKey::from_rsa_pem(private),
            AlgorithmFamily::Ec => EncodingKey::from_ec_pem(private),
            _ => EncodingKey::from_ed_pem(private),
        }
    });
    Ok(Pair {
        kid: Some(key.kid.clone()),
        signing: signing.transpose().map_err(|error| wrong("private", error))?,
        verifying: verifying.map_err(|error| wrong("public", error))?,
    })
}
