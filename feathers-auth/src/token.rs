//! Tokens: JSON Web Tokens as Feathers makes them, signed with one algorithm that the configuration names.
//!
//! What a token says of its own algorithm, key or key's address chooses nothing: the algorithm is fixed, and a `kid`
//! picks among the keys of the configuration only.

mod claims;
mod keys;

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use feathers_core::{Error, Result};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Header, Validation};
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(crate) use self::claims::Claims;
use self::keys::Keys;
use crate::config::AuthConfig;

/// A longer text is no token.
const MOST_BYTES: usize = 8 << 10;

/// Makes and verifies tokens.
pub(crate) struct Tokens {
    keys: Keys,
    validation: Validation,
    issuer: Option<String>,
    check_issuer: bool,
    audience: String,
    expires_in: Duration,
    typ: String,
}

impl Tokens {
    /// Reads the keys. A secret that is missing or short is an error that says how to make one.
    pub(crate) fn new(config: &AuthConfig) -> Result<Self> {
        let keys = Keys::new(config)?;
        let mut validation = Validation::new(keys.algorithm());
        // What the claims say is looked at here, with the words of the original.
        validation.required_spec_claims.clear();
        (validation.validate_exp, validation.validate_aud, validation.validate_nbf) = (false, false, false);
        let jwt = config.jwt.clone();
        if jwt.expires_in.is_zero() {
            return Err(Error::general("authentication: `jwt.expires_in` must be longer than no time"));
        }
        Ok(Self {
            keys,
            validation,
            issuer: jwt.issuer,
            check_issuer: jwt.check_issuer,
            audience: jwt.audience,
            expires_in: jwt.expires_in,
            typ: jwt.typ,
        })
    }

    /// Makes a token of this time. What `payload` holds wins over what is written by default.
    pub(crate) fn create(
        &self,
        payload: Map<String, Value>,
        subject: Option<&str>,
        issued: u64,
    ) -> Result<(String, Map<String, Value>)> {
        let mut claims = Map::new();
        claims.insert("iat".to_owned(), issued.into());
        claims.insert("exp".to_owned(), (issued + self.expires_in.as_secs()).into());
        claims.insert("aud".to_owned(), self.audience.clone().into());
        if let Some(issuer) = &self.issuer {
            claims.insert("iss".to_owned(), issuer.clone().into());
        }
        if let Some(subject) = subject {
            claims.insert("sub".to_owned(), subject.into());
        }
        let jti = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
        claims.insert("jti".to_owned(), Uuid::to_string(&jti).into());
        claims.extend(payload);
        let mut header = Header::new(self.keys.algorithm());
        header.typ = Some(self.typ.clone());
        let (kid, key) = self.keys.signing()?;
        header.kid = kid.map(str::to_owned);
        let token = jsonwebtoken::encode(&header, &claims, key).map_err(Error::internal)?;
        Ok((token, claims))
    }

