//! Revocations: tokens that are good no more before they expire.

mod kept;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use feathers_core::{Error, Result};
use serde_json::{Map, Value, json};

pub use self::kept::Revocation;
pub(crate) use self::kept::{Kept, What, keep};
use crate::token::now;

/// What is revoked. Nothing is kept for longer than the tokens that it is about.
#[derive(Debug, Default)]
pub(crate) struct Revocations(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// Single tokens, and when they expire.
    tokens: HashMap<String, u64>,
    /// Everybody whose tokens up to a time are revoked, and until when there can be such.
    subjects: HashMap<String, Before>,
    /// How many there may be before those that expired are looked for.
    sweep_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    time: u64,
    keep_until: u64,
}

/// Below this many, those that expired are not looked for.
const FEW: usize = 1_024;

impl Revocations {
    /// Revokes one token.
    pub(crate) fn revoke_token(&self, jti: &str, expires: u64) {
        let mut table = self.lock();
        table.tokens.insert(jti.to_owned(), expires);
        table.sweep();
    }

    /// Revokes all tokens of somebody that were made up to a time, in seconds; later than `keep_until` none is good.
    pub(crate) fn revoke_subject(&self, subject: &str, time: u64, keep_until: u64) {
        let mut table = self.lock();
        let before = Before { time, keep_until };
        let entry = table.subjects.entry(subject.to_owned()).or_insert(before);
        if entry.time < time {
            *entry = before;
        }
        table.sweep();
    }

    /// Returns the time up to which somebody's tokens are revoked.
    pub(crate) fn before(&self, subject: &str) -> Option<u64> {
        self.lock().subjects.get(subject).map(|before| before.time)
    }

    /// Fails for a token that is revoked.
    pub(crate) fn check(&self, claims: &Map<String, Value>) -> Result<()> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let issued = claims.get("iat").and_then(Value::as_u64).unwrap_or_default();
        let table = self.lock();
        let one = text("jti").is_some_and(|jti| table.tokens.contains_key(jti));
        let all =
            text("sub").and_then(|subject| table.subjects.get(subject)).is_some_and(|before| issued <= before.time);
        if one || all {
            return Err(revoked());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that a token is revoked.
pub(crate) fn revoked() -> Error {
    Error::not_authenticated("jwt revoked").with_data(json!({ "name": "TokenRevokedError" }))
}

impl Table {
    fn sweep(&mut self) {
        if self.tokens.len() + self.subjects.len() < self.sweep_at.max(FEW) {
            return;
        }
        let now = now();
        self.tokens.retain(|_, expires| *expires > now);
        self.subjects.retain(|_, before| before.keep_until > now);
        self.sweep_at = 2 * (self.tokens.len() + self.subjects.len());
    }
}
