//! The checks of a new Socket.IO client, which run before the connect listeners.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use feathers_core::{AppHandle, Connection, Credentials, HandshakeCredentials, Result};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

/// What a client has sent as `auth` when it connected; handshake checks find it on the connection.
///
/// Its values are not shown by `Debug`, since they are credentials.
#[derive(Clone, Default, PartialEq)]
pub struct HandshakeAuth(pub Map<String, Value>);

impl fmt::Debug for HandshakeAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HandshakeAuth").field(&self.0.keys().collect::<Vec<_>>()).finish()
    }
}

/// Returns the credentials of a client from what it has sent as `auth`; `recovered` are its earlier credentials.
///
/// Credentials name their strategy; anything else in `auth` is the application's.
pub(crate) fn handshake_credentials(auth: &Map<String, Value>, recovered: Option<Credentials>) -> HandshakeCredentials {
    let sent = auth.contains_key("strategy").then(|| Credentials::new(auth.clone()));
    match (sent, recovered) {
        (Some(sent), Some(recovered)) => HandshakeCredentials::SentAndRecovered { sent, recovered },
        (Some(sent), None) => HandshakeCredentials::Sent(sent),
        (None, Some(recovered)) => HandshakeCredentials::Recovered(recovered),
        (None, None) => HandshakeCredentials::FromHeaders,
    }
}

type Check = Arc<dyn Fn(Connection, AppHandle) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// The checks, in the order in which they run.
#[derive(Clone, Default)]
pub(crate) struct Checks(Vec<Check>);

impl Checks {
    /// Adds a check that decides at once.
    pub(crate) fn now(&mut self, check: impl Fn(&Connection) -> Result<()> + Send + Sync + 'static) {
        self.0.push(Arc::new(move |connection, _| std::future::ready(check(&connection)).boxed()));
    }

    /// Adds a check that waits for something.
    pub(crate) fn later<Fut: Future<Output = Result<()>> + Send + 'static>(
        &mut self,
        check: impl Fn(Connection, AppHandle) -> Fut + Send + Sync + 'static,
    ) {
        self.0.push(Arc::new(move |connection, app| check(connection, app).boxed()));
    }

    /// Runs the checks; the first that fails refuses the client.
    pub(crate) async fn run(&self, connection: &Connection, app: &AppHandle, auth: Map<String, Value>) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        connection.insert(HandshakeAuth(auth));
        for check in &self.0 {
            check(connection.clone(), app.clone()).await?;
        }
        Ok(())
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checks({})", self.0.len())
    }
}
