//! Revocations: tokens that become invalid before they expire.

mod kept;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use feathers_core::{Error, Result};
use serde_json::{Map, Value, json};

pub use self::kept::Revocation;
pub(crate) use self::kept::{PersistedRevocations, RevokedSubject, keep};
use crate::token::{issued, now, subject_of};

/// What is revoked. Nothing is kept for longer than the tokens that it is about, but for an hour at least.
#[derive(Debug, Default)]
pub(crate) struct Revocations(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// Single tokens, and when they expire.
    tokens: HashMap<String, u64>,
    /// Users whose tokens up to a time are revoked, and until when there can be such tokens.
    subjects: HashMap<String, Before>,
    /// Up to when the tokens of all users are revoked.
    all: Option<u64>,
    /// How many revocations of subjects there have been.
    count: u64,
    /// How many there may be before those that expired are looked for.
    sweep_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Before {
    time: u64,
    keep_until: u64,
    /// How many revocations there had been with this one.
    count: u64,
}

/// The beginning of a login.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    time: u64,
    count: u64,
}

/// Below this many, those that expired are not looked for.
const FEW: usize = 1_024;
/// No login takes so many seconds.
const LONGEST_LOGIN: u64 = 60 * 60;

impl Revocations {
    /// Revokes one token.
    pub(crate) fn revoke_token(&self, jti: &str, expires: u64) {
        let mut table = self.lock();
        table.tokens.insert(jti.to_owned(), expires);
        table.sweep();
    }

    /// Revokes all tokens of a user that were made up to now, in seconds; after `keep_until` none of them is valid.
    ///
    /// Returns the time that counts: a token since the last revocation may be dated ahead of the clock.
    pub(crate) fn revoke_subject(&self, subject: &str, now: u64, keep_until: u64) -> u64 {
        let mut table = self.lock();
        let time = table.next_time(Some(subject), now);
        table.revoke(subject, time, keep_until);
        time
    }

    /// Takes over a revocation that is stored. One that is known, such as one of this process, changes nothing: tokens
    /// that were made after it stay valid. Tells whether it was new.
    pub(crate) fn hear_of_subject(&self, subject: &str, time: u64, keep_until: u64) -> bool {
        let mut table = self.lock();
        let is_new = table.subjects.get(subject).is_none_or(|before| before.time < time);
        if is_new {
            table.revoke(subject, time, keep_until);
        }
        is_new
    }

    /// Revokes the tokens of all users that were made up to a time.
    pub(crate) fn revoke_all(&self, time: u64) {
        let mut table = self.lock();
        table.all = table.all.max(Some(time));
    }

    /// Returns what [`Revocations::issue`] needs to know of a login that begins now.
    pub(crate) fn begin(&self) -> Begun {
        Begun { time: now(), count: self.lock().count }
    }

    /// Returns the time of a token that is made now: all up to some time may be revoked.
    ///
    /// Fails if its subject was revoked after the login had begun.
    pub(crate) fn issue(&self, subject: Option<&str>, now: u64, login: Option<Begun>) -> Result<u64> {
        let table = self.lock();
        let before = subject.and_then(|subject| table.subjects.get(subject));
        // A revocation of another process arrives later than it was made.
        let meanwhile = |(before, login): (&Before, Begun)| before.count > login.count && before.time >= login.time;
        if before.zip(login).is_some_and(meanwhile) {
            return Err(revoked());
        }
        Ok(table.next_time(subject, now))
    }

    /// Fails for a token that is revoked. `entity` is the id of its user, where the record is known.
    pub(crate) fn check(&self, claims: &Map<String, Value>, entity: Option<&str>) -> Result<()> {
        let issued = issued(claims);
        let table = self.lock();
        let one = claims.get("jti").and_then(Value::as_str).is_some_and(|jti| table.tokens.contains_key(jti));
        let all = |subject: &str| table.subjects.get(subject).is_some_and(|before| issued <= before.time);
        let every_user = table.all.is_some_and(|time| issued <= time);
        if one || every_user || entity.is_some_and(all) || subject_of(claims).as_deref().is_some_and(all) {
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
    /// Returns the first time from now on that no revocation covers.
    fn next_time(&self, subject: Option<&str>, now: u64) -> u64 {
        let before = subject.and_then(|subject| self.subjects.get(subject)).map(|before| before.time);
        before.max(self.all).map_or(now, |time| now.max(time.saturating_add(1)))
    }

    fn revoke(&mut self, subject: &str, time: u64, keep_until: u64) {
        self.count += 1;
        let keep_until = keep_until.max(time.saturating_add(LONGEST_LOGIN));
        self.subjects.insert(subject.to_owned(), Before { time, keep_until, count: self.count });
        self.sweep();
    }

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
