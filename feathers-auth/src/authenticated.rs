//! The verified login of a caller.

use std::fmt;
use std::sync::Arc;

use feathers_core::{Connection, Credentials, DisconnectReason, Error, Params, Payload, Result};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::strategy::Identity;

/// A verified login: the hook [`authenticate`](crate::authenticate) puts it among the parameters of a call, and a login
/// on a connection keeps it there.
///
/// No client can send one.
#[derive(Clone)]
pub struct Authenticated {
    strategy: Arc<str>,
    identity: Arc<Identity>,
}

impl Authenticated {
    pub(crate) fn new(strategy: &str, identity: Identity) -> Self {
        Self { strategy: strategy.into(), identity: Arc::new(identity) }
    }

    /// Returns the name of the strategy.
    pub fn strategy(&self) -> &str {
        &self.strategy
    }

    /// Returns the record of the user, with all fields, also those that never leave the server.
    pub fn entity(&self) -> Option<&Payload> {
        self.identity.entity.as_ref()
    }

    /// Returns what the token says; `None` if it was not a token that was presented.
    pub fn payload(&self) -> Option<&Map<String, Value>> {
        self.identity.token.as_ref().map(|token| &*token.claims)
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns the token as it was presented.
    pub(crate) fn credentials(&self) -> Option<&Credentials> {
        self.identity.token.as_ref().map(|token| &token.text)
    }

    /// Returns the same with another record.
    pub(crate) fn with_entity(&self, entity: Payload) -> Self {
        let identity = Identity { entity: Some(entity), ..Identity::clone(&self.identity) };
        Self { strategy: self.strategy.clone(), identity: Arc::new(identity) }
    }
}

impl fmt::Debug for Authenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticated").field("strategy", &self.strategy).finish_non_exhaustive()
    }
}

/// Reads the user of a call or of a connection.
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
/// use feathers::auth::CurrentUser;
/// use feathers::{Context, Result};
///
/// async fn set_author(ctx: &mut Context) -> Result<()> {
///     let id = ctx.params.require_user()?.value()?["id"].clone();
///     ctx.data.object_mut()?.insert("userId".to_owned(), id);
///     Ok(())
/// }
/// ```
pub trait CurrentUser {
    /// Returns what has been verified: by the hook for this call, else at the login on its connection.
    fn authenticated(&self) -> Option<Authenticated>;

    /// Returns the record of the user, with all fields.
    fn user(&self) -> Option<Payload> {
        self.authenticated()?.entity().cloned()
    }

    /// Returns the record of the user.
    ///
    /// # Errors
    /// There is no user: a 401.
    fn require_user(&self) -> Result<Payload> {
        self.user().ok_or_else(|| Error::not_authenticated("Not authenticated"))
    }

    /// Returns the user as a value of your type.
    ///
    /// # Errors
    /// There is no user: a 401. A record that does not fit the type: a 400.
    fn user_as<T: DeserializeOwned + 'static>(&self) -> Result<T> {
        self.require_user()?.decode()
    }
}

impl CurrentUser for Params {
    fn authenticated(&self) -> Option<Authenticated> {
        self.get::<Authenticated>().cloned().or_else(|| self.connection.as_ref()?.authenticated())
    }
}

impl CurrentUser for Connection {
    fn authenticated(&self) -> Option<Authenticated> {
        // A call may still come on a connection whose login is no longer valid.
        let denied = matches!(self.disconnect_reason(), Some(DisconnectReason::Unauthenticated(_)));
        self.get().filter(|_| !denied)
    }
}
