//! The origin: what all requests of proxies share while the app runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use feathers_core::{AppHandle, Connection, Cursor, Result};
use tokio::sync::Notify;

use super::config::Grip;
use super::endpoint::Endpoint;
use super::holds::Holds;
use super::item::Item;
use super::name;
use super::publisher::Publisher;
use super::queue::Queue;
use super::router::{Changes, HoldPosition, Router};
use super::signature::Verifier;
use super::sockets::Turn;
use super::token::Tokens;

/// The app as it stands behind its proxies. Clones are the same.
#[derive(Clone)]
pub(crate) struct Origin(Arc<Inner>);

struct Inner {
    app: AppHandle,
    holds: Holds,
    verifier: Verifier,
    tokens: Arc<Tokens>,
    router: Mutex<Router>,
    changes: Changes,
    changed: Notify,
    queue: Queue,
    prefix: String,
    /// Tells this process from others in the names of channels.
    instance: String,
    proxy_required: bool,
    fan_out: bool,
    /// How many `WebSockets` have not ended.
    sockets: AtomicUsize,
}

impl Origin {
    /// Begins to publish to all proxies; ends with the app.
    pub(crate) fn start(grip: &Grip, app: &AppHandle) -> Result<Self> {
        let endpoints = Endpoint::all(&grip.proxies)?;
        let tokens = Arc::new(Tokens::new(grip)?);
        let prefix = name::encode(&grip.prefix);
        let router = Router::new(prefix.clone(), tokens.clone(), app.log().follow());
        let origin = Self(Arc::new(Inner {
            app: app.clone(),
            holds: Holds::new(app),
            verifier: Verifier::new(&grip.proxies)?,
            tokens,
            router: Mutex::new(router),
            changes: Changes::default(),
            changed: Notify::new(),
            queue: Queue::new(endpoints.len()),
            prefix,
            instance: format!("{:08x}", rand::random::<u32>()),
            proxy_required: grip.proxy_required,
            fan_out: grip.fan_out,
            sockets: AtomicUsize::new(0),
        }));
        app.spawn(origin.clone().follow());
        for (index, endpoint) in endpoints.into_iter().enumerate() {
            app.spawn(Publisher::new(index, endpoint).run(origin.clone()));
        }
        Ok(origin)
    }

    /// Routes events as they come.
    async fn follow(self) {
        loop {
            // From before the routing, so that what comes between the two is not missed.
            let follower = self.0.app.log().follow();
            self.route();
            tokio::select! {
                () = follower.changed() => {}
                () = self.0.changed.notified() => {}
                () = self.0.app.stopping() => break,
            }
        }
        self.0.holds.close();
    }

    /// Routes what there is now, and has those ask again that have changed.
    pub(crate) fn route(&self) {
        self.router().route(&self.0.changes, &self.0.queue);
    }

    pub(crate) fn verify(&self, signature: &str) -> bool {
        self.0.verifier.verify(signature)
    }

    pub(crate) fn is_proxy_required(&self) -> bool {
        self.0.proxy_required
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    /// Returns the clients that proxies hold.
    pub(super) fn holds(&self) -> &Holds {
        &self.0.holds
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    pub(super) fn app(&self) -> &AppHandle {
        &self.0.app
    }

    /// Publishes something that is no event.
    pub(crate) fn publish(&self, item: Item) {
        self.0.queue.push(item);
    }

    /// Returns the name of a connection's own channel.
    pub(crate) fn own_channel(&self, connection: &Connection) -> Arc<str> {
        name::of_connection(&self.0.prefix, &self.0.instance, connection.number()).into()
    }

    /// Has a connection looked at when it changes, from now on.
    pub(crate) fn watch(&self, connection: &Connection) {
        let (weak, number) = (Arc::downgrade(&self.0), connection.number());
        connection.watch(move || {
            let Some(inner) = weak.upgrade() else { return };
            // A server that stops asks no client to request again: clients do so once it has restarted.
            if !inner.app.is_stopping() {
                inner.changes.note(number);
                inner.changed.notify_one();
            }
        });
    }

    /// Returns where a connection is held, as of all events that are visible: the connection may have read them.
    pub(crate) fn position(&self, connection: &Connection, named: bool, lease: Duration) -> HoldPosition {
        // A connection reads what is visible, and the router what is announced, which comes a moment later.
        self.0.app.log().flush();
        let mut router = self.router();
        router.route(&self.0.changes, &self.0.queue);
        router.position(connection, named, lease)
    }

    /// Has a connection ask again, once, when it changes.
    pub(crate) fn hold(&self, connection: &Connection) {
        self.router().hold(connection.number(), self.own_channel(connection));
    }

    /// Forgets a connection.
    pub(crate) fn release(&self, connection: &Connection) {
        self.router().release(connection.number());
    }

    /// Returns the name of the channel of a WebSocket.
    pub(crate) fn socket_channel(&self, id: &str) -> Arc<str> {
        name::of_socket(&self.0.prefix, id).into()
    }

    /// Publishes to a WebSocket what comes after a place, up to which it has read; from now on.
    pub(crate) fn go_live(&self, connection: &Connection, own: &Arc<str>, from: Cursor) {
        self.watch(connection);
        // As in `position`: what has been read is not to be routed after this.
        self.0.app.log().flush();
        let missed = self.0.app.log().follow_from(from);
        let mut router = self.router();
        router.route(&self.0.changes, &self.0.queue);
        router.go_live(connection, own, missed, &self.0.queue);
    }

    /// Returns the changes of the channels that a WebSocket is to be held on.
    pub(crate) fn turn(&self, connection: &Connection) -> Turn {
        self.router().turn(connection)
    }

    /// Notes whether a request of a WebSocket is under way, whose answer can change its channels.
    pub(crate) fn set_busy(&self, connection: &Connection, busy: bool) {
        let mut router = self.router();
        // What has changed before is looked at with what was true then.
        router.route(&self.0.changes, &self.0.queue);
        router.sockets().set_busy(connection.number(), busy);
    }

    /// Tells whether events are published to `WebSockets`.
    pub(crate) fn is_fan_out(&self) -> bool {
        self.0.fan_out
    }

    /// Counts a WebSocket that begins.
    pub(crate) fn socket_begins(&self) {
        self.0.sockets.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts a WebSocket that has ended, and whose goodbye has been published.
    pub(crate) fn socket_ends(&self) {
        self.0.sockets.fetch_sub(1, Ordering::AcqRel);
    }

    /// Tells whether there are `WebSockets` that have not ended.
    pub(super) fn has_sockets(&self) -> bool {
        self.0.sockets.load(Ordering::Acquire) > 0
    }

    /// Forgets a WebSocket.
    pub(crate) fn remove_socket(&self, connection: &Connection) {
        self.router().sockets().remove(connection.number());
    }

    /// Publishes a message that tells a WebSocket its position, after all events before that; returns the position.
    pub(crate) fn tell_position(&self, own: &Arc<str>, message: impl FnOnce(Cursor) -> Bytes) -> Cursor {
        let mut router = self.router();
        router.route(&self.0.changes, &self.0.queue);
        let cursor = router.cursor();
        self.0.queue.push(Item::text(own.clone(), message(cursor)));
        cursor
    }

    /// Returns all channels that events are published to `WebSockets` on.
    pub(super) fn channels(&self) -> Vec<Arc<str>> {
        if self.0.fan_out { self.router().channels() } else { Vec::new() }
    }

    fn router(&self) -> MutexGuard<'_, Router> {
        self.0.router.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Origin").field("instance", &self.0.instance).finish_non_exhaustive()
    }
}
