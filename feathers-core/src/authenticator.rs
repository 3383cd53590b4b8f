//! The authenticator: who says who the client of a new connection is.
//!
//! The core knows no tokens and no users. It knows when the question has to be asked: before the connect listeners,
//! and again each time that a client comes back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::app::Handle;
use crate::connection::Connection;
use crate::credentials::Credentials;
use crate::error::Result;
use crate::headers::Headers;
use crate::params::Params;
use crate::payload::Payload;

/// Says who the client of a new connection is.
///
/// There is one for an app, set with [`App::authenticator`](crate::App::authenticator); a plugin for authentication
/// brings it along.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Returns the path of the service whose `create` is a login and whose `remove` is a logout.
    fn path(&self) -> &str;

    /// Finds out who the client is, from what it has presented or from the headers of its handshake.
    ///
    /// The login is announced after the connect listeners have run; `None` is a client that has not said who it is.
    /// Who it is, is put on the connection with [`Connection::set_subject`] before that, so that the client reads again what
    /// its user had a right to, and nothing else; so does every later login and logout.
    /// An error refuses the connection, and no listener hears of it.
    async fn admit(&self, connection: &Connection, presented: Presented, app: &Handle) -> Result<Option<Login>>;

    /// Checks the request that names the connection by its secret: where a user is logged in, or was when the
    /// connection ended, its headers or what it has presented have to show the same user. Another user is a 403; none, or one whose credentials are
    /// not valid, is a 401.
    async fn check_owner(
        &self,
        connection: &Connection,
        presented: &Presented,
        headers: &Headers,
        app: &Handle,
    ) -> Result<()>;

    /// Forgets a connection that may have been admitted but is not opened: a check has refused it, or its client has
    /// gone. It is closed when this is called, and no listener hears of it.
    fn forget(&self, _connection: &Connection) {}
}

/// What a client has presented at its handshake.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Presented {
    /// Nothing but its headers.
    #[default]
    Headers,
    /// Credentials that it has sent.
    Sent(Credentials),
    /// Credentials that it has sent, which may be good once only, and those that it was logged in with before its
    /// connection was lost.
    SentAndKept {
        /// What it has sent.
        sent: Credentials,
        /// What it was logged in with.
        kept: Credentials,
    },
    /// Nothing, but it was logged in with these before its connection was lost.
    ///
    /// Credentials in the headers of its handshake come before them. If they are no longer valid, the client connects
    /// anonymously.
    Kept(Credentials),
}

/// What a client comes back with whose credentials were good once only.
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

/// A login that has succeeded: what its listeners get.
#[derive(Clone, Debug)]
pub struct Login {
    /// The result of the authentication service.
    pub result: Payload,
    /// The parameters of the call, with the connection.
    pub params: Params,
}
