//! The sessions that tickets have opened: a client reconnects with its used ticket and a secret of its own.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use feathers_core::{Connection, Credentials, Headers, Resumption};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::cookie;

/// What the names of the cookies begin with; the rest is the hash of the ticket.
const PREFIX: &str = "feathers-ticket-";
/// The field of the secret in what a client sends.
pub(crate) const FIELD: &str = "ticketSecret";
/// How many bytes of the hash are in a name.
const HASH: usize = 16;
/// How many old cookies are taken away at once.
const STALE: usize = 16;

/// The hash of a used ticket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    pub(crate) fn new(ticket: &str) -> Self {
        let hash = Sha256::digest(ticket);
        Self(URL_SAFE_NO_PAD.encode(hash.get(..HASH).unwrap_or_default()).into())
    }

    fn cookie(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }
}

/// The sessions that tickets have opened, for as long as their clients may reconnect.
#[derive(Debug)]
pub(crate) struct Resumptions {
    keep: Duration,
    most: usize,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    opened: HashMap<Key, Opened>,
    /// The sessions whose connections have ended, and until when they are kept. Those resumed since are still here.
    away: VecDeque<(Instant, Key)>,
}

#[derive(Debug)]
struct Opened {
    secret: Arc<str>,
    credentials: Credentials,
    /// The number of the latest connection.
    connection: u64,
    until: Option<Instant>,
}

impl Resumptions {
    pub(crate) fn new(keep: Duration, most: usize) -> Self {
        Self { keep, most, table: Mutex::default() }
    }

    /// Notes a client that has logged in with a ticket, and gives its transport the secret that it reconnects with.
    pub(crate) fn opened(&self, key: Key, connection: &Connection) {
        let Some(credentials) = connection.credentials() else { return };
        let secret = {
            let mut table = self.lock();
            let number = connection.number();
            let opened = table.opened.entry(key.clone()).or_insert_with(|| Opened {
                secret: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()).into(),
                credentials: credentials.clone(),
                connection: number,
                until: None,
            });
            (opened.credentials, opened.connection, opened.until) = (credentials, number, None);
            opened.secret.clone()
        };
        let stale = self.stale(connection.headers());
        let mut resumption = Resumption::new(key.cookie(), secret, self.keep);
        resumption.stale = stale;
        connection.insert(resumption);
        connection.insert(key);
    }

    /// Returns the credentials of the client whose used ticket has this key.
    ///
    /// The client must present the secret, in the credentials that it has `sent` or in its cookie. Without the secret,
    /// the credentials `kept` of its connection must be the same.
    pub(crate) fn find(
        &self,
        key: &Key,
        sent: &Credentials,
        kept: Option<&Credentials>,
        headers: &Headers,
    ) -> Option<Credentials> {
        let mut table = self.lock();
        table.forget_old(self.most);
        let opened = table.opened.get(key)?;
        let name = key.cookie();
        let shown = sent.text(FIELD).or_else(|| cookie::find(headers, &name));
        let knows = shown.is_some_and(|shown| bool::from(shown.as_bytes().ct_eq(opened.secret.as_bytes())));
        (knows || kept == Some(&opened.credentials)).then(|| opened.credentials.clone())
    }

    /// Tells whether the client of a used ticket may reconnect.
    pub(crate) fn contains(&self, key: &Key) -> bool {
        self.lock().opened.contains_key(key)
    }

    /// Notes that a connection has ended.
    pub(crate) fn left(&self, connection: &Connection) {
        let Some(key) = connection.get::<Key>() else { return };
        let until = Instant::now() + self.keep;
        let mut table = self.lock();
        if let Some(opened) = table.opened.get_mut(&key).filter(|opened| opened.connection == connection.number()) {
            opened.until = Some(until);
            if let Some(credentials) = connection.credentials() {
                opened.credentials = credentials;
            }
            table.away.push_back((until, key));
            table.forget_old(self.most);
        }
    }

    /// Forgets a connection whose user has logged out.
    pub(crate) fn forget(&self, connection: &Connection) {
        if let Some(key) = connection.remove::<Key>() {
            self.lock().opened.remove(&key);
        }
    }

    /// Returns the names of cookies that are of no use any more.
    fn stale(&self, headers: &Headers) -> Vec<String> {
        let table = self.lock();
        let known = |hash: &str| table.opened.contains_key(&Key(hash.into()));
        let names = cookie::names(headers).filter(|name| name.strip_prefix(PREFIX).is_some_and(|hash| !known(hash)));
        names.take(STALE).map(str::to_owned).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Drops expired sessions, then the oldest above the limit.
    fn forget_old(&mut self, most: usize) {
        let now = Instant::now();
        while let Some((until, _)) = self.away.front()
            && (*until <= now || self.away.len() > most)
        {
            if let Some((until, key)) = self.away.pop_front()
                && self.opened.get(&key).is_some_and(|opened| opened.until == Some(until))
            {
                self.opened.remove(&key);
            }
        }
    }
}
