//! Recovery: who comes back, and from where its events go on.
//!
//! A stock Socket.IO client keeps the `pid` of its connect and the last text argument of the last event. When it comes
//! back with both, it is taken for the same client. Its rooms are not restored: the connect listeners run again, and
//! what it has missed is looked at with today's rights.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use feathers_core::{Connection, Cursor, Since};
use serde_json::{Map, Value};
use tokio::time::Instant;

/// What a client says of its past when it connects.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    /// The secret name of its session.
    pid: Option<&'a str>,
    /// The last cursor that it has seen: `since` is set by the application and comes before Socket.IO's `offset`.
    seen: Option<&'a str>,
}

impl<'a> Claim<'a> {
    /// Reads it from what the client has sent as `auth`.
    pub(super) fn new(auth: &'a Map<String, Value>) -> Self {
        let text = |name: &str| auth.get(name).and_then(Value::as_str);
        Self { pid: text("pid"), seen: text("since").or_else(|| text("offset")) }
    }
}

/// A client that has been recognised, or not.
#[derive(Debug)]
pub(super) struct Recognised {
    /// The names under which the client is known.
    pub(super) names: Option<Names>,
    /// From where its events go on.
    pub(super) since: Since,
}

/// The public and the secret name of a client.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) sid: String,
    pub(super) pid: String,
}

/// The clients that can come back.
#[derive(Debug)]
pub(super) struct Recovery {
    known: Mutex<HashMap<String, Known>>,
    keep: Duration,
    most: usize,
}

#[derive(Debug)]
struct Known {
    sid: String,
    start: Cursor,
    state: State,
}

#[derive(Debug)]
enum State {
    Here(Connection),
    Away { until: Instant },
}

impl Recovery {
    /// Keeps clients that are away for so long, and at most so many.
    pub(super) fn new(keep: Duration, most: usize) -> Self {
        Self { known: Mutex::default(), keep, most }
    }

    /// Recognises a client by its claim. Who was still taken for connected under the same name is disconnected.
    pub(super) fn recognise(&self, claim: &Claim<'_>) -> Recognised {
        let known = claim.pid.and_then(|pid| self.lock().remove(pid));
        let known = known.filter(|known| match &known.state {
            State::Here(connection) => {
                connection.disconnect();
                true
            }
            State::Away { until } => *until > Instant::now(),
        });
        let since = match (claim.seen, &known) {
            (Some(cursor), _) => cursor.parse().unwrap_or(Since::Unreadable),
            (None, Some(known)) => Since::Cursor(known.start),
            (None, None) => Since::Now,
        };
        let names = known.and_then(|known| Some(Names { sid: known.sid, pid: claim.pid?.to_owned() }));
        Recognised { names, since }
    }

    /// Notes a client that is here.
    pub(super) fn arrived(&self, names: &Names, connection: &Connection, start: Cursor) {
        let state = State::Here(connection.clone());
        self.lock().insert(names.pid.clone(), Known { sid: names.sid.clone(), start, state });
    }

    /// Notes that a client has gone and may come back. A later connection under the same name is left alone.
    ///
    /// When too many are away already, this one is forgotten; its cursor is good all the same.
    pub(super) fn left(&self, names: &Names, connection: &Connection) {
        let now = Instant::now();
        let mut known = self.lock();
        if known.len() >= self.most {
            known.retain(|_, one| !matches!(one.state, State::Away { until } if until <= now));
        }
        let full = known.len() > self.most;
        match known.get_mut(&names.pid) {
            Some(own) if own.is(connection) && full => {
                known.remove(&names.pid);
            }
            Some(own) if own.is(connection) => own.state = State::Away { until: now + self.keep },
            _ => {}
        }
    }

    /// Forgets a client that has ended its session, or was sent away.
    pub(super) fn forget(&self, names: &Names, connection: &Connection) {
        let mut known = self.lock();
        if known.get(&names.pid).is_some_and(|own| own.is(connection)) {
            known.remove(&names.pid);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is(&self, connection: &Connection) -> bool {
        matches!(&self.state, State::Here(own) if own == connection)
    }
}
