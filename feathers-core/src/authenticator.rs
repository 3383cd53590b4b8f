//! The authenticator: who says who the client of a new connection is.
//!
//! The core knows no tokens and no users. It knows when the question has to be asked: before the connect listeners,
//! and again each time that a client comes back.

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

    /// Checks the headers of a request that names the connection by its secret: a 403 if they say that it comes from
    /// somebody else than the one who is logged in there, a 401 if they are not good.
    ///
    /// A request without credentials is known by the secret alone.
    async fn check_owner(&self, connection: &Connection, headers: &Headers, app: &Handle) -> Result<()>;

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
    /// Nothing now, but it was logged in with these before its connection was lost.
    ///
    /// If they are good no more, the client is let in as somebody unknown.
    Kept(Credentials),
}

/// A login that has succeeded: what its listeners get.
#[derive(Clone, Debug)]
pub struct Login {
    /// The result of the authentication service.
    pub result: Payload,
    /// The parameters of the call, with the connection.
    pub params: Params,
}
