//! The `WebSockets` at proxies: which channels each is held on, and what it gets on its own.
//!
//! Proxies find no gaps in what they send to a WebSocket. So each one has a channel of its own from its beginning.
//! It gets its events there until the proxy certainly holds it on the channel of its audience too. Meanwhile it may get
//! an event twice, with the same cursor, and never none.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use feathers_core::{Connection, Cursor, Follower, LogItem, LoggedEvent};
use serde_json::json;

use super::item::Item;
use super::queue::Queue;
use crate::kit::close_code;

/// All `WebSockets`, by the numbers of their connections.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    all: HashMap<u64, Socket>,
    /// Those that get every event on their own channel.
    direct: BTreeSet<u64>,
    /// Those that get their events on the channel of an audience.
    shared: HashMap<Arc<str>, BTreeSet<u64>>,
}

#[derive(Debug)]
struct Socket {
    connection: Connection,
    own: Arc<str>,
    /// The channel of the audience that it is held on, and what the audience is in.
    audience: Option<(Arc<str>, Vec<Arc<str>>)>,
    /// Whether a request of it is under way.
    busy: bool,
}

/// A message to the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// Holds the connection on a channel.
    Subscribe(Arc<str>),
    /// Ends that hold.
    Unsubscribe(Arc<str>),
}

/// What follows for a WebSocket from a request of the proxy.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) controls: Vec<Control>,
    /// Whether another request is needed soon.
    pub(crate) again: bool,
}

impl Control {
    /// Returns it as JSON.
    pub(crate) fn json(&self) -> String {
        let (kind, channel) = match self {
            Self::Subscribe(channel) => ("subscribe", channel),
            Self::Unsubscribe(channel) => ("unsubscribe", channel),
        };
        json!({ "type": kind, "channel": channel }).to_string()
    }
}

impl Sockets {
    /// Publishes what a WebSocket has missed up to a place, and begins to publish what comes after.
    pub(super) fn go_live(
        &mut self,
        connection: &Connection,
        own: &Arc<str>,
        mut missed: Follower,
        up_to: Cursor,
        queue: &Queue,
    ) {
        while missed.cursor().seq() < up_to.seq()
            && let Some(followed) = missed.try_next()
        {
            match followed {
                LogItem::Event(event) if event.cursor().seq() <= up_to.seq() => one(&event, connection, own, queue),
                LogItem::Event(_) => break,
                _ => queue.push(come_back(own)),
            }
        }
        let socket = Socket { connection: connection.clone(), own: own.clone(), audience: None, busy: true };
        self.all.insert(connection.number(), socket);
        self.direct.insert(connection.number());
    }

    /// Publishes an event to the `WebSockets` that do not get it from their audience, or get only a hint there.
    pub(super) fn event(&self, event: &LoggedEvent, hinted: &[Arc<str>], queue: &Queue) {
        let shared = hinted.iter().filter_map(|channel| self.shared.get(channel)).flatten();
        let numbers: BTreeSet<u64> = self.direct.iter().chain(shared).copied().collect();
        for socket in numbers.iter().filter_map(|number| self.all.get(number)) {
            one(event, &socket.connection, &socket.own, queue);
        }
    }

    /// Looks at a WebSocket whose connection has joined or left a channel.
    ///
    /// One that has left is closed, since it would go on to get what its audience gets; it reconnects at once. While a
    /// request of it is under way, the answer takes it out of the channel instead.
    pub(super) fn changed(&mut self, number: u64, queue: &Queue) {
        let Some(socket) = self.all.get(&number) else { return };
        if socket.connection.is_closed() {
            self.remove(number);
            return;
        }
        let Some((channel, before)) = &socket.audience else { return };
        let now = socket.connection.audience();
        if *before == now {
            return;
        }
        let has_left = before.iter().any(|name| now.binary_search(name).is_err());
        let own = socket.own.clone();
        if !socket.busy && has_left {
            queue.push(come_back(&own));
            self.remove(number);
            return;
        }
        unshare(&mut self.shared, channel, number);
        self.direct.insert(number);
        if !socket.busy {
            // It is answered, and the proxy asks what follows from that.
            queue.push(Item::ping(own));
        }
    }

    /// Brings a WebSocket to the channel of its audience.
    pub(super) fn turn(&mut self, connection: &Connection, channel: Arc<str>) -> Turn {
        let number = connection.number();
        let Some(socket) = self.all.get_mut(&number) else { return Turn::default() };
        let mut controls = Vec::new();
        match &socket.audience {
            // This was said in an earlier answer, and the proxy has done so since.
            Some((before, _)) if *before == channel => {
                if self.direct.remove(&number) {
                    self.shared.entry(channel).or_default().insert(number);
                }
                return Turn::default();
            }
            Some((before, _)) => {
                unshare(&mut self.shared, before, number);
                controls.push(Control::Unsubscribe(before.clone()));
            }
            None => {}
        }
        controls.push(Control::Subscribe(channel.clone()));
        socket.audience = Some((channel, connection.audience()));
        self.direct.insert(number);
        Turn { controls, again: true }
    }

    pub(super) fn set_busy(&mut self, number: u64, busy: bool) {
        if let Some(socket) = self.all.get_mut(&number) {
            socket.busy = busy;
        }
    }

    pub(super) fn remove(&mut self, number: u64) {
        self.direct.remove(&number);
        if let Some((channel, _)) = self.all.remove(&number).and_then(|socket| socket.audience) {
            unshare(&mut self.shared, &channel, number);
        }
    }

    /// Reconnects all `WebSockets`, since what they have missed is unknown.
    pub(super) fn dismiss(&mut self, queue: &Queue) {
        for socket in std::mem::take(self).all.values() {
            queue.push(come_back(&socket.own));
        }
    }

    /// Returns the channels of those that get every event there.
    pub(super) fn channels(&self) -> impl Iterator<Item = Arc<str>> {
        self.direct.iter().filter_map(|number| self.all.get(number)).map(|socket| socket.own.clone())
    }
}

fn unshare(shared: &mut HashMap<Arc<str>, BTreeSet<u64>>, channel: &Arc<str>, number: u64) {
    if let Some(numbers) = shared.get_mut(channel) {
        numbers.remove(&number);
        if numbers.is_empty() {
            shared.remove(channel);
        }
    }
}

/// Publishes an event to one WebSocket, if it is for it.
fn one(event: &LoggedEvent, connection: &Connection, own: &Arc<str>, queue: &Queue) {
    if let Some(delivered) = event.for_connection(connection) {
        let item = Item::one(own.clone(), delivered);
        let too_big = || Item::close(own.clone(), close_code::SIZE, "an event is too big for the proxy");
        queue.push(if item.fits() { item } else { too_big() });
    }
}

fn come_back(own: &Arc<str>) -> Item {
    Item::close(own.clone(), close_code::RECONNECT, "come back")
}
