//! The handshake: checks a new client, opens its session and makes it ready for calls and events.
//!
//! All of it happens before the client is told that it is connected, so that a call that follows at once finds
//! everything in place.

use std::fmt;
use std::sync::Arc;

use feathers_core::{Connection, Error, Handle, Peer, Provider, Result, query::qs};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use socketioxide::extract::{SocketRef, TryData};

use crate::socketio::Tasks;
use crate::socketio::client::{Client, Raw, Requests};
use crate::socketio::pump::Pump;

/// A check of a new connection.
pub(super) type Admit = Arc<dyn Fn(Connection, Handle) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Names in the URL that belong to the engine and not to the application.
const ENGINE_NAMES: [&str; 5] = ["EIO", "transport", "sid", "t", "b64"];

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

/// How clients are let in.
#[derive(Clone)]
pub(super) struct Handshake {
    app: Handle,
    admit: Arc<[Admit]>,
    tasks: Tasks,
}

impl Handshake {
    pub(super) fn new(app: Handle, admit: Vec<Admit>, tasks: Tasks) -> Self {
        Self { app, admit: admit.into(), tasks }
    }

    /// Lets a client in, or says why not.
    pub(super) async fn run(self, socket: SocketRef, auth: TryData<Map<String, Value>>) -> Result<(), String> {
        self.open(&socket, auth).await.map_err(|error| {
            tracing::debug!(%error, "handshake refused");
            error.message().to_owned()
        })
    }

    async fn open(self, socket: &SocketRef, auth: TryData<Map<String, Value>>) -> Result<()> {
        let auth = auth.0.map_err(|error| Error::bad_request(format!("Invalid auth: {error}")))?;
        if self.app.is_stopping() {
            return Err(Error::unavailable("the server is shutting down"));
        }
        let request = socket.req_parts();
        let mut query = qs::parse(request.uri.query().unwrap_or_default())?;
        query.retain(|name, _| !ENGINE_NAMES.contains(&name.as_str()));
        let peer = Peer::new(Provider::SOCKETIO).headers(request.headers.clone()).query(query);
        let session = self
            .app
            .open_if(peer, async |connection| {
                connection.insert(HandshakeAuth(auth));
                for admit in &*self.admit {
                    admit(connection.clone(), self.app.clone()).await?;
                }
                Ok(())
            })
            .await?;

        let subscription = session.subscribe();
        let (client, answers) = Client::new(self.app, session, self.tasks);
        socket.on_fallback::<_, Raw>(Requests(client.clone()));
        socket.on_disconnect({
            let client = client.clone();
            async move || client.end()
        });
        socket.extensions.insert(Arc::new(Pump::new(client, subscription, answers)));
        Ok(())
    }
}
