//! The connections of an app: opening them, finding them by their secret, and telling the listeners.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::FutureExt;

use super::{AppHandle, lock};
use crate::call::authenticator::{HandshakeCredentials, Login};
use crate::call::params::Params;
use crate::call::session::{Handshake, Session};
use crate::data::error::Result;
use crate::data::payload::Payload;
use crate::event::connection::Connection;
use crate::event::headers::Headers;
use crate::event::log::Since;

impl AppHandle {
    /// Opens a session for a client and runs the connect listeners.
    ///
    /// # Errors
    /// That of the app's [`Authenticator`](crate::Authenticator), which has refused the client; no listener runs then.
    pub async fn open(&self, handshake: Handshake) -> Result<Session> {
        self.open_if(handshake, async |_| Ok(())).await
    }

    /// Opens a session for a client whom `admit` accepts too.
    ///
    /// It runs on the new connection after the authenticator and before the connect listeners, and may put values
    /// there.
    ///
    /// # Errors
    /// That of the authenticator, or of `admit`; no listener runs then.
    pub async fn open_if<Fut: Future<Output = Result<()>>>(
        &self,
        handshake: Handshake,
        admit: impl FnOnce(Connection) -> Fut,
    ) -> Result<Session> {
        let grace = self.0.settings.answer_grace;
        let connection =
            Connection::new(handshake.provider, handshake.headers, handshake.query, handshake.address, grace);
        let opening = Opening { app: self, connection: &connection, done: false };
        let login = match &self.0.authenticator {
            Some(authenticator) => authenticator.admit(&connection, handshake.credentials, self).await?,
            None => None,
        };
        admit(connection.clone()).await?;
        opening.done();
        Ok(self.welcome(connection, handshake.since, login).await)
    }

    async fn welcome(&self, connection: Connection, since: Since, login: Option<Login>) -> Session {
        self.0.connections.fetch_add(1, Ordering::Relaxed);
        metrics::gauge!(crate::metrics::CONNECTIONS, "transport" => connection.provider().name()).increment(1.0);
        let may_log_in = self.0.authenticator.is_some() && login.is_none();
        let session = Session::new(self.clone(), connection.clone(), since, may_log_in);
        self.refresh_rights(&connection);
        for listener in &self.0.listeners.connect {
            listener(connection.clone(), self.clone()).await;
        }
        if let Some(login) = login {
            self.login(&login).await;
        }
        session
    }

    /// Returns the connection of a session by its secret, for calls that come another way than its events.
    ///
    /// The headers are those of the request with the secret, which is no login. If a user is logged in on the
    /// connection, they must hold credentials of the same user. `None` if the connection has ended.
    ///
    /// # Errors
    /// Those of [`check_owner`](Self::check_owner).
    pub async fn connection(&self, secret: &str, headers: &Headers) -> Result<Option<Connection>> {
        self.connection_of(secret, &HandshakeCredentials::FromHeaders, headers).await
    }

    /// Returns the connection of a session by its secret, for a request that may present more than its headers.
    ///
    /// # Errors
    /// Those of [`check_owner`](Self::check_owner).
    pub async fn connection_of(
        &self,
        secret: &str,
        credentials: &HandshakeCredentials,
        headers: &Headers,
    ) -> Result<Option<Connection>> {
        let Some(connection) = lock(&self.0.secrets).get(secret).map(Connection::current) else { return Ok(None) };
        self.check_owner(&connection, credentials, headers).await?;
        Ok(Some(connection).filter(|connection| !connection.is_closed()))
    }

    /// Fails if a user is logged in on the connection and the request has no credentials of the same user.
    ///
    /// # Errors
    /// Credentials of another user are a 403, and none are a 401.
    pub async fn check_owner(
        &self,
        connection: &Connection,
        credentials: &HandshakeCredentials,
        headers: &Headers,
    ) -> Result<()> {
        match &self.0.authenticator {
            Some(authenticator) => authenticator.check_owner(connection, credentials, headers, self).await,
            None => Ok(()),
        }
    }

