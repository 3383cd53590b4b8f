//! Connections: one per client on a transport that has connections.

mod ending;
mod joined;
mod mailbox;
mod memberships;
mod reading;
mod waiting;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use http::Extensions;
use serde_json::{Map, Value};
use tokio::sync::Notify;
use tokio::time::Instant;

pub use self::ending::{DisconnectReason, UnderWay};
use self::joined::Joined;
pub(crate) use self::mailbox::Mail;
use self::mailbox::Mailbox;
use self::memberships::{Membership, Memberships, Past};
use self::waiting::Waiting;
use crate::data::error::{Error, Result};
use crate::event::channel::Hub;
use crate::event::credentials::Credentials;
use crate::event::headers::Headers;
use crate::event::membership::{Departure, ReplayStart};
use crate::event::provider::Provider;

/// No replay is under way.
const NO_REPLAY: u64 = u64::MAX;

/// One client's connection; clones are the same connection.
///
#[doc = include_str!("connection/connection.md")]
#[derive(Clone)]
pub struct Connection(Arc<Inner>, Joins);

/// When a connection can join channels: after so many logouts, or at any time. One word, where an option is two.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Joins(u64);

impl Joins {
    const AT_ANY_TIME: Self = Self(u64::MAX);
}

/// In the order of use: what every event touches fills the first cache line, and what its reader looks at besides is in
/// the second.
#[repr(C, align(64))]
struct Inner {
    mailbox: Mutex<Mailbox>,
    wake: AtomicWaker,
    /// How often the connection has left channels, twice for each time: before and after it is taken out of them.
    left: AtomicU32,
    /// Whether there is anything in the mailbox, for a look without its lock.
    has_mail: AtomicBool,
    /// Whether nothing more leaves.
    closed: AtomicBool,
    ending: OnceLock<DisconnectReason>,
    waiting: Waiting,
    joined: Mutex<Joined>,
    /// Set while a reconnecting client is being connected: what it joins now counts from there.
    replay_from: AtomicU64,
    /// How many calls have not been answered.
    under_way: AtomicUsize,
    /// How many logouts there have been.
    logouts: AtomicU64,
    number: u64,
    provider: Provider,
    headers: Headers,
    /// `None` where it is empty, as it is for most clients.
    query: Option<Box<Map<String, Value>>>,
    credentials: Mutex<Option<Credentials>>,
    extensions: Mutex<Extensions>,
    /// Wakes what waits for the end, when the connection ends and when nothing more leaves.
    over: Notify,
    /// In two boxes, which are there for few connections: one pointer is half as large as the box of a closure.
    watcher: OnceLock<Box<Watcher>>,
    address: Option<IpAddr>,
    /// Whether the client has named the place of `replay_from` itself.
    has_cursor: AtomicBool,
    /// Whether it has a session.
    is_open: AtomicBool,
    /// How many milliseconds calls that are not answered have for that after the end.
    answer_grace: u32,
}

type Watcher = Box<dyn Fn() + Send + Sync>;

/// The query of a handshake that has none.
static NO_QUERY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// A login that is under way.
pub(crate) struct LoggingIn(Connection);

impl Drop for LoggingIn {
    fn drop(&mut self) {
        self.0.0.waiting.login_ends();
    }
}

