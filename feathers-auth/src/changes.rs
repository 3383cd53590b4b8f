//! Changes of those who are logged in: a connection has the rights of today.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feathers_core::{Connection, Ending, Payload, Result};
use serde_json::Value;

use crate::auth::Auth;
use crate::authenticated::CurrentUser;

/// How many changes there have been. A login that has read a record before one of them looks again.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    count: AtomicU64,
    login: Mutex<()>,
}

/// Whose turn it is on a connection.
#[derive(Clone, Default)]
struct Turn(Arc<tokio::sync::Mutex<()>>);

impl Changes {
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Who holds this may change who is logged in on a connection.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what logins and logouts on one connection wait for, so that they come one after the other.
    pub(crate) fn turn(&self, connection: &Connection) -> Arc<tokio::sync::Mutex<()>> {
        let _one_at_a_time = self.lock();
        connection
            .get::<Turn>()
            .unwrap_or_else(|| {
                let turn = Turn::default();
                connection.insert(turn.clone());
                turn
            })
            .0
    }
}

impl Auth {
    /// Notes that the record of somebody has changed, and what is known of it.
    ///
    /// That may be only a part: what is hidden from the one who made the change, or was not asked for, is not there.
    pub(crate) fn changed(&self, record: &Payload, revoke: bool) -> Result<()> {
        // Before the look at the connections: a login that is not among them yet sees the new number.
        self.changes().count.fetch_add(1, Ordering::SeqCst);
        let subject = self.id_of(record)?;
        if revoke {
            let kept = self.revoke_subject(subject);
            self.app()?.spawn(async move {
                if let Err(error) = kept.await {
                    tracing::error!(?error, "a revocation could not be stored");
                }
            });
            return Ok(());
        }
        let mut others = false;
        for connection in self.sessions().of(&subject) {
            self.compare(&connection, record, false)?;
            others |= !connection.is_closed();
        }
        if others {
            let auth = self.clone();
            self.app()?.spawn(async move { auth.look_again(&subject).await });
        }
        Ok(())
    }

    /// Reads the record of somebody anew for all of his connections.
    async fn look_again(&self, subject: &str) {
        for connection in self.sessions().of(subject) {
            if let Err(error) = self.look_at(&connection).await {
                connection.end(Ending::Denied(error));
            }
        }
    }

    /// Reads the record of the one who is logged in on a connection anew; an error is why he must not be.
    pub(crate) async fn look_at(&self, connection: &Connection) -> Result<()> {
        let Some(login) = connection.authenticated() else { return Ok(()) };
        let Some(entity) = login.entity() else { return Ok(()) };
        let record = self.entity(&self.id_of(entity)?).await?;
        self.check_entity(&record)?;
        self.compare(connection, &record, true)
    }

    /// Has a connection come back if the rights of the one who is logged in there have changed, else keeps the record.
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
        if self.config().rights.iter().any(other) {
            connection.end(Ending::Renewed);
            return Ok(());
        }
        let mut merged = if whole { Value::Null } else { before.clone() };
        match (&mut merged, now) {
            (Value::Object(merged), Value::Object(now)) => merged.extend(now.clone()),
            (merged, now) => merged.clone_from(now),
        }
        connection.insert(login.with_entity(merged.into()));
        Ok(())
    }
}
