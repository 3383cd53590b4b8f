//! The rights of connections: what each may read of the services with rules, and what follows when that changes.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

use super::AppHandle;
use crate::call::app::registry::Mounted;
use crate::data::error::{Error, Result};
use crate::data::payload::Payload;
use crate::data::rights::ReadRights;
use crate::event::connection::{Connection, DisconnectReason};
use crate::event::visibility::Readers;

/// The rights of a user to all services with rules, and all of them as one number.
struct Rights {
    of: Vec<(Arc<Readers>, Arc<ReadRights>)>,
    number: u64,
}

impl AppHandle {
    /// Gives a connection the rights of the user that is logged in on it: the app's
    /// [`Authenticator`](crate::Authenticator) calls it when that is another user than before.
    ///
    /// Nothing happens where the rights are what they were.
    pub fn refresh_rights(&self, connection: &Connection) {
        let readers = self.0.hub.readers();
        // Without a session it gets them when it has one, and it is known from where it goes on.
        if readers.is_empty() || !connection.is_open() {
            return;
        }
        let mut given = None;
        loop {
            let rights = rights_of(&readers, self.user_of(connection).as_ref());
            // The user may have changed meanwhile.
            if given == Some(rights.number) {
                return;
            }
            connection.read_with(&rights.of, rights.number, &self.0.hub);
            given = Some(rights.number);
        }
    }

    /// Reconnects a connection if its user has other rights than before: the app's
    /// [`Authenticator`](crate::Authenticator) calls it when the record of the user has changed.
    pub fn recheck_rights(&self, connection: &Connection) {
        let readers = self.0.hub.readers();
        let Some(before) = connection.rights().filter(|_| !readers.is_empty()) else { return };
        let now = rights_of(&readers, self.user_of(connection).as_ref()).number;
        if now == before {
            return;
        }
        if let Some(subject) = connection.subject() {
            self.0.hub.standings().change(&subject, now, self.log());
        }
        connection.end(DisconnectReason::Reconnect);
    }

    /// Says that the record of a user has changed who may have no connection now: if its rights differ from before,
    /// a client that comes back with a cursor from before gets a reset.
    ///
    /// It is for the app's [`Authenticator`](crate::Authenticator); `subject` is what it sets with
    /// [`Connection::set_subject`].
    pub fn user_changed(&self, subject: &str, user: &Payload) {
        let readers = self.0.hub.readers();
        if !readers.is_empty() {
            let rights = || rights_of(&readers, Some(user)).number;
            self.0.hub.standings().change_idle(subject, rights, self.log());
        }
    }

    /// Asks the rules again, for all connections, if some look at the records of a service that has changed some.
    pub(crate) fn follow_rules(&self, path: &str) {
        if !self.0.hub.has_dependencies() {
            return;
        }
        let readers = self.0.hub.readers();
        if !readers.iter().any(|readers| readers.depends_on(path)) {
            return;
        }
        self.0.hub.standings().forget_idle(self.log());
        // Each connection is in a group of every service with rules.
        for connection in readers.first().map(|readers| readers.connections()).unwrap_or_default() {
            self.recheck_rights(&connection);
        }
    }

    /// Notes which services have rules, at the start.
    pub(crate) fn start_readers(&self, is_shared: bool) -> Result<()> {
        self.note_readers();
        let (all, mounted) = (self.0.hub.readers(), self.mounted());
        for readers in &all {
            let is_there = |path: &&String| mounted.iter().any(|mounted| mounted.path() == path.as_str());
            if let Some(missing) = readers.dependencies().iter().find(|path| !is_there(path)) {
                let path = readers.path();
                let message =
                    format!("the access rules of service '{path}' depend on '{missing}', where no service is");
                return Err(Error::general(message));
            }
        }
        match all.first().filter(|_| is_shared) {
            Some(readers) => Err(rules_need_own_log(readers.path())),
            None => Ok(()),
        }
    }

    /// Notes which services have rules, after one was mounted or taken away.
    pub(super) fn note_readers(&self) {
        let before = self.0.hub.readers();
        let readers: Vec<_> = self.mounted().iter().filter_map(|mounted| mounted.readers().cloned()).collect();
        let is_same = before.len() == readers.len() && before.iter().zip(&readers).all(|(a, b)| Arc::ptr_eq(a, b));
        if is_same {
            return;
        }
        self.0.hub.set_readers(readers);
        for connection in self.0.hub.connections() {
            self.refresh_rights(&connection);
        }
    }

    /// Fails if a service has rules and events go through a shared log, which carries no images.
    pub(super) fn check_shared_log(&self, mounted: &Mounted) -> Result<()> {
        if self.log().is_shared() && mounted.readers().is_some() {
            return Err(rules_need_own_log(mounted.path()));
        }
        Ok(())
    }
}

fn rights_of(readers: &[Arc<Readers>], user: Option<&Payload>) -> Rights {
    static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let of: Vec<_> = readers.iter().map(|readers| (readers.clone(), readers.rights_of(user))).collect();
    let names: Vec<_> = of.iter().map(|(readers, rights)| (readers.path(), rights.key())).collect();
    let number = HASHER.hash_one(names);
    Rights { of, number }
}

/// Says that a service with rules and a shared log do not go together.
fn rules_need_own_log(path: &str) -> Error {
    Error::general(format!(
        "service '{path}' has access rules, and the app has a shared event log (`App::event_log`): a shared log does \
         not carry the records before and after a change, of which the rules decide who sees an event"
    ))
}
