//! The door: who a new connection is, before it is let in.

use feathers_core::{
    Authenticator, Call, Connection, Credentials, Encoding, Error, Handle, Headers, Login, Method, Params, Presented,
    Result, async_trait,
};
use serde_json::{Map, Value};

use crate::auth::Auth;
use crate::authenticated::{Authenticated, CurrentUser};
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

    async fn admit(&self, connection: &Connection, presented: Presented, app: &Handle) -> Result<Option<Login>> {
        match presented {
            Presented::Sent(credentials) if credentials.strategy() == Some(ticket::STRATEGY) => {
                let text = credentials.text("ticket").unwrap_or_default();
                self.login(connection, self.0.tickets().redeem(text)?, app).await.map(Some)
            }
            Presented::Sent(credentials) => self.login(connection, credentials, app).await.map(Some),
            Presented::Headers => match self.0.parse(connection.headers()) {
                Some(credentials) => self.login(connection, credentials, app).await.map(Some),
                None => Ok(None),
            },
            Presented::Kept(kept) => {
                // The client has been let in already; what was good then may be good no more.
                Ok(self.login(connection, kept, app).await.ok())
            }
        }
    }

    async fn check_owner(&self, connection: &Connection, headers: &Headers, _app: &Handle) -> Result<()> {
        let Some(presented) = self.0.parse(headers) else { return Ok(()) };
        let Some(owner) = connection.authenticated() else { return Ok(()) };
        if connection.credentials().as_ref() == Some(&presented) {
            return Ok(());
        }
        let caller = self.0.authenticate(&presented, &Params::new(), &self.0.names()).await?;
        let same = match (caller.entity(), owner.entity()) {
            (Some(caller), Some(owner)) => self.0.id_of(caller)? == self.0.id_of(owner)?,
            (None, None) => who(&caller).is_some_and(|caller| who(&owner) == Some(caller)),
            _ => false,
        };
        if same { Ok(()) } else { Err(Error::forbidden("this is the session of somebody else")) }
    }

    fn forget(&self, connection: &Connection) {
        self.0.sessions().remove(connection);
    }
}

/// Returns what is known of somebody of whom there is no record: the claims, without those that each token has anew.
pub(crate) fn who(login: &Authenticated) -> Option<Map<String, Value>> {
    let mut claims = login.payload().unwrap_or(&login.identity().claims).clone();
    for name in ["iat", "exp", "nbf", "jti", "aud", "iss"] {
        claims.shift_remove(name);
    }
    Some(claims).filter(|claims| !claims.is_empty())
}

impl Admission {
    /// Logs the connection in through the service, so that its hooks run.
    async fn login(&self, connection: &Connection, credentials: Credentials, app: &Handle) -> Result<Login> {
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
        Ok(Login { result: reply.ack().clone(), params })
    }
}
