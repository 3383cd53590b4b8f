//! Channels: named sets of connections that events are sent to.

mod name;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use smallvec::SmallVec;

pub use self::name::IntoChannelNames;
use crate::data::error::Result;
use crate::data::field_names::IntoFieldNames;
use crate::data::payload::Payload;
use crate::event::Event;
use crate::event::connection::Connection;
use crate::event::log::{EventLog, Subscribers};
use crate::event::membership::MembershipHistory;
use crate::event::recent_name;
use crate::event::visibility::{Readers, Standings};

pub(crate) type Filter = Arc<dyn Fn(&Connection) -> bool + Send + Sync>;

/// One or several named channels, perhaps filtered, perhaps with a payload of their own.
///
#[doc = include_str!("channel.md")]
#[derive(Clone)]
#[must_use = "a channel does nothing by itself"]
pub struct Channel {
    names: Names,
    filters: Vec<Filter>,
    payload: Option<Payload>,
    /// The fields that its members do not get.
    without: Vec<Arc<str>>,
    open_history: bool,
    hub: Hub,
}

/// Names of channels, shared with the hub; most often it is one.
pub(crate) type Names = SmallVec<[Arc<str>; 1]>;

/// All channels of an app.
#[derive(Clone, Debug)]
pub(crate) struct Hub(Arc<HubInner>);

#[derive(Debug)]
pub(super) struct HubInner {
    channels: RwLock<HashMap<Arc<str>, Arc<Members>>>,
    log: EventLog,
    history: Arc<dyn MembershipHistory>,
    /// Who may read the services with rules.
    readers: RwLock<Vec<Arc<Readers>>>,
    /// Whether rules look at the records of other services, for a look without the lock.
    has_dependencies: AtomicBool,
    standings: Standings,
}

/// The channels of one event; most often it is one.
pub(crate) type Channels = SmallVec<[Channel; 1]>;

/// The members of one named channel, each with the last event before it was one.
pub(super) type Members = RwLock<HashMap<Connection, u64>>;

impl Hub {
    pub(crate) fn new(log: EventLog, history: Arc<dyn MembershipHistory>) -> Self {
        let (channels, readers, standings) = (RwLock::default(), RwLock::default(), Standings::default());
        let has_dependencies = AtomicBool::new(false);
        let hub = Arc::new(HubInner { channels, log, history, readers, has_dependencies, standings });
        hub.log.read_by(Arc::downgrade(&hub));
        Self(hub)
    }

    pub(crate) fn channel(&self, names: impl IntoChannelNames) -> Channel {
        let mut unique = Names::new();
        names.each_name(|name| {
            let name = self.name(name);
            unique.push(name);
        });
        if unique.len() > 1 {
            let mut seen = HashSet::with_capacity(unique.len());
            unique.retain(|name| seen.insert(name.clone()));
        }
        let (filters, without) = (Vec::new(), Vec::new());
        Channel { names: unique, filters, payload: None, without, open_history: false, hub: self.clone() }
    }

    /// Returns the name as the hub has it, so that there is no other copy of one that has members.
    fn name(&self, name: &str) -> Arc<str> {
        let known = read(&self.0.channels).get_key_value(name).map(|(name, _)| name.clone());
        known.unwrap_or_else(|| recent_name::shared(name))
    }

    pub(crate) fn log(&self) -> &EventLog {
        &self.0.log
    }

    pub(crate) fn history(&self) -> &dyn MembershipHistory {
        &*self.0.history
    }

    /// Sets the services with rules.
    pub(crate) fn set_readers(&self, readers: Vec<Arc<Readers>>) {
        let has_dependencies = readers.iter().any(|readers| !readers.dependencies().is_empty());
        *write(&self.0.readers) = readers;
        self.0.has_dependencies.store(has_dependencies, Ordering::Release);
    }

    /// Tells whether rules look at the records of other services.
    pub(crate) fn has_dependencies(&self) -> bool {
        self.0.has_dependencies.load(Ordering::Acquire)
    }

    /// Returns who may read the services with rules.
    pub(crate) fn readers(&self) -> Vec<Arc<Readers>> {
        read(&self.0.readers).clone()
    }

