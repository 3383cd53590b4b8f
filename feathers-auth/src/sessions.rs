//! The connections that are logged in: whose they are, and when their tokens expire.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use feathers_core::{AppHandle, Connection, DisconnectReason, Error};
use serde_json::json;
use tokio::sync::Notify;

use crate::token::now;

/// The clock of the machine may be set meanwhile, so it is looked at now and then.
const LOOK: Duration = Duration::from_mins(1);

/// All connections that are logged in. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct LoginRegistry(Arc<Inner>);

#[derive(Default)]
struct Inner {
    table: Mutex<Table>,
    changed: Notify,
}

#[derive(Default)]
struct Table {
    connections: HashMap<u64, Session>,
    subjects: HashMap<String, HashSet<u64>>,
    expiries: BTreeSet<(u64, u64)>,
}

#[derive(Clone)]
struct Session {
    connection: Connection,
    about: LoginInfo,
}

/// What is known of a login.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LoginInfo {
    /// The id of the user, as tokens name it.
    pub(crate) subject: Option<String>,
    /// The token.
    pub(crate) jti: Option<String>,
    /// When it expires, in seconds since the beginning of 1970.
    pub(crate) expires: Option<u64>,
}

impl LoginRegistry {
    /// Notes a login; a later one of the same connection replaces it.
    pub(crate) fn add(&self, connection: &Connection, about: LoginInfo) {
        {
            let mut table = self.lock();
            table.remove(connection.number());
            table.insert(Session { connection: connection.clone(), about });
        }
        self.0.changed.notify_one();
        // Its end may have been announced before it was here.
        if connection.is_closed() {
            self.remove(connection);
        }
    }

    /// Forgets a connection, and returns what its login was.
    pub(crate) fn remove(&self, connection: &Connection) -> Option<LoginInfo> {
        self.lock().remove(connection.number()).map(|session| session.about)
    }

    /// Returns what the login of a connection was.
    pub(crate) fn about(&self, connection: &Connection) -> Option<LoginInfo> {
        self.lock().connections.get(&connection.number()).map(|session| session.about.clone())
    }

    /// Returns the connections of a user that have not ended.
    pub(crate) fn of(&self, subject: &str) -> Vec<Connection> {
        let table = self.lock();
        let numbers = table.subjects.get(subject).into_iter().flatten();
        let sessions = numbers.filter_map(|number| table.connections.get(number));
        sessions.map(|session| &session.connection).filter(|connection| !connection.is_closed()).cloned().collect()
    }

    /// Returns the connections that were logged in with a token.
    pub(crate) fn with_token(&self, jti: &str) -> Vec<Connection> {
        let table = self.lock();
        let with = table.connections.values().filter(|session| session.about.jti.as_deref() == Some(jti));
        with.map(|session| session.connection.clone()).collect()
    }

    /// Ends connections when their tokens expire, until the app stops.
    pub(crate) async fn watch(self, app: AppHandle) {
        loop {
            for connection in self.lock().expired(now()) {
                let data = json!({ "name": "TokenExpiredError" });
                connection
                    .end(DisconnectReason::Unauthenticated(Error::not_authenticated("jwt expired").with_data(data)));
            }
            let next = self.lock().expiries.first().map_or(LOOK, |(at, _)| until(*at).min(LOOK));
            tokio::select! {
                () = app.stopping() => return,
                () = self.0.changed.notified() => {}
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn insert(&mut self, session: Session) {
        let number = session.connection.number();
        if let Some(subject) = &session.about.subject {
            self.subjects.entry(subject.clone()).or_default().insert(number);
        }
        if let Some(at) = session.about.expires {
            self.expiries.insert((at, number));
        }
        self.connections.insert(number, session);
    }

    fn remove(&mut self, number: u64) -> Option<Session> {
        let session = self.connections.remove(&number)?;
        if let Some(at) = session.about.expires {
            self.expiries.remove(&(at, number));
        }
        if let Some(subject) = &session.about.subject
            && let Some(numbers) = self.subjects.get_mut(subject)
        {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.subjects.remove(subject);
            }
        }
        Some(session)
    }

    fn expired(&mut self, now: u64) -> Vec<Connection> {
        let due: Vec<u64> = self.expiries.range(..=(now, u64::MAX)).map(|(_, number)| *number).collect();
        due.into_iter().filter_map(|number| self.remove(number)).map(|session| session.connection).collect()
    }
}

fn until(at: u64) -> Duration {
    (UNIX_EPOCH + Duration::from_secs(at)).duration_since(SystemTime::now()).unwrap_or_default()
}
