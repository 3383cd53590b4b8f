//! The checks of a new Socket.IO client, which run before the connect listeners.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use feathers_core::{Connection, Credentials, Handle, Presented, Result};
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

/// Says what a client has presented with what it has sent as `auth`; `kept` is what it was logged in with before.
///
/// Credentials name their strategy; anything else in `auth` is the application's.
pub(crate) fn presented(auth: &Map<String, Value>, kept: Option<Credentials>) -> Presented {
    let sent = auth.contains_key("strategy").then(|| Credentials::new(auth.clone()));
    match (sent, kept) {
        (Some(sent), Some(kept)) => Presented::SentAndKept { sent, kept },
        (Some(sent), None) => Presented::Sent(sent),
        (None, Some(kept)) => Presented::Kept(kept),
        (None, None) => Presented::Headers,
    }
}

type Check = Arc<dyn Fn(Connection, Handle) -> BoxFuture<'static, Result<()>> + Send + Sync>;

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
        check: impl Fn(Connection, Handle) -> Fut + Send + Sync + 'static,
    ) {
        self.0.push(Arc::new(move |connection, app| check(connection, app).boxed()));
    }

    /// Runs the checks; the first that fails refuses the client.
    pub(crate) async fn run(&self, connection: &Connection, app: &Handle, auth: Map<String, Value>) -> Result<()> {
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