    /// Returns the path of the service that logs clients in and out, if there is one.
    pub fn authentication_path(&self) -> Option<&str> {
        self.0.authenticator.as_ref().map(|authenticator| authenticator.path())
    }

    /// Returns the record of the user on whose behalf a call is made.
    pub(crate) fn user(&self, params: &Params) -> Option<Payload> {
        self.0.authenticator.as_ref()?.user(params)
    }

    /// Returns what names the user on whose behalf a call is made.
    pub(crate) fn subject(&self, params: &Params) -> Option<Arc<str>> {
        self.0.authenticator.as_ref()?.subject(params)
    }

    /// Returns the record of the user who is logged in on a connection.
    pub(crate) fn user_of(&self, connection: &Connection) -> Option<Payload> {
        self.0.authenticator.as_ref()?.user_of(connection)
    }

    /// Verifies what the caller of a call has presented.
    pub(crate) async fn verify(&self, params: &mut Params) -> Result<()> {
        match &self.0.authenticator {
            Some(authenticator) => authenticator.verify(params).await,
            None => Ok(()),
        }
    }

    pub(crate) fn register_token(&self, connection: &Connection) -> Arc<str> {
        let secret: Arc<str> = format!("{:032x}", rand::random::<u128>()).into();
        lock(&self.0.secrets).insert(secret.clone(), connection.clone());
        secret
    }

    pub(crate) fn forget_token(&self, secret: &str) {
        lock(&self.0.secrets).remove(secret);
    }

    pub(crate) fn disconnected(&self, connection: &Connection) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!(crate::metrics::CONNECTIONS, "transport" => connection.provider().name()).decrement(1.0);
        for listener in &self.0.listeners.disconnect {
            // A listener that does not wait runs at once, so that its effect is there when the session has ended.
            // This runs where a session is dropped, perhaps because of another panic.
            let begin = || {
                let mut work = listener(connection.clone(), self.clone());
                (&mut work).now_or_never().is_none().then_some(work)
            };
            match std::panic::catch_unwind(AssertUnwindSafe(begin)) {
                Ok(Some(work)) => self.spawn(work),
                Ok(None) => {}
                Err(_) => {
                    metrics::counter!(crate::metrics::LISTENERS_FAILED).increment(1);
                    tracing::error!("a disconnect listener panicked");
                }
            }
        }
    }

    /// Says that a login has succeeded: the login listeners run, then the connection gets what it has missed.
    pub async fn login(&self, login: &Login) {
        let login = login.for_listeners();
        if let Some(connection) = login.connection() {
            self.refresh_rights(connection);
        }
        for listener in &self.0.listeners.login {
            listener(login.clone(), self.clone()).await;
        }
        if let Some(connection) = login.connection() {
            connection.settle(&self.0.hub);
            connection.logged_in();
        }
    }

    /// Says that a subject had no right to its channels for a moment: a client that reconnects does not read again what
    /// came before.
    ///
    /// It is for the app's [`Authenticator`](crate::Authenticator): at a ban, and when all tokens of a user are
    /// revoked.
    pub fn revoke_memberships(&self, subject: &str) {
        self.0.hub.history().revoke(subject, self.log());
        self.0.hub.standings().revoke(subject, self.log());
    }

    /// Says that a logout has succeeded: the connection leaves all channels, then the logout listeners run.
    pub async fn logout(&self, logout: &Login) {
        if let Some(connection) = logout.connection() {
            connection.log_out();
            // Else another user logs in, whose rights follow.
            if connection.subject().is_none() {
                self.refresh_rights(connection);
            }
        }
        let logout = logout.for_listeners();
        for listener in &self.0.listeners.logout {
            listener(logout.clone(), self.clone()).await;
        }
    }
}

/// A connection that has no session yet. Dropping it unopened calls `Authenticator::forget`.
struct Opening<'a> {
    app: &'a AppHandle,
    connection: &'a Connection,
    done: bool,
}

impl Opening<'_> {
    fn done(mut self) {
        self.done = true;
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        self.connection.lose();
        if let Some(authenticator) = &self.app.0.authenticator {
            authenticator.forget(self.connection);
        }
    }
}
