//! Strategies: the ways in which a client can authenticate itself.

mod api_key;
mod jwt;
mod local;

use std::sync::Arc;

use async_trait::async_trait;
use feathers_core::{Credentials, Error, Headers, Params, Payload, Result};
use serde_json::{Map, Value};

pub use self::api_key::ApiKey;
pub(crate) use self::local::at;
use crate::auth::Auth;
use crate::authenticated::Authenticated;
use crate::config::AuthConfig;

/// Verifies credentials and finds their user. Implement it for a way of your own, and register it with
/// [`Authentication::strategy`](crate::Authentication::strategy).
///
/// ```
/// # mod feathers { pub use feathers_core::facade::*; pub mod auth { pub use feathers_auth::*; } }
/// use feathers::auth::{Auth, Authenticated, Identity, Strategy};
/// use feathers::session::Credentials;
/// use feathers::{Error, Params, Result, async_trait};
///
/// /// Guests send their name, which is not checked.
/// struct Guest;
///
/// #[async_trait]
/// impl Strategy for Guest {
///     async fn authenticate(&self, credentials: &Credentials, _params: &Params, _auth: &Auth) -> Result<Identity> {
///         let name = credentials.text("name").ok_or_else(|| Error::not_authenticated("a guest has a name"))?;
///         Ok(Identity::claims([("guest", name)]))
///     }
/// }
/// ```
#[async_trait]
pub trait Strategy: Send + Sync + 'static {
    /// Verifies credentials; what is wrong with them is a 401.
    ///
    /// `params` are those of the call, without what the client has presented.
    async fn authenticate(&self, credentials: &Credentials, params: &Params, auth: &Auth) -> Result<Identity>;

    /// Confirms a user that [`Strategy::authenticate`] has found, because the record has changed while the login was
    /// under way: an error refuses the login.
    ///
    /// By default the record is read again, so that a removed user is refused. A strategy whose credentials name a
    /// field of the record compares that too.
    async fn confirm(&self, _credentials: &Credentials, identity: Identity, auth: &Auth) -> Result<Identity> {
        let Some(entity) = &identity.entity else { return Ok(identity) };
        let entity = auth.entity(&auth.id_of(entity)?).await?;
        Ok(Identity { entity: Some(entity), ..identity })
    }

    /// Finds credentials in the headers of a request or of a handshake.
    fn parse(&self, _headers: &Headers, _auth: &Auth) -> Option<Credentials> {
        None
    }

    /// Names the headers that credentials are found in: no log shows their values, and no cache keeps an answer to a
    /// request that has one of them.
    fn headers(&self, _config: &AuthConfig) -> Vec<String> {
        Vec::new()
    }

    /// Names the account that credentials try to get into, if trying often must not help.
    fn account<'a>(&self, _credentials: &'a Credentials) -> Option<&'a str> {
        None
    }

    /// Checks at the start that everything is there that the strategy needs.
    async fn check(&self, _auth: &Auth) -> Result<()> {
        Ok(())
    }
}

/// The user or program that credentials belong to, as a strategy has found out.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Identity {
    /// The record of the user, with all fields; none for tokens without one.
    pub entity: Option<Payload>,
    /// What a new token says besides the usual.
    pub claims: Map<String, Value>,
    /// The token that was presented; without one, a login makes one.
    pub token: Option<Token>,
    /// The hash that a password was compared with.
    pub(crate) hash: Option<Arc<str>>,
}

/// A token that was verified.
#[derive(Clone, Debug)]
pub struct Token {
    pub(crate) text: Credentials,
    pub(crate) claims: Arc<Map<String, Value>>,
}

impl Identity {
    /// Makes the identity of the user of this record.
    pub fn of(entity: Payload) -> Self {
        Self { entity: Some(entity), ..Self::default() }
    }

    /// Makes an identity without a record, of claims that go into the token.
    pub fn claims<N: Into<String>, V: Into<Value>>(claims: impl IntoIterator<Item = (N, V)>) -> Self {
        let claims = claims.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { claims, ..Self::default() }
    }
}

impl Auth {
    /// Verifies credentials by one of these strategies.
    ///
    /// `params` are handed on to the strategy and to the service of users.
    ///
    /// # Errors
    /// A strategy that is not among these, and credentials that are not valid: a 401. Else that of a check of users.
    pub async fn authenticate(
        &self,
        credentials: &Credentials,
        params: &Params,
        allowed: &[impl AsRef<str> + Sync],
    ) -> Result<Authenticated> {
        let name = credentials.strategy().ok_or_else(|| refused("no `strategy` set"))?;
        let strategy = self.strategy(name).filter(|_| allowed.iter().any(|one| one.as_ref() == name));
        let strategy = strategy.ok_or_else(not_allowed)?;
        let identity = strategy.authenticate(credentials, params, self).await?;
        if let Some(entity) = &identity.entity {
            self.check_entity(entity)?;
        }
        Ok(Authenticated::new(name, identity))
    }
}

/// Refuses a strategy that clients may not use, or that there is not.
pub(crate) fn not_allowed() -> Error {
    refused("strategy not allowed in authStrategies")
}

fn refused(why: &str) -> Error {
    Error::not_authenticated(format!("Invalid authentication information ({why})"))
}