    /// Verifies a token and returns its claims; what is wrong with it is a 401 with the words of the original.
    pub(crate) fn verify(&self, token: &str) -> Result<Map<String, Value>> {
        if token.len() > MOST_BYTES || token.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return Err(wrong("jwt malformed"));
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            // What is not one of the known names: `none` is not.
            ErrorKind::Json(_) => wrong("invalid token"),
            _ => wrong("jwt malformed"),
        })?;
        if header.alg != self.keys.algorithm() {
            return Err(wrong("invalid algorithm"));
        }
        if header.typ.as_deref() != Some(&*self.typ) || header.crit.is_some() {
            return Err(wrong("invalid token"));
        }
        let key = self.keys.verifying(header.kid.as_deref()).ok_or_else(|| wrong("invalid token"))?;
        let decoded = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        let Claims(claims) = decoded.map(|data| data.claims).map_err(|error| match error.kind() {
            ErrorKind::InvalidSignature => wrong("invalid signature"),
            _ => wrong("invalid token"),
        })?;
        self.check(&claims)?;
        Ok(claims)
    }

    fn check(&self, claims: &Map<String, Value>) -> Result<()> {
        let now = Duration::from_secs(now());
        if let Some(from) = claims.get("nbf") {
            let from = time(from).ok_or_else(|| wrong("invalid nbf value"))?;
            if from > now {
                return Err(failed("NotBeforeError", "jwt not active", "date", from));
            }
        }
        if let Some(issued) = claims.get("iat") {
            time(issued).ok_or_else(|| wrong("invalid iat value"))?;
        }
        let expires = claims.get("exp").and_then(time).ok_or_else(|| wrong("invalid exp value"))?;
        if now >= expires {
            return Err(failed("TokenExpiredError", "jwt expired", "expiredAt", expires));
        }
        let is = |value: &Value| value.as_str() == Some(&*self.audience);
        let audience = match claims.get("aud") {
            Some(Value::Array(list)) => list.iter().any(is),
            Some(one) => is(one),
            None => false,
        };
        if !audience {
            return Err(wrong(format!("jwt audience invalid. expected: {}", self.audience)));
        }
        if let Some(issuer) = self.issuer.as_deref().filter(|_| self.check_issuer)
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(wrong(format!("jwt issuer invalid. expected: {issuer}")));
        }
        Ok(())
    }
}

/// Returns the seconds since the beginning of 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

/// Returns when this process began to have tokens, in seconds since the beginning of 1970.
pub(crate) fn started() -> u64 {
    static STARTED: LazyLock<u64> = LazyLock::new(now);
    *STARTED
}

/// Reads a time of a claim: a number of seconds that a clock can show, perhaps with a fraction.
fn time(value: &Value) -> Option<Duration> {
    /// The end of the year 9999.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let time = match value.as_u64() {
        Some(seconds) => Duration::from_secs(seconds),
        None => Duration::try_from_secs_f64(value.as_f64()?).ok()?,
    };
    Some(time).filter(|time| *time <= LAST)
}

/// Returns the second in which a token was made; the first one of all if it does not say so.
pub(crate) fn issued(claims: &Map<String, Value>) -> u64 {
    claims.get("iat").and_then(time).unwrap_or_default().as_secs()
}

/// Returns the first second in which a token is no longer valid.
pub(crate) fn expires(claims: &Map<String, Value>) -> Option<u64> {
    let expires = claims.get("exp").and_then(time)?;
    Some(expires.as_secs() + u64::from(expires.subsec_nanos() > 0))
}

/// Returns the id of the user of a token; a number stands for its text, as JavaScript writes it.
pub(crate) fn subject_of(claims: &Map<String, Value>) -> Option<String> {
    /// Up to here JavaScript has every whole number.
    const MOST: f64 = 9_007_199_254_740_991.0;
    match claims.get("sub")? {
        Value::String(subject) => Some(subject.clone()),
        Value::Number(number) => match number.as_f64() {
            // `1.0` is `1`.
            Some(whole) if whole.fract() == 0.0 && whole.abs() <= MOST => Some(format!("{whole:.0}")),
            _ => Some(number.to_string()),
        },
        _ => None,
    }
}

fn wrong(message: impl Into<String>) -> Error {
    Error::not_authenticated(message).with_data(json!({ "name": "JsonWebTokenError" }))
}

fn failed(name: &str, message: &str, field: &str, at: Duration) -> Error {
    let data = BTreeMap::from([("name", name.to_owned()), (field, date(at))]);
    Error::not_authenticated(message).with_data(json!(data))
}

/// Writes a time as JavaScript does: `2026-11-24T10:00:00.000Z`. Howard Hinnant's `civil_from_days`.
fn date(at: Duration) -> String {
    let (days, time) = (at.as_secs() / 86_400, at.as_secs() % 86_400);
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        time / 3_600,
        time / 60 % 60,
        time % 60,
        at.subsec_millis()
    )
}