    /// Returns the connections that are in a channel or in a group.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        let channels: Vec<Arc<Members>> = read(&self.0.channels).values().cloned().collect();
        let in_channels = channels.iter().flat_map(|members| read(members).keys().cloned().collect::<Vec<_>>());
        let in_groups = self.readers().into_iter().flat_map(|readers| readers.connections());
        let mut seen = HashSet::new();
        in_channels.chain(in_groups).filter(|connection| seen.insert(connection.number())).collect()
    }

    /// Returns since when subjects have had their rights.
    pub(crate) fn standings(&self) -> &Standings {
        &self.0.standings
    }

    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = read(&self.0.channels).keys().cloned().collect();
        names.sort();
        names
    }

    fn join(&self, name: &Arc<str>, connection: &Connection, open_history: bool) {
        {
            let mut channels = write(&self.0.channels);
            let channel = channels.entry(name.clone());
            // All members have the name in the same place.
            let name = channel.key().clone();
            let members = channel.or_default();
            // The place is read under the members' lock, so that no event is announced between the two.
            let mut members = write(members);
            let Some(since) = connection.joined(&name, self, open_history) else {
                // It has ended, and the channel may have been made for it.
                let is_empty = members.is_empty();
                drop(members);
                if is_empty {
                    channels.remove(&name);
                }
                return;
            };
            members.insert(connection.at_any_time(), since);
        }
        connection.tell();
    }

    /// Takes a connection out of a channel; the last one takes the channel along.
    pub(crate) fn remove(&self, name: &str, connection: &Connection) {
        let mut channels = write(&self.0.channels);
        let Some(members) = channels.get(name) else { return };
        let empty = {
            let mut members = write(members);
            members.remove(connection);
            members.is_empty()
        };
        if empty {
            channels.remove(name);
        }
    }
}

impl HubInner {
    pub(super) fn members(&self, name: &str) -> Option<Arc<Members>> {
        read(&self.channels).get(name).cloned()
    }
}

/// The hub is not kept alive by its log, which it has itself.
impl Subscribers for Weak<HubInner> {
    fn announce(&self, event: &Event) {
        let Some(hub) = self.upgrade() else { return };
        if let Some(guard) = event.guard() {
            return hub.announce_guarded(event, guard);
        }
        let is_plain = event.is_plain();
        for members in event.channels().filter_map(|name| hub.members(name)) {
            for (connection, since) in read(&members).iter() {
                if *since < event.seq() {
                    connection.announce(event.seq(), is_plain);
                }
            }
        }
    }

    fn wake(&self) {
        let Some(hub) = self.upgrade() else { return };
        let channels: Vec<Arc<Members>> = read(&hub.channels).values().cloned().collect();
        for members in channels {
            for connection in read(&members).keys() {
                connection.wake();
            }
        }
        let readers = read(&hub.readers).clone();
        for readers in &readers {
            readers.wake();
        }
    }
}

impl Channel {
    /// Adds a connection to every channel; one that is there already, or has ended, stays as it is, and so does that of
    /// a call that began before a logout.
    pub fn join(&self, connection: &Connection) {
        for name in &self.names {
            self.hub.join(name, connection, self.open_history);
        }
    }

    /// Returns the same channel with an open history: a client that joins it through this, and reconnects or asks for
    /// `earliest`, reads what was sent before it was a member.
    ///
    /// Without it a client that is logged in reads again what it was a member for, and nothing else. Channels of
    /// anonymous clients are open in any case.
    ///
    /// ```
    /// # use feathers_core::facade as feathers;
    /// # use feathers::App;
    /// let mut app = App::new();
    /// app.on_connect(|connection, app| app.channel("news").open_history().join(connection));
    /// ```
    pub fn open_history(&self) -> Self {
        Self { open_history: true, ..self.clone() }
    }

    /// Takes a connection out of every channel.
    pub fn leave(&self, connection: &Connection) {
        for name in &self.names {
            if connection.left(name) {
                self.hub.remove(name, connection);
                connection.has_left();
                connection.tell();
            }
        }
    }

