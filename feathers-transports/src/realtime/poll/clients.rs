//! All polling clients: how many there may be, and their end when they stay away.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use feathers_core::{AppHandle, Connection, DisconnectReason, Session, Since};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::client::{Client, Turn};
use crate::kit::budget::Permit;
use crate::kit::session_limit::SessionPermit;

/// The polling clients by their secrets. Clones are the same.
#[derive(Clone, Debug)]
pub(in crate::realtime) struct Clients {
    app: AppHandle,
    session_timeout: Duration,
    places: Arc<Semaphore>,
    /// `None` once the server stops.
    table: Arc<Mutex<Option<Table>>>,
}

#[derive(Debug, Default)]
struct Table {
    clients: HashMap<Arc<str>, Arc<Client>>,
    /// The connections that the server has ended, for polls that still name them, and until when they are kept.
    over: HashMap<Arc<str>, (Connection, Instant)>,
    /// Whether a task looks for clients that stay away.
    watched: bool,
}

/// The place of one client; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _session_permit: SessionPermit,
    /// What is kept of the request.
    _kept: Permit,
}

impl Clients {
    pub(in crate::realtime) fn new(app: &AppHandle, max: usize, session_timeout: Duration) -> Self {
        Self {
            app: app.clone(),
            session_timeout,
            places: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))),
            table: Arc::new(Mutex::new(Some(Table::default()))),
        }
    }

    /// Begins a poll of a client that is there.
    pub(super) fn take_turn(&self, token: &str, since: Since) -> Option<Turn> {
        let turn = {
            let table = self.lock();
            let client = table.as_ref()?.clients.get(token).filter(|client| !client.is_over())?;
            // Under the lock of the table, so that it is not found idle meanwhile.
            client.next_turn()
        };
        Some(turn.go_on_from(since))
    }

    /// Returns the connection of a client that the server has ended not long ago.
    pub(super) fn over(&self, token: &str) -> Option<Connection> {
        let table = self.lock();
        let table = table.as_ref()?;
        let client = table.clients.get(token).filter(|client| client.is_over()).map(|client| client.connection());
        client.or_else(|| table.over.get(token).map(|(connection, _)| connection)).cloned()
    }

    /// Takes a place for a new client of an address; `None` if there is none or the server stops.
    pub(super) fn reserve(&self, session_permit: SessionPermit, kept: Permit) -> Option<Place> {
        self.lock().as_ref()?;
        let permit = self.places.clone().try_acquire_owned().ok()?;
        Some(Place { _permit: permit, _session_permit: session_permit, _kept: kept })
    }

    /// Adds a client and begins its first poll.
    pub(super) fn add(&self, session: Session, place: Place, since: Since) -> Turn {
        let client = Arc::new(Client::new(session, place));
        let turn = client.next_turn();
        match &mut *self.lock() {
            None => client.end(),
            Some(table) => {
                table.clients.insert(client.secret().clone(), client.clone());
                if !std::mem::replace(&mut table.watched, true) {
                    self.app.spawn(self.clone().watch());
                }
            }
        }
        turn.begin(since)
    }

    /// Ends a client; `false` if there is none of that secret.
    pub(in crate::realtime) fn end(&self, token: &str) -> bool {
        let client = self.lock().as_mut().and_then(|table| table.clients.remove(token));
        client.is_some_and(|client| {
            client.end();
            true
        })
    }

    /// Ends all clients, and lets no more in.
    pub(in crate::realtime) fn close(&self) {
        let table = self.lock().take();
        for client in table.iter().flat_map(|table| table.clients.values()) {
            client.end();
        }
    }

    /// Lets go of clients that stay away, for as long as there are any.
    async fn watch(self) {
        let pause = (self.session_timeout / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
        while tokio::time::timeout(pause, self.app.stopping()).await.is_err() {
            let mut gone = Vec::new();
            let watching = match &mut *self.lock() {
                None => false,
                Some(table) => {
                    let away = |client: &Client| client.is_over() || client.is_idle(self.session_timeout);
                    gone.extend(table.clients.extract_if(|_, client| away(client)));
                    let ended = |connection: &Connection| {
                        matches!(
                            connection.disconnect_reason(),
                            Some(DisconnectReason::Unauthenticated(_) | DisconnectReason::Reconnect)
                        )
                    };
                    let now = Instant::now();
                    table.over.retain(|_, (_, until)| *until > now);
                    table.over.extend(gone.iter().filter(|(_, client)| ended(client.connection())).map(
                        |(secret, client)| (secret.clone(), (client.connection().clone(), now + self.session_timeout)),
                    ));
                    table.watched = !table.clients.is_empty() || !table.over.is_empty();
                    table.watched
                }
            };
            // Outside of the lock, since the disconnect listeners run.
            drop(gone);
            if !watching {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Table>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
