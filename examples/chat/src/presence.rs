//! Who is online: users with at least one connection. Several tabs of one user count once.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use feathers::prelude::*;

use crate::profile::Profile;
use crate::users::User;

/// The connections with a logged-in user, by their numbers; clones are the same.
#[derive(Clone, Default)]
struct Presence(Arc<Mutex<HashMap<u64, Profile>>>);

#[service(events("came", "went"))]
impl Presence {
    /// Returns the users who are online.
    async fn find(&self) -> Result<Vec<Profile>> {
        let all: BTreeMap<i64, Profile> = self.lock().values().map(|user| (user.id, user.clone())).collect();
        Ok(all.into_values().collect())
    }
}

impl Presence {
    /// Notes a login, and emits `came` if it is the user's first.
    fn come(&self, connection: &Connection, app: &AppHandle) -> Result<()> {
        let user = Profile::from(&connection.user_as::<User>()?);
        let presence = app.service("presence")?;
        {
            let mut connections = self.lock();
            let is_first = connections.values().all(|other| other.id != user.id);
            connections.insert(connection.number(), user.clone());
            // Under the lock, so that events leave in the order of what happens.
            if is_first {
                presence.emit("came", Payload::new(user));
            }
        }
        // It may have ended before it was noted.
        if connection.is_closed() { self.go(connection, app) } else { Ok(()) }
    }

    /// Forgets a connection, and emits `went` if it was the user's last.
    fn go(&self, connection: &Connection, app: &AppHandle) -> Result<()> {
        let presence = app.service("presence")?;
        let mut connections = self.lock();
        let Some(user) = connections.remove(&connection.number()) else { return Ok(()) };
        if connections.values().all(|other| other.id != user.id) {
            presence.emit("went", Payload::new(user));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Profile>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Mounts the service `presence`, and notes logins, logouts and ended connections in it.
pub(crate) fn mount(app: &mut App) {
    let presence = Presence::default();
    app.service("presence", presence.clone()).before("all", authenticate("jwt"));

    let own = presence.clone();
    app.on_login(move |login, app| {
        if let Some(connection) = login.connection() {
            log(own.come(connection, app));
        }
    });
    let own = presence.clone();
    app.on_logout(move |login, app| {
        if let Some(connection) = login.connection() {
            log(own.go(connection, app));
        }
    });
    app.on_disconnect(move |connection, app| log(presence.go(connection, app)));
}

/// Prints the error of a listener, which has no caller to answer.
fn log(result: Result<()>) {
    if let Err(error) = result {
        eprintln!("presence: {error}");
    }
}
