//! The router: which channels of the proxies an event goes to, in the order of the log.
//!
//! All clients in the same set of channels, and with the same rights to services with rules, are one audience, and have
//! one channel at the proxies. It carries all that the audience gets, each item with its own id and that of the one
//! before, so that a proxy sees every gap.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use feathers_core::{Connection, Cursor, Follower, ForAudience, LogItem, LoggedEvent};
use tokio::time::Instant;

use super::item::Item;
use super::item_id::ItemId;
use super::name;
use super::queue::Queue;
use super::sockets::{Sockets, Turn};
use super::token::Tokens;

/// How long an audience is kept after its last hold has been asked for.
pub(crate) const LEASE: Duration = Duration::from_secs(90);
/// How often those that are over are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// The audiences, and how far the log has been routed.
pub(super) struct Router {
    prefix: String,
    tokens: Arc<Tokens>,
    follower: Follower,
    audiences: HashMap<u64, Audience>,
    keys: HashMap<Key, u64>,
    by_channel: HashMap<Arc<str>, BTreeSet<u64>>,
    next: u64,
    /// The connections that are held at proxies and can be had to ask again, and their own channels.
    held: HashMap<u64, Arc<str>>,
    sockets: Sockets,
    swept: Instant,
}

/// A set of channels and groups, and whether blocks have names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    channels: Vec<Arc<str>>,
    named: bool,
}

struct Audience {
    key: Key,
    channel: Arc<str>,
    last: ItemId,
    until: Instant,
}

/// Where a client is held: the channel, and its last item up to now.
#[derive(Clone, Debug)]
pub(crate) struct HoldPosition {
    pub(crate) channel: Arc<str>,
    pub(crate) last: ItemId,
}

/// The connections that have changed, until the router looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Arc<Mutex<HashSet<u64>>>);

impl Changes {
    pub(super) fn note(&self, number: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(number);
    }

    fn take(&self) -> HashSet<u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Router {
    pub(super) fn new(prefix: String, tokens: Arc<Tokens>, follower: Follower) -> Self {
        Self {
            prefix,
            tokens,
            follower,
            audiences: HashMap::new(),
            keys: HashMap::new(),
            by_channel: HashMap::new(),
            next: 0,
            held: HashMap::new(),
            sockets: Sockets::default(),
            swept: Instant::now(),
        }
    }

    /// Returns up to where the log has been routed.
    pub(super) fn cursor(&self) -> Cursor {
        self.follower.cursor()
    }

    /// Routes what the log has now.
    pub(super) fn route(&mut self, changes: &Changes, queue: &Queue) {
        loop {
            let followed = self.follower.try_next();
            // After the event was found: a client that has left a channel before it does not get it.
            for number in changes.take() {
                if let Some(channel) = self.held.remove(&number) {
                    queue.push(Item::again(channel));
                }
                self.sockets.changed(number, queue);
            }
            match followed {
                None => break,
                Some(LogItem::Event(event)) => self.event(&event, queue),
                Some(_) => self.restart(queue),
            }
        }
        self.sweep();
    }

    /// Goes on from the position of the follower: held clients find a gap there.
    fn restart(&mut self, queue: &Queue) {
        self.sockets.dismiss(queue);
        let mark = ItemId::event(self.follower.cursor());
        for audience in self.audiences.values_mut() {
            audience.last = mark;
        }
    }

    fn event(&mut self, event: &LoggedEvent, queue: &Queue) {
        let names = event.audiences();
        let numbers = names.iter().filter_map(|name| self.by_channel.get(name)).flatten();
        let numbers: BTreeSet<u64> = numbers.copied().collect();
        let mut hinted = Vec::new();
        for number in numbers {
            let Some(audience) = self.audiences.get_mut(&number) else { continue };
            let (channel, prev) = (audience.channel.clone(), audience.last);
            let whole = match event.for_audience(&audience.key.channels) {
                None => continue,
                Some(ForAudience::All(delivered)) => {
                    let id = ItemId::event(event.cursor());
                    let item = Item::event(channel.clone(), id, prev, delivered, audience.key.named);
                    item.fits().then_some((id, item))
                }
                // Code decides for each connection, or they are too many to tell apart.
                Some(_) => None,
            };
            let (last, item) = whole.unwrap_or_else(|| {
                let hint = prev.hint(event.cursor());
                hinted.push(channel.clone());
                (hint, Item::hint(channel, hint, prev))
            });
            audience.last = last;
            queue.push(item);
        }
        // After the items of the channels, so that each socket gets its events in the order of the log.
        self.sockets.event(event, &hinted, queue);
    }

    /// Publishes to a WebSocket what there is for it after a place, and from now on.
    ///
    /// Everything before that place has been given to the proxy in answers.
    pub(super) fn go_live(&mut self, connection: &Connection, own: &Arc<str>, missed: Follower, queue: &Queue) {
        self.sockets.go_live(connection, own, missed, self.follower.cursor(), queue);
    }

    /// Returns the changes of the channels that a WebSocket is to be held on.
    pub(super) fn turn(&mut self, connection: &Connection) -> Turn {
        let position = self.position(connection, false, LEASE);
        self.sockets.turn(connection, position.channel)
    }

    pub(super) fn sockets(&mut self) -> &mut Sockets {
        &mut self.sockets
    }

    /// Returns the place of a connection, which is kept for the lease after this.
    pub(super) fn position(&mut self, connection: &Connection, named: bool, lease: Duration) -> HoldPosition {
        let key = Key { channels: connection.audience(), named };
        let until = Instant::now() + lease;
        let last = ItemId::event(self.follower.cursor());
        let number = *self.keys.entry(key.clone()).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        let audience = self.audiences.entry(number).or_insert_with(|| {
            for name in &key.channels {
                self.by_channel.entry(name.clone()).or_default().insert(number);
            }
            let channel = name::of_set(&self.prefix, &key.channels, named, |names| self.tokens.digest(names)).into();
            Audience { key, channel, last, until }
        });
        audience.until = audience.until.max(until);
        HoldPosition { channel: audience.channel.clone(), last: audience.last }
    }

    /// Has a connection ask again, once, when it changes.
    pub(super) fn hold(&mut self, number: u64, channel: Arc<str>) {
        self.held.insert(number, channel);
    }

    /// Forgets a connection.
    pub(super) fn release(&mut self, number: u64) {
        self.held.remove(&number);
    }

    fn sweep(&mut self) {
        let now = Instant::now();
        if now.duration_since(self.swept) < SWEEP {
            return;
        }
        self.swept = now;
        for (number, audience) in self.audiences.extract_if(|_, audience| audience.until <= now) {
            self.keys.remove(&audience.key);
            for name in &audience.key.channels {
                if let Some(numbers) = self.by_channel.get_mut(name) {
                    numbers.remove(&number);
                    if numbers.is_empty() {
                        self.by_channel.remove(name);
                    }
                }
            }
        }
    }

    /// Returns all channels that a WebSocket may be held on.
    pub(super) fn channels(&self) -> Vec<Arc<str>> {
        let audiences = self.audiences.values().filter(|audience| !audience.key.named);
        audiences.map(|audience| audience.channel.clone()).chain(self.sockets.channels()).collect()
    }
}