    /// Takes all connections out for which the closure returns `true`.
    pub fn leave_if(&self, leaves: impl Fn(&Connection) -> bool) {
        for connection in self.connections() {
            if leaves(&connection) {
                self.leave(&connection);
            }
        }
    }

    /// Returns the same channel, for only those connections for which the closure returns `true` when an event is sent.
    pub fn filter(&self, keep: impl Fn(&Connection) -> bool + Send + Sync + 'static) -> Self {
        let mut filtered = self.clone();
        filtered.filters.push(Arc::new(keep));
        filtered
    }

    /// Returns the same channel with a payload that its members get instead of the event's own.
    pub fn send(&self, payload: impl Into<Payload>) -> Self {
        Self { payload: Some(payload.into()), ..self.clone() }
    }

    /// Returns the same channel, whose members get the event without these fields of its record: texts, or constants such
    /// as `Ticket::COST`, in a tuple if they are of several types.
    ///
    /// ```
    /// # use feathers_core::facade as feathers;
    /// # use feathers::{App, Document, Memory};
    /// # let mut app = App::new();
    /// app.service("tickets", Memory::<Document>::new()).publish(|_event, app| {
    ///     // Who is in both gets the first.
    ///     [app.channel("staff"), app.channel("customers").without(["cost"])]
    /// });
    /// ```
    pub fn without(&self, fields: impl IntoFieldNames) -> Self {
        let mut without = self.clone();
        fields.each_field(|field| without.without.push(field.into()));
        without
    }

    /// Returns the connections that are in at least one of the channels and pass the filters, oldest first.
    pub fn connections(&self) -> Vec<Connection> {
        let mut seen = HashSet::new();
        let mut connections = Vec::new();
        for members in self.names.iter().filter_map(|name| self.hub.0.members(name)) {
            let members: Vec<_> = read(&members).keys().cloned().collect();
            connections.extend(members.into_iter().filter(|one| self.passes(one) && seen.insert(one.number())));
        }
        connections.sort_by_key(Connection::number);
        connections
    }

    /// Returns the number of connections.
    pub fn len(&self) -> usize {
        self.connections().len()
    }

    /// Tells whether there are no connections.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the payload that was set with [`Channel::send`].
    pub fn payload(&self) -> Option<&Payload> {
        self.payload.as_ref()
    }

    /// Takes the channel apart: its names, its filters, and the payload that its members get of this one, if it is
    /// another.
    pub(crate) fn into_parts(self, whole: &Payload) -> Result<(Names, Vec<Filter>, Option<Payload>)> {
        let own = self.payload.filter(|payload| !payload.is_falsy());
        let payload =
            if self.without.is_empty() { own } else { Some(own.as_ref().unwrap_or(whole).without(&self.without)?) };
        Ok((self.names, self.filters, payload))
    }

    pub(crate) fn into_names(self) -> Names {
        self.names
    }

    fn passes(&self, connection: &Connection) -> bool {
        self.filters.iter().all(|filter| filter(connection))
    }
}

pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}

/// What a publisher may return: channels, lists of them, or nothing.
pub trait IntoChannels {
    /// Adds the channels to the list.
    fn extend_channels(self, channels: &mut impl Extend<Channel>);
}

impl IntoChannels for Channel {
    fn extend_channels(self, channels: &mut impl Extend<Channel>) {
        channels.extend([self]);
    }
}

/// Nothing is sent, and no wider publisher is asked.
impl IntoChannels for () {
    fn extend_channels(self, _channels: &mut impl Extend<Channel>) {}
}

impl<T: IntoChannels> IntoChannels for Option<T> {
    fn extend_channels(self, channels: &mut impl Extend<Channel>) {
        if let Some(inner) = self {
            inner.extend_channels(channels);
        }
    }
}

impl<T: IntoChannels> IntoChannels for Vec<T> {
    fn extend_channels(self, channels: &mut impl Extend<Channel>) {
        for inner in self {
            inner.extend_channels(channels);
        }
    }
}

impl<T: IntoChannels, const N: usize> IntoChannels for [T; N] {
    fn extend_channels(self, channels: &mut impl Extend<Channel>) {
        for inner in self {
            inner.extend_channels(channels);
        }
    }
}
