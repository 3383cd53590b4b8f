//! The door: who a new connection is, before it is let in.

use feathers_core::{
    Authenticator, Call, Connection, Credentials, Encoding, Error, Handle, Headers, Login, Method, Params, Payload,
    Presented, Result, async_trait,
};
use serde_json::Value;

use crate::auth::Auth;
use crate::authenticated::CurrentUser;
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
        let subject = |entity: &Payload| self.0.id_of(entity).ok();
        let same = match (caller.entity(), owner.entity()) {
            (Some(caller), Some(owner)) => subject(caller) == subject(owner),
            _ => false,
        };
        if same { Ok(()) } else { Err(Error::forbidden("this is the session of somebody else")) }
    }
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
        Ok(Login { result: reply.ack().clone(), params })
    }
}
