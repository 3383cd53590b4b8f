//! Recovery: recognises clients that reconnect, and finds from where their events go on.
//!
//! A stock Socket.IO client keeps the `pid` of its connect and the last text argument of the last event. When it comes
//! back with both, it is taken for the same client. Its rooms are not restored: the connect listeners run again, and
//! what it has missed is looked at with today's rights.
//!
//! Being recognised is a courtesy that may be forgotten. Where events go on is in the cursor, and for a client that has
//! not seen one yet in the `pid` itself, so nothing is lost without a word.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use feathers_core::{Connection, Credentials, Cursor, Epoch, Since};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::random_name;
use crate::kit::since;

/// What a client says of its past when it connects.
#[derive(Debug)]
pub(super) struct RecoveryRequest<'a> {
    /// The secret name of its session.
    pid: Option<&'a str>,
    auth: &'a Map<String, Value>,
    /// The log that its cursors should be of.
    epoch: Epoch,
}

impl<'a> RecoveryRequest<'a> {
    /// Reads it from what the client has sent as `auth`.
    pub(super) fn new(auth: &'a Map<String, Value>, epoch: Epoch) -> Self {
        Self { pid: auth.get("pid").and_then(Value::as_str).filter(|pid| !pid.is_empty()), auth, epoch }
    }

    /// Returns from where the client goes on; `start` is where the session of its `pid` began.
    fn since(&self, start: Option<Cursor>) -> Since {
        match (since::of_auth(self.auth, self.epoch, start), self.pid) {
            (Some(since), _) => since,
            // It was connected before, and its position is unknown.
            (None, Some(_)) => Since::Unreadable,
            (None, None) => Since::Now,
        }
    }
}

/// A client that has been recognised, or not.
#[derive(Debug)]
pub(super) struct Recovered {
    /// The names under which the client is known.
    pub(super) names: Option<SessionIds>,
    /// From where its events go on.
    pub(super) since: Since,
    /// Its earlier credentials.
    pub(super) credentials: Option<Credentials>,
}

/// The public and the secret name of a client.
#[derive(Clone, Debug)]
pub(super) struct SessionIds {
    pub(super) sid: String,
    pub(super) pid: String,
}

impl SessionIds {
    /// Makes new names. The secret one ends with the place where the client's events begin.
    pub(super) fn random(start: Cursor) -> Self {
        Self { sid: random_name(), pid: format!("{}.{start}", random_name()) }
    }

    fn start(pid: &str) -> Option<Cursor> {
        pid.rsplit_once('.')?.1.parse().ok()
    }
}

/// The clients that can reconnect.
#[derive(Debug)]
pub(super) struct Recovery {
    book: Mutex<RecoveryTable>,
    keep: Duration,
    most: usize,
}

#[derive(Debug, Default)]
struct RecoveryTable {
    known: HashMap<String, Entry>,
    /// The clients that have gone, in that order, and until when they are kept. Those that have reconnected since are
    /// still listed.
    away: VecDeque<(Instant, String)>,
}

#[derive(Debug)]
struct Entry {
    sid: String,
    start: Cursor,
    state: State,
    /// The credentials of the client when it went.
    credentials: Option<Credentials>,
}

#[derive(Debug)]
enum State {
    Here(Connection),
    Away { until: Instant },
}

impl Recovery {
    /// Keeps clients that are away for so long, and at most so many.
    pub(super) fn new(keep: Duration, most: usize) -> Self {
        Self { book: Mutex::default(), keep, most }
    }

    /// Recognises a client by its claim. A connection that still exists under the same name is ended.
    pub(super) fn recognise(&self, claim: &RecoveryRequest<'_>) -> Recovered {
        let mut book = self.lock();
        book.forget_old(self.most);
        let known = claim.pid.and_then(|pid| Some((pid, book.known.get(pid)?)));
        let names = known.map(|(pid, known)| SessionIds { sid: known.sid.clone(), pid: pid.to_owned() });
        let start = known.map(|(_, known)| known.start).or_else(|| claim.pid.and_then(SessionIds::start));
        let since = claim.since(start);
        let mut credentials = None;
        if let Some(names) = &names {
            book.leave(&names.pid, Instant::now() + self.keep);
            credentials = book.known.get(&names.pid).and_then(|known| known.credentials.clone());
        }
        Recovered { names, since, credentials }
    }

    /// Notes a client that has connected. Another connection under the same name is ended.
    pub(super) fn arrived(&self, names: &SessionIds, connection: &Connection, start: Cursor) {
        let state = State::Here(connection.clone());
        let known = Entry { sid: names.sid.clone(), start, state, credentials: None };
        if let Some(Entry { state: State::Here(other), .. }) = self.lock().known.insert(names.pid.clone(), known) {
            other.lose();
        }
    }

    /// Notes that a client has gone and may reconnect. A later connection under the same name is left alone.
    ///
    /// When too many are away already, the one that went first is forgotten; its cursor stays valid.
    pub(super) fn left(&self, names: &SessionIds, connection: &Connection) {
        let mut book = self.lock();
        if book.is_here(names, connection) {
            book.leave(&names.pid, Instant::now() + self.keep);
            book.forget_old(self.most);
        }
    }

    /// Forgets a client that has ended its session, or was sent away.
    pub(super) fn forget(&self, names: &SessionIds, connection: &Connection) {
        let mut book = self.lock();
        if book.is_here(names, connection) {
            book.known.remove(&names.pid);
        }
    }

    fn lock(&self) -> MutexGuard<'_, RecoveryTable> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecoveryTable {
    fn is_here(&self, names: &SessionIds, connection: &Connection) -> bool {
        self.known.get(&names.pid).is_some_and(|one| matches!(&one.state, State::Here(own) if own == connection))
    }

    /// Takes a client for gone; a connection that it still has is ended.
    fn leave(&mut self, pid: &str, until: Instant) {
        let Some(known) = self.known.get_mut(pid) else { return };
        if let State::Here(connection) = std::mem::replace(&mut known.state, State::Away { until }) {
            known.credentials = connection.credentials();
            connection.lose();
        }
        self.away.push_back((until, pid.to_owned()));
    }

    /// Drops expired clients, then the oldest above the limit.
    fn forget_old(&mut self, most: usize) {
        let now = Instant::now();
        while let Some((until, pid)) =
            self.away.pop_front_if(|(until, _)| *until <= now).or_else(|| self.pop_past(most))
        {
            if matches!(self.known.get(&pid), Some(Entry { state: State::Away { until: own }, .. }) if *own == until) {
                self.known.remove(&pid);
            }
        }
    }

    fn pop_past(&mut self, most: usize) -> Option<(Instant, String)> {
        if self.away.len() > most { self.away.pop_front() } else { None }
    }
}
