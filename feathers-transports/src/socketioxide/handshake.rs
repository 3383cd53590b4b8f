//! The handshake: checks a new client, opens its session and makes it ready for calls and events.
//!
//! All of it happens before the client gets the answer to its connect, so that a call that follows at once finds
//! everything in place.

use std::sync::Arc;

use feathers_core::{AppHandle, Error, Handshake, Provider, Result, query::qs};
use serde_json::{Map, Value};
use socketioxide::extract::{SocketRef, TryData};

use crate::kit::address::client_address;
use crate::kit::budget::{Budget, Meter, cost_of_head};
use crate::kit::calls::Bucket;
use crate::kit::handshake::{Checks, handshake_credentials};
use crate::kit::rate_limit::RateLimit;
use crate::kit::since::of_auth;
use crate::socketioxide::Tasks;
use crate::socketioxide::client::{Client, Raw, Requests};
use crate::socketioxide::pump::Pump;

/// Names in the URL that belong to the engine and not to the application.
const ENGINE_NAMES: [&str; 4] = ["EIO", "transport", "t", "b64"];

/// How clients are let in.
#[derive(Clone)]
pub(super) struct ClientOpener {
    app: AppHandle,
    checks: Checks,
    tasks: Tasks,
    budget: Budget,
    rate: RateLimit,
}

impl ClientOpener {
    pub(super) fn new(app: AppHandle, checks: Checks, tasks: Tasks, rate: RateLimit) -> Self {
        let budget = Budget::of(&app);
        Self { app, checks, tasks, budget, rate }
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
        let address = client_address(&request.extensions);
        let kept = Meter::of_session(&self.budget, address).account().take(cost_of_head(&request.headers))?;
        let mut query = qs::parse(request.uri.query().unwrap_or_default())?;
        query.retain(|name, _| !ENGINE_NAMES.contains(&name.as_str()));
        let handshake = Handshake::new(Provider::SOCKETIO).headers(request.headers.clone()).query(query);
        let handshake = handshake.credentials(handshake_credentials(&auth, None)).address(address);
        let handshake = handshake.since(of_auth(&auth, self.app.log().epoch(), None).unwrap_or_default());
        let session =
            self.app.open_if(handshake, async |connection| self.checks.run(&connection, &self.app, auth).await).await?;

        let subscription = session.subscribe();
        let (client, answers) = Client::new(self.app, session, self.tasks, kept, Bucket::new(self.rate));
        socket.on_fallback::<_, Raw>(Requests(client.clone()));
        socket.on_disconnect({
            let client = client.clone();
            async move || client.end()
        });
        socket.extensions.insert(Arc::new(Pump::new(client, subscription, answers)));
        Ok(())
    }
}
