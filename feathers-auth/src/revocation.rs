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
    /// The latest time that a token has been given since.
    issued: u64,
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
        // A token since the last revocation may be dated ahead of the clock.
        let time = table.subjects.get(subject).map_or(time, |before| time.max(before.time).max(before.issued));
        let before = Before { time, keep_until: keep_until.max(time), issued: time };
        table.subjects.insert(subject.to_owned(), before);
        table.sweep();
    }

    /// Returns the time of a token that somebody is given now: all up to some time may be revoked.
    pub(crate) fn issue(&self, subject: &str, now: u64) -> u64 {
        let mut table = self.lock();
        let Some(before) = table.subjects.get_mut(subject) else { return now };
        let issued = now.max(before.time.saturating_add(1));
        before.issued = before.issued.max(issued);
        issued
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
