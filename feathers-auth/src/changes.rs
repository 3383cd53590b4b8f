//! Changes of users: a connection always has the current rights of its user.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feathers_core::{Connection, DisconnectReason, Method, Payload, Result, Write};
use serde_json::Value;

use crate::auth::{Auth, Hashed};
use crate::authenticated::CurrentUser;
use crate::password_hook::NewPassword;
use crate::strategy::at;

/// Users who share one of so many places share the number of their last change.
const PLACES: usize = 1_024;

/// How many changes there have been, and the last one of each user. A login that has read a record before one of them
/// looks again.
pub(crate) struct Changes {
    count: AtomicU64,
    hasher: RandomState,
    last: Box<[AtomicU64]>,
    login: Mutex<()>,
}

impl Default for Changes {
    fn default() -> Self {
        let last = (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        Self { count: AtomicU64::new(0), hasher: RandomState::new(), last, login: Mutex::default() }
    }
}

/// Whose turn it is on a connection.
#[derive(Clone, Default)]
struct LoginLock(Arc<tokio::sync::Mutex<()>>);

impl Changes {
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Tells whether a user may have changed after so many changes.
    pub(crate) fn has_changed(&self, subject: &str, seen: u64) -> bool {
        self.last(subject).is_some_and(|last| last.load(Ordering::SeqCst) > seen)
    }

    fn note(&self, subject: &str) {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(last) = self.last(subject) {
            last.fetch_max(number, Ordering::SeqCst);
        }
    }

    fn last(&self, subject: &str) -> Option<&AtomicU64> {
        let place = self.hasher.hash_one(subject) % PLACES as u64;
        self.last.get(usize::try_from(place).ok()?)
    }

    /// Locks the logins of all connections; only the holder of the lock may change one.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what logins and logouts on one connection wait for, so that they come one after the other.
    pub(crate) fn turn(&self, connection: &Connection) -> Arc<tokio::sync::Mutex<()>> {
        let _one_at_a_time = self.lock();
        connection
            .get::<LoginLock>()
            .unwrap_or_else(|| {
                let turn = LoginLock::default();
                connection.insert(turn.clone());
                turn
            })
            .0
    }
}

impl Auth {
    /// Follows a write of the service of users: what it has changed, whatever becomes of its result and event.
    pub(crate) fn written(&self, write: &Write<'_>) {
        if *write.method == Method::Create {
            return;
        }
        let revoke = *write.method == Method::Remove || self.changes_password(write);
        match write.result.items() {
            Ok(Some(records)) => {
                for record in &records {
                    self.user_changed(record, None, revoke);
                }
            }
            Ok(None) => self.user_changed(write.result, write.id.map(ToString::to_string), revoke),
            Err(error) => tracing::error!(?error, "a changed user could not be looked at"),
        }
    }

    fn changes_password(&self, write: &Write<'_>) -> bool {
        let same = write.params.get::<Hashed>().is_some() && !write.params.is_external();
        if same {
            return false;
        }
        let sets = |data: &Value| data.as_object().is_some_and(|data| at(data, self.password_field()).is_some());
        let replaces = matches!(write.method, Method::Update | Method::Patch);
        write.params.get::<NewPassword>().is_some() || replaces && write.data.value().is_ok_and(sets)
    }

    /// Notes that a user has changed. A hand-written service may answer only a part of the record, or none.
    fn user_changed(&self, record: &Payload, id: Option<String>, revoke: bool) {
        let Some(subject) = self.id_of(record).ok().or(id) else {
            return tracing::error!("a user has changed, and the answer of the service does not tell which");
        };
        // Before the look at the connections: a login that is not among them yet sees the new number.
        self.changes().note(&subject);
        if let Err(error) = self.follow(&subject, record, revoke) {
            tracing::error!(?error, "a changed user could not be looked at");
        }
        if let Ok(app) = self.app() {
            app.user_changed(&subject, record);
        }
    }

    fn follow(&self, subject: &str, record: &Payload, revoke: bool) -> Result<()> {
        if revoke {
            let kept = self.revoke_subject(subject.to_owned());
            self.app()?.spawn(async move {
                if let Err(error) = kept.await {
                    tracing::error!(?error, "a revocation could not be stored");
                }
            });
            return Ok(());
        }
        let mut others = false;
        for connection in self.sessions().of(subject) {
            self.compare(&connection, record, false)?;
            others |= !connection.is_closed();
        }
        if others {
            let (auth, subject) = (self.clone(), subject.to_owned());
            self.app()?.spawn(async move { auth.recheck_all(&subject).await });
        }
        Ok(())
    }

    /// Reads the record of a user again, for each connection of that user.
    async fn recheck_all(&self, subject: &str) {
        for connection in self.sessions().of(subject) {
            if let Err(error) = self.recheck(&connection).await {
                connection.end(DisconnectReason::Unauthenticated(error));
            }
        }
    }

    /// Reads the record of a connection's user again; an error is why that user must not stay logged in.
    pub(crate) async fn recheck(&self, connection: &Connection) -> Result<()> {
        let Some(login) = connection.authenticated() else { return Ok(()) };
        let Some(entity) = login.entity() else { return Ok(()) };
        let record = self.entity(&self.id_of(entity)?).await?;
        self.check_entity(&record)?;
        self.compare(connection, &record, true)
    }

    /// Reconnects a connection if the rights of its user have changed, by a named field or by what the access rules of a
    /// service make of the record, else keeps the new record.
    ///
    /// What is not in a record that is not `whole` is as it was.
    fn compare(&self, connection: &Connection, record: &Payload, whole: bool) -> Result<()> {
        let _one_at_a_time = self.changes().lock();
        let Some(login) = connection.authenticated() else { return Ok(()) };
        let Some(entity) = login.entity().filter(|entity| self.id_of(entity).ok() == self.id_of(record).ok()) else {
            return Ok(());
        };
        let (before, now) = (entity.value()?, record.value()?);
        let field = |record: &Value, name: &String| record.get(name).filter(|value| !value.is_null()).cloned();
        let other = |name: &String| (whole || now.get(name).is_some()) && field(before, name) != field(now, name);
        if self.config().permission_fields.iter().any(other) {
            connection.end(DisconnectReason::Reconnect);
            return Ok(());
        }
        let mut merged = if whole { Value::Null } else { before.clone() };
        match (&mut merged, now) {
            (Value::Object(merged), Value::Object(now)) => merged.extend(now.clone()),
            (merged, now) => merged.clone_from(now),
        }
        connection.insert(login.with_entity(merged.into()));
        // After the record is there: who gives the connection its rights meanwhile looks once more.
        self.app()?.recheck_rights(connection);
        Ok(())
    }
}
