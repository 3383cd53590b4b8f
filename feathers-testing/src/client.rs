//! A client in the process: it calls like one from outside and hears events, without a port.

use std::fmt;
use std::time::Duration;

use feathers_core::{
    AppHandle, Call, Connection, DeliveredEvent, Delivery, Encoding, Error, Handshake, Id, Method, Payload, Provider,
    Result, Session, Subscription,
};
use serde_json::{Map, Value};

/// How long [`Client::event`] waits before the test fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client of an app in the same process.
///
/// Its calls are external: hooks see the provider `test`, only the methods for clients can be called, hidden fields
/// stay hidden. It has a connection, so that connect listeners run and channels reach it.
/// With `#[tokio::test(start_paused = true)]` time passes as fast as the test allows.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers_testing::Client;
/// use feathers::{App, Document, Memory};
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let mut app = App::new();
/// app.service("todos", Memory::<Document>::new()).publish(|_event, app| app.channel("everyone"));
/// app.on_connect(|connection, app| app.channel("everyone").join(connection));
/// let app = app.start().await?;
///
/// let (ann, mut bob) = (Client::connect(&app).await, Client::connect(&app).await);
/// let todo = ann.service("todos").create(json!({ "text": "milk" })).await?;
///
/// let event = bob.event().await;
/// assert_eq!(event.name(), "todos created");
/// assert_eq!(event.data, todo);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    app: AppHandle,
    session: Session,
    events: Subscription,
}

/// An event as a client hears it.
#[derive(Clone, PartialEq)]
pub struct ReceivedEvent {
    /// The path of the service.
    pub path: String,
    /// The event.
    pub event: String,
    /// The data.
    pub data: Value,
}

impl ReceivedEvent {
    /// Returns path and event as Socket.IO writes them: `todos created`.
    pub fn name(&self) -> String {
        format!("{} {}", self.path, self.event)
    }
}

impl fmt::Debug for ReceivedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.path, self.event, self.data)
    }
}

impl Client {
    /// Connects; the connect listeners have run when this returns.
    ///
    /// # Panics
    /// If the app refuses the client.
    pub async fn connect(app: &AppHandle) -> Self {
        let session = app.open(Handshake::new(Provider::new("test"))).await.expect("nobody is refused");
        Self { app: app.clone(), events: session.subscribe(), session }
    }

    /// Returns the connection, to put a user on it or to join channels.
    pub fn connection(&self) -> &Connection {
        self.session.connection()
    }

    /// Returns a service for calls from outside; an unknown path fails at the call.
    pub fn service<'a>(&'a self, path: &'a str) -> ClientService<'a> {
        ClientService { client: self, path, query: Map::new() }
    }

    /// Waits for the next event.
    ///
    /// # Panics
    /// If none comes within 5 seconds: the test fails.
    pub async fn event(&mut self) -> ReceivedEvent {
        match tokio::time::timeout(PATIENCE, self.events.next()).await {
            Ok(Some(Delivery::Event(event))) => heard(&event),
            Ok(Some(other)) => panic!("expected an event, but it is {other:?}"),
            Ok(None) => panic!("the connection has ended, no event will come"),
            Err(late) => panic!("no event within {PATIENCE:?}: {late}"),
        }
    }

    /// Returns the events that have come so far.
    pub fn events(&mut self) -> Vec<ReceivedEvent> {
        std::iter::from_fn(|| self.events.try_next())
            .filter_map(|delivery| match delivery {
                Delivery::Event(event) => Some(heard(&event)),
                _ => None,
            })
            .collect()
    }
}

fn heard(event: &DeliveredEvent) -> ReceivedEvent {
    ReceivedEvent {
        path: event.path().to_string(),
        event: event.name().to_string(),
        data: event.payload().value().cloned().unwrap_or_default(),
    }
}

/// One service, called from outside.
#[derive(Clone, Debug)]
pub struct ClientService<'a> {
    client: &'a Client,
    path: &'a str,
    query: Map<String, Value>,
}

impl ClientService<'_> {
    /// Sets the query, a JSON object, of the calls that follow.
    pub fn query(mut self, query: Value) -> Self {
        if let Value::Object(query) = query {
            self.query = query;
        }
        self
    }

    /// Lists records.
    ///
    /// # Errors
    /// What clients get of the errors of the service and its hooks.
    pub async fn find(&self) -> Result<Value> {
        self.call_with(Method::Find, None, Payload::NULL).await
    }

    /// Reads one record.
    ///
    /// # Errors
    /// What clients get of the errors of the service and its hooks.
    pub async fn get(&self, id: impl Into<Id>) -> Result<Value> {
        self.call_with(Method::Get, Some(id.into()), Payload::NULL).await
    }

    /// Makes one record, or several from a list.
    ///
    /// # Errors
    /// What clients get of the errors of the service and its hooks.
    pub async fn create(&self, data: impl Into<Payload>) -> Result<Value> {
        self.call_with(Method::Create, None, data.into()).await
    }

    /// Replaces one record.
    ///
    /// # Errors
    /// What clients get of the errors of the service and its hooks.
    pub async fn update(&self, id: impl Into<Id>, data: impl Into<Payload>) -> Result<Value> {
        self.call_with(Method::Update, Some(id.into()), data.into()).await
    }

    /// Changes one record, or with `None` all that match.
    ///
    /// # Errors
    /// What clients get of the errors of the service and its hooks.
    pub async fn patch(&self, id: impl Into<Option<Id>>, data: impl Into<Payload>) -> Result<Value> {
        self.call_with(Method::Patch, id.into(), data.into()).await
    }

    /// Deletes one record, or with `None` all that match.
    ///
    /// # Errors
    /// What clients get of the errors of the service and its hooks.
    pub async fn remove(&self, id: impl Into<Option<Id>>) -> Result<Value> {
        self.call_with(Method::Remove, id.into(), Payload::NULL).await
    }

    /// Calls a custom method.
    ///
    /// # Errors
    /// What clients get of the errors of the service and its hooks.
    pub async fn call(&self, method: &str, data: impl Into<Payload>) -> Result<Value> {
        self.call_with(Method::named(method), None, data.into()).await
    }

    async fn call_with(&self, method: Method, id: Option<Id>, data: Payload) -> Result<Value> {
        let app = &self.client.app;
        let route = app
            .lookup(self.path, Encoding::Plain)?
            .ok_or_else(|| Error::not_found(format!("Service '{}' not found", self.path)))?;
        let mut params = self.client.session.params();
        params.query = self.query.clone();
        let reply = app.call(Call { route, method, id, data, params }).await?;
        reply.ack().value().cloned()
    }
}
