//! Sessions and subscriptions: how a transport reads the events of one connection.

use std::sync::Arc;

use bytes::Bytes;

use crate::app::Handle;
use crate::connection::{Connection, Mail};
use crate::error::Result;
use crate::event::{Body, Event, FrameKey};
use crate::log::{Cursor, EventLog};
use crate::params::{Headers, Params, Provider};
use crate::payload::Payload;
use serde_json::{Map, Value};

/// Who connects: what a transport knows at the handshake.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Peer {
    /// The transport.
    pub provider: Provider,
    /// The headers of the handshake.
    pub headers: Headers,
    /// The query of the handshake's URL.
    pub query: Map<String, Value>,
}

impl Peer {
    /// Describes a client of a transport.
    pub fn new(provider: Provider) -> Self {
        Self { provider, headers: Headers::default(), query: Map::new() }
    }

    /// Sets the headers of the handshake.
    pub fn headers(mut self, headers: impl Into<Headers>) -> Self {
        self.headers = headers.into();
        self
    }

    /// Sets the query of the handshake's URL.
    pub fn query(mut self, query: Map<String, Value>) -> Self {
        self.query = query;
        self
    }
}

/// One client: its connection, from `on_connect` to `on_disconnect`.
///
/// It ends when it is dropped: the connection leaves all channels and the disconnect handlers run.
#[derive(Debug)]
pub struct Session {
    app: Handle,
    connection: Connection,
}

impl Session {
    pub(crate) fn new(app: Handle, connection: Connection) -> Self {
        Self { app, connection }
    }

    /// Returns the connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the parameters that calls of this client start with.
    pub fn params(&self) -> Params {
        let mut params = Params::new();
        params.provider = Some(self.connection.provider());
        params.headers = self.connection.headers().clone();
        params.connection = Some(self.connection.clone());
        params
    }

    /// Returns a reader of this client's events, from now on.
    pub fn subscribe(&self) -> Subscription {
        let log = self.app.log().clone();
        Subscription { connection: self.connection.clone(), last: log.head().seq, log }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.disconnect();
        self.connection.leave_all();
        self.app.disconnected(&self.connection);
    }
}

/// Reads the events of one connection, in order and once each.
///
/// A reader that stops costs a few bytes: what waits for it is in the shared log.
/// Rights are looked at when an event is read: a connection that has left a channel reads nothing more from it.
#[derive(Debug)]
pub struct Subscription {
    connection: Connection,
    log: EventLog,
    last: u64,
}

/// What a subscription reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Delivery {
    /// An event.
    Event(Delivered),
}

/// An event on its way to one connection.
#[derive(Clone, Debug)]
pub struct Delivered {
    event: Arc<Event>,
    /// The place in the log, for the client to come back with.
    cursor: Cursor,
    override_of: Option<usize>,
}

impl Delivered {
    /// Returns the path of the service as it is registered.
    pub fn path(&self) -> &Arc<str> {
        self.event.path()
    }

    /// Returns the name of the event.
    pub fn name(&self) -> &Arc<str> {
        self.event.name()
    }

    /// Returns the cursor of the event.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Returns the data for this connection.
    pub fn payload(&self) -> &Payload {
        self.body().payload()
    }

    /// Returns the frame of a wire format; it is encoded once for all connections that get the same data.
    pub fn frame(&self, key: &FrameKey, encode: impl FnOnce(&Self) -> Result<Bytes>) -> Result<Bytes> {
        self.body().frame(key, |_| encode(self))
    }

    fn body(&self) -> &Body {
        self.event.body(self.override_of)
    }
}

impl Subscription {
    /// Waits for the next delivery; `None` when the connection has ended.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            if self.connection.is_closed() {
                return None;
            }
            if let Some(delivery) = self.try_next() {
                return Some(delivery);
            }
            self.connection.woken().await;
        }
    }

    /// Returns the next delivery if there is one now.
    pub fn try_next(&mut self) -> Option<Delivery> {
        loop {
            match self.connection.take_mail() {
                Mail::Event(seq) if seq <= self.last => {}
                Mail::Event(seq) => {
                    self.last = seq;
                    if let Some(delivery) = self.log.event(seq).and_then(|event| self.deliver(event)) {
                        return Some(delivery);
                    }
                }
                Mail::Log => {
                    let (event, seq) = self.log.next_after(self.last);
                    self.last = seq;
                    match event.map(|event| self.deliver(event)) {
                        Some(Some(delivery)) => return Some(delivery),
                        Some(None) => {}
                        None => {
                            let (log, last) = (&self.log, self.last);
                            self.connection.leave_log(|| log.head().seq <= last);
                        }
                    }
                }
                Mail::None => return None,
            }
        }
    }

    fn deliver(&self, event: Arc<Event>) -> Option<Delivery> {
        let override_of = event.target_for(&self.connection)?;
        let cursor = self.log.cursor(event.seq());
        Some(Delivery::Event(Delivered { event, cursor, override_of }))
    }
}