impl Connection {
    pub(crate) fn new(
        provider: Provider,
        headers: Headers,
        query: Map<String, Value>,
        address: Option<IpAddr>,
        answer_grace: Duration,
    ) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let inner = Inner {
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            provider,
            headers,
            query: if query.is_empty() { None } else { Some(Box::new(query)) },
            address,
            credentials: Mutex::default(),
            extensions: Mutex::default(),
            joined: Mutex::default(),
            mailbox: Mutex::default(),
            left: AtomicU32::new(1),
            has_mail: AtomicBool::new(false),
            replay_from: AtomicU64::new(NO_REPLAY),
            has_cursor: AtomicBool::new(false),
            is_open: AtomicBool::new(false),
            waiting: Waiting::default(),
            wake: AtomicWaker::new(),
            logouts: AtomicU64::new(0),
            ending: OnceLock::new(),
            under_way: AtomicUsize::new(0),
            answer_grace: u32::try_from(answer_grace.as_millis()).unwrap_or(u32::MAX),
            closed: AtomicBool::new(false),
            over: Notify::new(),
            watcher: OnceLock::new(),
        };
        Self(Arc::new(inner), Joins::AT_ANY_TIME)
    }

    /// Returns a number that no other connection of this process has; it is no secret.
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// Returns the transport.
    pub fn provider(&self) -> Provider {
        self.0.provider
    }

    /// Returns the headers of the handshake.
    pub fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// Returns the query of the handshake's URL.
    pub fn query(&self) -> &Map<String, Value> {
        self.0.query.as_deref().unwrap_or(&NO_QUERY)
    }

    /// Returns the address of the client, where the transport knows it.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.address
    }

    /// Returns what the client is logged in with: calls on this connection are made with it.
    pub fn credentials(&self) -> Option<Credentials> {
        lock(&self.0.credentials).clone()
    }

    /// Sets what the client is logged in with, and returns what it was before.
    pub fn set_credentials(&self, credentials: Option<Credentials>) -> Option<Credentials> {
        std::mem::replace(&mut *lock(&self.0.credentials), credentials)
    }

    /// Returns a copy of the value of this type that was put on the connection, such as its user.
    pub fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        lock(&self.0.extensions).get().cloned()
    }

    /// Returns a copy of the value of this type.
    ///
    /// # Errors
    /// There is none of the type, whose name is in the error: a 500.
    pub fn require<T: Clone + Send + Sync + 'static>(&self) -> Result<T> {
        self.get().ok_or_else(|| Error::missing::<T>("connection"))
    }

    /// Puts a value on the connection and returns the earlier one of the same type.
    pub fn insert<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        lock(&self.0.extensions).insert(value)
    }

    /// Takes the value of this type off the connection.
    pub fn remove<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        lock(&self.0.extensions).remove()
    }

    /// Returns the names of the channels that the connection is in, sorted.
    pub fn channels(&self) -> Vec<Arc<str>> {
        lock(&self.0.joined).memberships.names()
    }

    /// Returns the name of the user that is logged in on the connection, as the app's
    /// [`Authenticator`](crate::Authenticator) has set it.
    pub fn subject(&self) -> Option<Arc<str>> {
        lock(&self.0.joined).subject.clone()
    }

    /// Sets the user that is logged in on the connection; `None` is an anonymous client.
    ///
    /// It is for the app's [`Authenticator`](crate::Authenticator), at every login and logout. The text is any that
    /// names the same user each time and no other one. What the subject may read of the past depends on it: see
    /// [`MembershipHistory`](crate::MembershipHistory).
    pub fn set_subject(&self, subject: Option<&str>) {
        let mut joined = lock(&self.0.joined);
        if joined.subject.as_deref() == subject {
            return;
        }
        joined.depart(Departure::Left);
        let was_known = joined.subject.is_some();
        joined.subject = subject.map(Arc::from);
        if !self.is_closed() {
            joined.adopt();
        }
        drop(joined);
        if was_known {
            self.leave_groups();
        }
    }

    /// Leaves every channel.
    pub fn leave_all(&self) {
        self.leave_all_as(Departure::Left);
    }

    pub(crate) fn leave_all_as(&self, departure: Departure) {
        let memberships = {
            let mut joined = lock(&self.0.joined);
            self.has_left();
            joined.leave_all(departure)
        };
        self.leave(memberships);
    }

    /// Leaves every channel at a logout: what has begun before it joins none any more.
    pub(crate) fn log_out(&self) {
        let memberships = {
            let mut joined = lock(&self.0.joined);
            self.0.logouts.fetch_add(1, Ordering::Release);
            self.has_left();
            joined.leave_all(Departure::Left)
        };
        self.leave(memberships);
        self.leave_groups();
    }

    fn leave(&self, memberships: Memberships) {
        if memberships.is_empty() {
            return;
        }
        memberships.for_each(|name, membership| membership.hub.remove(&name, self));
        self.has_left();
        self.tell();
    }

    /// Returns the same connection for work that begins now: it joins channels until the next logout.
    pub fn current(&self) -> Self {
        Self(self.0.clone(), self.logouts())
    }

    fn logouts(&self) -> Joins {
        Joins(self.0.logouts.load(Ordering::Acquire))
    }

    /// Returns the same connection for a call that begins now, unless the call has begun before.
    pub(crate) fn for_call(self) -> Self {
        if self.1 == Joins::AT_ANY_TIME { self.current() } else { self }
    }

    /// Returns the same connection, which joins channels at any time.
    pub(crate) fn at_any_time(&self) -> Self {
        Self(self.0.clone(), Joins::AT_ANY_TIME)
    }

    /// Calls back whenever the connection has joined or left a channel, or is ended. The first caller counts.
    ///
    /// For transports whose clients are not on a socket of this process: others just read on.
    /// It runs where the change is made and must neither wait nor change channels.
    pub fn watch(&self, changed: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.watcher.set(Box::new(Box::new(changed)));
    }

    /// Tells the watcher of a change.
    pub(crate) fn tell(&self) {
        if let Some(changed) = self.0.watcher.get() {
            changed();
        }
    }

    /// Notes the membership, and returns the last event before it; `None` if it was there already.
    pub(crate) fn joined(&self, name: &Arc<str>, hub: &Hub, open_history: bool) -> Option<u64> {
        let mut joined = lock(&self.0.joined);
        let too_late = self.1 != Joins::AT_ANY_TIME && self.1 != self.logouts();
        if self.is_closed() || too_late || joined.memberships.get(name).is_some() {
            return None;
        }
        let from = self.0.replay_from.load(Ordering::Acquire);
        let (since, past) = match &joined.subject {
            Some(subject) if !open_history => {
                let is_cursor = self.0.has_cursor.load(Ordering::Acquire);
                let start = (from != NO_REPLAY).then_some(ReplayStart { seq: from, is_cursor });
                let granted = hub.history().join(subject, name, start, hub.log());
                (granted.since, if granted.has_gap { Past::GapAfter(from) } else { Past::Whole })
            }
            _ => {
                let head = hub.log().head().seq();
                // A place that does not exist, `NO_REPLAY`, is after every other.
                (head.min(from), Past::Untracked(head))
            }
        };
        let is_new = joined.memberships.insert(name.clone(), Membership { since, past, hub: hub.clone() });
        is_new.then_some(since)
    }

    pub(crate) fn left(&self, name: &str) -> bool {
        let mut joined = lock(&self.0.joined);
        let Some(membership) = joined.memberships.remove(name) else { return false };
        self.has_left();
        if let Some(subject) = joined.subject.as_ref().filter(|_| membership.past.is_tracked()) {
            membership.hub.history().leave(subject, name, Departure::Left, membership.hub.log());
        }
        true
    }

    /// Notes that the connection leaves channels, or has been taken out of them: its reader looks at what waits.
    pub(crate) fn has_left(&self) {
        self.0.left.fetch_add(1, Ordering::AcqRel);
    }

    /// Tells whether the connection has been in the channel since before this event.
    pub(crate) fn is_member(&self, name: &str, seq: u64) -> bool {
        lock(&self.0.joined).memberships.get(name).is_some_and(|membership| membership.since < seq)
    }

    /// Tells whether an event of the channel is kept back that the client may count on.
    pub(crate) fn has_gap_at(&self, name: &str, seq: u64) -> bool {
        lock(&self.0.joined).memberships.get(name).is_some_and(
            |membership| matches!(membership.past, Past::GapAfter(place) if place < seq && seq <= membership.since),
        )
    }

    /// Tells whether events of any channel may be kept back.
    pub(crate) fn has_gaps(&self) -> bool {
        let mut any = false;
        let mut joined = lock(&self.0.joined);
        joined.memberships.for_each_mut(|_, membership| any |= matches!(membership.past, Past::GapAfter(_)));
        any
    }

    /// Notes that the listeners of a login have run: what they have not joined, the subject has no right to.
    pub(crate) fn settle(&self, hub: &Hub) {
        let joined = lock(&self.0.joined);
        if let Some(subject) = joined.subject.as_ref().filter(|_| !self.is_closed()) {
            hub.history().settle(subject, hub.log());
        }
    }

    /// Makes the replay wait for a login.
    pub(crate) fn wait_for_login(&self) {
        self.0.waiting.begin();
    }

    /// Returns until when the replay waits for a login, if it does.
    pub(crate) fn waits_until(&self) -> Option<Instant> {
        self.0.waiting.until()
    }

    /// Notes that a login is under way, until what is returned is dropped.
    pub(crate) fn log_in(&self) -> LoggingIn {
        self.0.waiting.login_begins();
        LoggingIn(self.clone())
    }

    /// Begins the replay without a login, unless one is under way: a client that calls something else does not log in.
    pub(crate) fn expect_no_login(&self) {
        if !self.0.waiting.is_logging_in() {
            self.stop_waiting();
        }
    }

    /// Begins the replay without a login.
    pub(crate) fn stop_waiting(&self) {
        if self.0.waiting.give_up() {
            self.wake();
        }
    }

    /// Notes a login, whose listeners have run.
    pub(crate) fn logged_in(&self) {
        if self.0.waiting.logged_in() {
            self.wake();
        }
    }

    /// Tells, once, whether a login has come after the replay that it would have changed.
    pub(crate) fn take_late_login(&self) -> bool {
        self.0.waiting.take_too_late()
    }

    /// Starts a replay: what is joined from now on counts from this place, and reads come from the log.
    pub(crate) fn begin_replay(&self, from: u64, is_cursor: bool) {
        self.0.has_cursor.store(is_cursor, Ordering::Release);
        self.0.replay_from.store(from, Ordering::Release);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PartialEq for Connection {
    fn eq(&self, other: &Self) -> bool {
        self.0.number == other.0.number
    }
}

impl Eq for Connection {}

impl Hash for Connection {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.number.hash(state);
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("number", &self.0.number)
            .field("provider", &self.0.provider)
            .finish_non_exhaustive()
    }
}
