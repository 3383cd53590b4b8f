//! The authenticator: finds out the user of a new connection.
//!
//! The core knows no tokens and no users. It knows when the question has to be asked: before the connect listeners,
//! and again each time that a client reconnects.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::call::app::AppHandle;
use crate::call::params::Params;
use crate::data::error::Result;
use crate::data::payload::Payload;
use crate::event::connection::Connection;
use crate::event::credentials::Credentials;
use crate::event::headers::Headers;

/// Authenticates the clients of new connections.
///
/// There is one for an app, set with [`App::authenticator`](crate::App::authenticator); a plugin for authentication
/// brings it along.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Returns the path of the service whose `create` is a login and whose `remove` is a logout.
    fn path(&self) -> &str;

    /// Authenticates the client, from the credentials that it has sent or from the headers of its handshake.
    ///
    /// The login is announced after the connect listeners have run; `None` is an anonymous client.
    /// An implementation calls [`Connection::set_subject`] before it returns, so that the client reads again what its
    /// user had a right to, and nothing else; so does every later login and logout.
    /// An error refuses the connection, and no listener runs.
    async fn admit(
        &self,
        connection: &Connection,
        credentials: HandshakeCredentials,
        app: &AppHandle,
    ) -> Result<Option<Login>>;

    /// Checks a request that names the connection by its secret.
    /// Where a user is logged in, or was when the connection ended, the request needs credentials of the same user, in
    /// its headers or sent. Another user is a 403; missing or invalid credentials are a 401.
    async fn check_owner(
        &self,
        connection: &Connection,
        credentials: &HandshakeCredentials,
        headers: &Headers,
        app: &AppHandle,
    ) -> Result<()>;

    /// Verifies what the caller of a call has presented, and puts it among the parameters, so that
    /// [`Authenticator::user`] finds the user. Services with access rules ask it before everything else.
    ///
    /// A caller who has presented nothing stays anonymous. By default nothing is verified but the login on the
    /// connection.
    async fn verify(&self, _params: &mut Params) -> Result<()> {
        Ok(())
    }

    /// Returns the record of the user on whose behalf a call is made, with all fields; `None` for an anonymous caller.
    ///
    /// It must not wait: what a call's hooks have verified counts, else the login on its connection. By default there
    /// are no users.
    fn user(&self, _params: &Params) -> Option<Payload> {
        None
    }

    /// Returns what names the user on whose behalf a call is made: that of the connection, if nothing else is said.
    fn subject(&self, params: &Params) -> Option<Arc<str>> {
        params.connection.as_ref().and_then(Connection::subject)
    }

    /// Returns the record of the user who is logged in on a connection, with all fields.
    fn user_of(&self, _connection: &Connection) -> Option<Payload> {
        None
    }

    /// Forgets a connection that may have been admitted but is not opened: a check has refused it, or its client has
    /// gone. It is closed when this is called, and no listener runs.
    fn forget(&self, _connection: &Connection) {}
}

/// What a client has presented at its handshake.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum HandshakeCredentials {
    /// Nothing but its headers.
    #[default]
    FromHeaders,
    /// Credentials that it has sent.
    Sent(Credentials),
    /// Credentials that it has sent, which may be valid once only, and those that it was logged in with before its
    /// connection was lost.
    SentAndRecovered {
        /// What it has sent.
        sent: Credentials,
        /// What it was logged in with.
        recovered: Credentials,
    },
    /// Nothing, but it was logged in with these before its connection was lost.
    ///
    /// Credentials in the headers of its handshake come before them. If they are no longer valid, the client connects
    /// anonymously.
    Recovered(Credentials),
}

/// What a client reconnects with whose credentials were valid once only.
///
/// The authenticator puts it on the connection. A transport takes it from there and gives it to the client, as a cookie
/// where a browser repeats the request by itself.
#[derive(Clone)]
#[non_exhaustive]
pub struct Resumption {
    /// The name of the cookie.
    pub name: String,
    /// The secret, which counts only beside the credentials that it was given for.
    pub secret: Arc<str>,
    /// How long the client may be away.
    pub keep: Duration,
    /// Names of cookies that are of no use any more.
    pub stale: Vec<String>,
}

impl Resumption {
    /// Makes a secret known under a name, for clients that are away for no longer than this.
    pub fn new(name: String, secret: Arc<str>, keep: Duration) -> Self {
        Self { name, secret, keep, stale: Vec::new() }
    }
}

impl fmt::Debug for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resumption").field("name", &self.name).field("keep", &self.keep).finish_non_exhaustive()
    }
}

/// A login or logout that has succeeded: what its listeners get.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Login {
    /// The result of the authentication service.
    pub result: Payload,
    /// The parameters of the call.
    pub params: Params,
}

impl Login {
    /// Makes a login of a result and the parameters of its call.
    pub fn new(result: impl Into<Payload>, params: Params) -> Self {
        Self { result: result.into(), params }
    }

    /// Returns the connection that has logged in or out; `None` for a call over plain REST.
    pub fn connection(&self) -> Option<&Connection> {
        self.params.connection.as_ref()
    }

    /// Returns the same login for listeners, which may add the connection to channels from now on.
    pub(crate) fn for_listeners(&self) -> Self {
        let mut login = self.clone();
        login.params.connection = self.connection().map(Connection::current);
        login
    }
}
