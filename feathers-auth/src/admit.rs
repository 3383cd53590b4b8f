//! Admission: finds out the user of a new connection, before the connection opens.

use std::sync::Arc;

use feathers_core::{
    AppHandle, Authenticator, Call, Connection, Credentials, DisconnectReason, Encoding, Error, HandshakeCredentials,
    Headers, Login, Method, Params, Payload, Result, async_trait,
};
use serde_json::{Map, Value};

use crate::auth::{Auth, params_for_strategy};
use crate::authenticated::{Authenticated, CurrentUser};
use crate::resumption::Key;
use crate::service::Outcome;
use crate::ticket;

/// Asks the authentication of the app.
#[derive(Debug)]
pub(crate) struct Admission(pub(crate) Auth);

#[async_trait]
impl Authenticator for Admission {
    fn path(&self) -> &str {
        self.0.path()
    }

    async fn admit(
        &self,
        connection: &Connection,
        credentials: HandshakeCredentials,
        app: &AppHandle,
    ) -> Result<Option<Login>> {
        match credentials {
            HandshakeCredentials::Sent(sent) => self.sent(connection, sent, None, app).await.map(Some),
            HandshakeCredentials::SentAndRecovered { sent, recovered } => {
                self.sent(connection, sent, Some(recovered), app).await.map(Some)
            }
            HandshakeCredentials::FromHeaders => match self.0.parse(connection.headers()) {
                Some(credentials) => self.login(connection, credentials, app).await.map(Some),
                None => Ok(None),
            },
            HandshakeCredentials::Recovered(kept) => match self.0.parse(connection.headers()) {
                // What is presented beats what is kept.
                Some(credentials) => self.login(connection, credentials, app).await.map(Some),
                None => Ok(self.login(connection, kept, app).await.ok()),
            },
        }
    }

    async fn check_owner(
        &self,
        connection: &Connection,
        credentials: &HandshakeCredentials,
        headers: &Headers,
        _app: &AppHandle,
    ) -> Result<()> {
        let Some(owner) = connection.get::<Authenticated>() else { return Ok(()) };
        let denied = match connection.disconnect_reason() {
            Some(DisconnectReason::Unauthenticated(error)) => Some(error),
            _ => None,
        };
        let shown = self.0.parse(headers).or_else(|| self.resumed(credentials, headers));
        let not = || denied.cloned().unwrap_or_else(|| Error::not_authenticated("Not authenticated"));
        let credentials = shown.ok_or_else(not)?;
        if connection.credentials().as_ref() == Some(&credentials) {
            return denied.map_or(Ok(()), |error| Err(error.clone()));
        }
        let caller = self.0.authenticate(&credentials, &Params::new(), &self.0.names()).await?;
        let same = match (caller.entity(), owner.entity()) {
            (Some(caller), Some(owner)) => self.0.id_of(caller)? == self.0.id_of(owner)?,
            (None, None) => who(&caller).is_some_and(|caller| who(&owner) == Some(caller)),
            _ => false,
        };
        if same { Ok(()) } else { Err(Error::forbidden("this session belongs to another user")) }
    }

    async fn verify(&self, params: &mut Params) -> Result<()> {
        if params.get::<Authenticated>().is_none()
            && let Some(credentials) = self.0.credentials(params)
        {
            let login = self.0.authenticate(&credentials, &params_for_strategy(params), &self.0.names()).await?;
            params.insert(VerifiedForRules);
            params.insert(login);
        }
        Ok(())
    }

    fn user(&self, params: &Params) -> Option<Payload> {
        params.user()
    }

    fn subject(&self, params: &Params) -> Option<Arc<str>> {
        let login = params.authenticated()?;
        login.entity().and_then(|user| self.0.id_of(user).ok()).map(Into::into)
    }

    fn user_of(&self, connection: &Connection) -> Option<Payload> {
        connection.user()
    }

    fn forget(&self, connection: &Connection) {
        self.0.sessions().remove(connection);
        self.0.tickets().resumptions().left(connection);
    }
}

/// Says that access rules have asked for the login among the parameters, by whatever strategy it is; a hook that wants
/// certain ones verifies it again.
#[derive(Clone, Copy)]
pub(crate) struct VerifiedForRules;

/// Returns what identifies a user without a record: the claims, without those that differ in each token.
pub(crate) fn who(login: &Authenticated) -> Option<Map<String, Value>> {
    let mut claims = login.payload().unwrap_or(&login.identity().claims).clone();
    for name in ["iat", "exp", "nbf", "jti", "aud", "iss"] {
        claims.shift_remove(name);
    }
    Some(claims).filter(|claims| !claims.is_empty())
}

impl Admission {
    /// Logs the connection in with what its client has sent.
    async fn sent(
        &self,
        connection: &Connection,
        sent: Credentials,
        kept: Option<Credentials>,
        app: &AppHandle,
    ) -> Result<Login> {
        if sent.strategy() != Some(ticket::STRATEGY) {
            return self.login(connection, sent, app).await;
        }
        let tickets = self.0.tickets();
        let text = sent.text(ticket::FIELD).unwrap_or_default();
        let key = Key::new(text);
        let credentials = match tickets.redeem(text) {
            Ok(credentials) => credentials,
            Err(used) if !tickets.resumptions().contains(&key) => return Err(used),
            // What is presented beats what is kept.
            Err(used) => {
                let headers = connection.headers();
                let known = || tickets.resumptions().find(&key, &sent, kept.as_ref(), headers);
                self.0.parse(headers).or_else(known).ok_or(used)?
            }
        };
        let login = self.login(connection, credentials, app).await?;
        tickets.resumptions().opened(key, connection);
        Ok(login)
    }

    /// Returns the credentials of a client that sends a used ticket and the secret that it got for it.
    fn resumed(&self, credentials: &HandshakeCredentials, headers: &Headers) -> Option<Credentials> {
        let (HandshakeCredentials::Sent(sent) | HandshakeCredentials::SentAndRecovered { sent, .. }) = credentials
        else {
            return None;
        };
        let key = Key::new(sent.text(ticket::FIELD)?);
        self.0.tickets().resumptions().find(&key, sent, None, headers)
    }

    /// Logs the connection in through the service, so that its hooks run.
    async fn login(&self, connection: &Connection, credentials: Credentials, app: &AppHandle) -> Result<Login> {
        let path = self.0.path();
        let route = app.lookup(path, Encoding::Plain)?;
        let route = route.ok_or_else(|| Error::general(format!("there is no service '{path}'")))?;
        let mut params = Params::new();
        params.provider = Some(connection.provider());
        params.headers = connection.headers().clone();
        params.connection = Some(connection.clone());
        params.address = connection.address();
        let mut quiet = params.clone();
        quiet.insert(Outcome::quiet());
        let data = Value::Object(credentials.fields().clone()).into();
        let call = Call { route, method: Method::Create, id: None, data, params: quiet };
        let reply = app.call(call).await?;
        if let Some(login) = connection.get::<Authenticated>() {
            params.insert(login);
        }
        Ok(Login::new(reply.ack().clone(), params))
    }
}
