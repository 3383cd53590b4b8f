//! Sessions: one client, from its connect listeners to its disconnect listeners.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Map, Value};

use crate::call::app::AppHandle;
use crate::call::authenticator::HandshakeCredentials;
use crate::call::params::Params;
use crate::event::connection::Connection;
use crate::event::headers::Headers;
use crate::event::log::{EventLog, ResetReason, Since};
use crate::event::membership::Departure;
use crate::event::provider::Provider;
use crate::event::secret_headers::is_secret_word;
use crate::event::subscription::Subscription;

/// The client that connects: what a transport knows at the handshake.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The transport.
    pub provider: Provider,
    /// The headers of the handshake.
    pub headers: Headers,
    /// The query of the handshake's URL.
    pub query: Map<String, Value>,
    /// From where it wants events.
    pub since: Since,
    /// Its address.
    pub address: Option<IpAddr>,
    /// The credentials that it presents.
    pub credentials: HandshakeCredentials,
}

impl Handshake {
    /// Describes a client of a transport.
    pub fn new(provider: Provider) -> Self {
        Self {
            provider,
            headers: Headers::default(),
            query: Map::new(),
            since: Since::Now,
            address: None,
            credentials: HandshakeCredentials::FromHeaders,
        }
    }

    /// Sets the headers of the handshake.
    pub fn headers(mut self, headers: impl Into<Headers>) -> Self {
        self.headers = headers.into().compact();
        self
    }

    /// Sets the query of the handshake's URL; its words that hold secrets are left out.
    pub fn query(mut self, mut query: Map<String, Value>) -> Self {
        query.retain(|word, _| !is_secret_word(word));
        // Most clients say nothing else, and the room for it would be kept.
        self.query = if query.is_empty() { Map::new() } else { query };
        self
    }

    /// Sets from where it wants events.
    pub fn since(mut self, since: Since) -> Self {
        self.since = since;
        self
    }

    /// Sets its address.
    pub fn address(mut self, address: Option<IpAddr>) -> Self {
        self.address = address;
        self
    }

    /// Sets the credentials that it presents.
    pub fn credentials(mut self, credentials: HandshakeCredentials) -> Self {
        self.credentials = credentials;
        self
    }
}

/// One client: its connection, from `on_connect` to `on_disconnect`.
///
/// It ends when it is dropped: the connection leaves all channels and the disconnect handlers run.
#[derive(Debug)]
#[must_use = "a session ends when it is dropped"]
pub struct Session {
    app: AppHandle,
    connection: Connection,
    start: Mutex<Start>,
    secret: OnceLock<Arc<str>>,
}

/// How the first subscription of a session starts.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// With what comes.
    Now,
    /// With what comes after this place.
    Replay(u64),
    /// With a notice that the client cannot go on from where it was.
    Reset(ResetReason),
}

impl Start {
    fn new(log: &EventLog, since: Since) -> Self {
        match since {
            Since::Now => Self::Now,
            Since::Earliest => Self::Replay(log.oldest().seq()),
            Since::Unreadable => Self::Reset(ResetReason::BadCursor),
            Since::Cursor(cursor) => match log.check(cursor) {
                Ok(seq) => Self::Replay(seq),
                Err(reason) => Self::Reset(reason),
            },
        }
    }
}

impl Session {
    /// Decides from where the client goes on, before its connect handlers join channels.
    ///
    /// With `may_log_in`, its replay waits for a login.
    pub(crate) fn new(app: AppHandle, connection: Connection, since: Since, may_log_in: bool) -> Self {
        let start = Start::new(app.log(), since);
        if let Start::Replay(seq) = start {
            connection.begin_replay(seq, matches!(since, Since::Cursor(_)));
            if may_log_in {
                connection.wait_for_login();
            }
        }
        connection.open();
        Self { app, connection, start: Mutex::new(start), secret: OnceLock::new() }
    }

    /// Returns the connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the secret name of the session, made at the first call: 128 random bits.
    ///
    /// A client that knows it can make calls on the connection over another way: [`AppHandle::connection`] finds it.
    pub fn secret(&self) -> &Arc<str> {
        self.secret.get_or_init(|| self.app.register_token(&self.connection))
    }

    /// Returns the parameters that calls of this client start with.
    pub fn params(&self) -> Params {
        let mut params = Params::new();
        params.provider = Some(self.connection.provider());
        params.headers = self.connection.headers().clone();
        params.connection = Some(self.connection.clone());
        params.address = self.connection.address();
        params
    }

    /// Returns the reader of this client's events, from where its [`Handshake`] said.
    ///
    /// What a client has missed goes to those channels that it is in when this is called: join handlers run before.
    /// There is one reader at a time; a later one goes on from where the earlier one was taken over.
    pub fn subscribe(&self) -> Subscription {
        let mut start = self.start.lock().unwrap_or_else(PoisonError::into_inner);
        self.start_at(std::mem::replace(&mut *start, Start::Now))
    }

    /// Returns a reader that takes over from the earlier one, at a place that the client names.
    ///
    /// The channels are those that the session is in; each counts from where it was joined.
    pub fn subscribe_since(&self, since: Since) -> Subscription {
        self.start_at(Start::new(self.app.log(), since))
    }

    fn start_at(&self, start: Start) -> Subscription {
        let log = self.app.log().clone();
        let (last, reset, resumed) = match start {
            // Not the announced place: what is visible beyond it was before the joining, and does not come.
            Start::Now => (log.head().seq(), None, false),
            Start::Reset(reason) => {
                let reset = log.reset(reason);
                (reset.cursor.seq(), Some(reset), false)
            }
            Start::Replay(seq) => (seq, None, true),
        };
        let max_replay = self.app.max_replay();
        Subscription::new(self.connection.clone(), log, last, reset, resumed, max_replay)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.lose();
        self.connection.leave_all_as(Departure::Lost);
        self.connection.leave_groups();
        if let Some(secret) = self.secret.get() {
            self.app.forget_token(secret);
        }
        self.app.disconnected(&self.connection);
    }
}
