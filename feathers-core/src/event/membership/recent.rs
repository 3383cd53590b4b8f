//! The memberships that this process has seen, as far as the log goes back.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Departure, MembershipHistory, ReplayStart, Replayable};
use crate::event::log::{Epoch, EventLog};

/// How many pairs without a connection are remembered by default.
const MOST: usize = 100_000;
/// One subject has at most this part of all pairs without a connection; past it all of its own are forgotten.
const SHARE: usize = 16;
/// How long after a change of its rights a subject may reconnect for them to count from the change.
const RENEWAL: Duration = Duration::from_secs(30);
/// So many it may have in any case.
const FEW: usize = 64;

/// Remembers the memberships of this process: those of connections, and so many of clients that have gone.
///
/// Past the bound the oldest are forgotten, and their clients get a reset with the reason `principal` when they
/// reconnect and something has happened in the channel. What is older than the log costs nothing.
///
/// Behind a shared [`LogEngine`](crate::LogEngine) a client may have been on another process, of which nothing is known
/// here: all of its channels are taken for unknown.
pub struct RecentMemberships {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    epoch: Option<Epoch>,
    /// Of subjects that are not in the table nothing is known before this place.
    known_from: u64,
    subjects: HashMap<Arc<str>, Subject>,
    /// What no connection is in, the oldest first.
    idle: BTreeMap<u64, Idle>,
    next: u64,
}

#[derive(Default)]
struct Subject {
    /// Of channels that are not in the table nothing is known before this place.
    known_from: u64,
    channels: HashMap<Arc<str>, Membership>,
    /// How many of the channels no connection is in.
    idle: usize,
    /// Where and when its rights have changed, until it has reconnected.
    renewed: Option<(u64, Instant)>,
}

/// One subject in one channel.
#[derive(Default)]
struct Membership {
    /// Where it began; `None` if it has ended.
    first: Option<u64>,
    /// Where the one before it began.
    began: u64,
    /// The place after its end; 0 if there was none. A client behind that place has missed what came since.
    ended: u64,
    connections: usize,
    /// Its key among the idle ones.
    idle: Option<u64>,
}

struct Idle {
    /// The head of the log when the last connection left.
    seq: u64,
    subject: Arc<str>,
    channel: Arc<str>,
}

impl RecentMemberships {
    /// Remembers so many pairs of a subject and a channel that no connection is in, instead of 100,000: each takes
    /// about 200 bytes.
    pub fn new(most: usize) -> Self {
        Self { most, state: Mutex::default() }
    }

    fn state(&self, log: &EventLog) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = log.epoch();
        if state.epoch != Some(epoch) {
            if state.epoch.is_some() {
                state.restart(log.head().seq());
            }
            state.epoch = Some(epoch);
        }
        state
    }
}

impl Default for RecentMemberships {
    fn default() -> Self {
        Self::new(MOST)
    }
}

impl MembershipHistory for RecentMemberships {
    fn join(&self, subject: &Arc<str>, channel: &Arc<str>, since: Option<ReplayStart>, log: &EventLog) -> Replayable {
        let mut state = self.state(log);
        let head = log.head().seq();
        let known_from = state.known_from;
        let owner = state.enter(subject, channel);
        let renewed = owner.renewed.filter(|(_, at)| since.is_some() && at.elapsed() < RENEWAL);
        let Some(membership) = owner.channels.get_mut(channel) else { return Replayable::unknown(log) };
        let ended = membership.ended;
        let first = *membership
            .first
            .get_or_insert_with(|| renewed.map_or(head, |(place, _)| place.max(ended.saturating_sub(1))));
        let Some(ReplayStart { seq, is_cursor }) = since else { return Replayable { since: head, has_gap: false } };
        if log.is_shared() {
            return Replayable { since: head, has_gap: true };
        }
        let unknown = seq < known_from.max(owner.known_from);
        // A cursor from before the subject was connected at all may be that of a list which it has read.
        let was_here = || owner.channels.values().any(|other| other.covers(seq));
        let has_gap = seq < ended || seq < first && (unknown || is_cursor && !was_here());
        Replayable { since: first.max(seq), has_gap }
    }

    fn adopt(&self, subject: &Arc<str>, channel: &Arc<str>, since: u64, log: &EventLog) {
        let mut state = self.state(log);
        if let Some(membership) = state.enter(subject, channel).channels.get_mut(channel) {
            membership.first.get_or_insert(since.max(membership.ended.saturating_sub(1)));
        }
    }

    fn leave(&self, subject: &str, channel: &str, departure: Departure, log: &EventLog) {
        let mut state = self.state(log);
        let head = log.head().seq();
        let Some(owner) = state.subjects.get_mut(subject) else { return };
        let Some(membership) = owner.channels.get_mut(channel) else { return };
        membership.connections = membership.connections.saturating_sub(1);
        if membership.connections > 0 {
            return;
        }
        match departure {
            Departure::Lost => {}
            Departure::Left | Departure::Denied => membership.end(head),
        }
        state.rest(subject, channel, head);
        state.forget_old(log.oldest().seq());
        state.keep_to(self.most, subject, head);
    }

    fn renew(&self, subject: &str, log: &EventLog) {
        let mut state = self.state(log);
        if let Some(owner) = state.subjects.get_mut(subject) {
            owner.renewed = Some((log.head().seq(), Instant::now()));
        }
    }

    fn settle(&self, subject: &str, log: &EventLog) {
        let mut state = self.state(log);
        let head = log.head().seq();
        let Some(owner) = state.subjects.get_mut(subject) else { return };
        owner.renewed = None;
        let idle = owner.channels.values_mut().filter(|membership| membership.connections == 0);
        idle.filter(|membership| membership.first.is_some()).for_each(|membership| membership.end(head));
    }

    fn revoke(&self, subject: &str, log: &EventLog) {
        let mut state = self.state(log);
        let head = log.head().seq();
        let Some(owner) = state.subjects.get_mut(subject) else { return };
        for membership in owner.channels.values_mut() {
            membership.end(head);
            membership.first = (membership.connections > 0).then_some(head);
        }
    }
}

impl Membership {
    fn end(&mut self, head: u64) {
        if let Some(first) = self.first.take() {
            (self.began, self.ended) = (first, head + 1);
        }
    }

    /// Tells whether the subject was a member at a place.
    fn covers(&self, seq: u64) -> bool {
        self.first.is_some_and(|first| first <= seq) || self.began <= seq && seq < self.ended
    }
}

impl State {
    /// Adds a connection to a membership, which is empty if it is new.
    fn enter(&mut self, subject: &Arc<str>, channel: &Arc<str>) -> &mut Subject {
        let owner = self.subjects.entry(subject.clone()).or_default();
        let membership = owner.channels.entry(channel.clone()).or_default();
        membership.connections += 1;
        if let Some(key) = membership.idle.take() {
            self.idle.remove(&key);
            owner.idle -= 1;
        }
        owner
    }

    /// Notes that no connection is in a membership any more.
    fn rest(&mut self, subject: &str, channel: &str, seq: u64) {
        let Some((subject, owner)) = self.subjects.get_key_value(subject) else { return };
        let Some((channel, _)) = owner.channels.get_key_value(channel) else { return };
        let (subject, channel) = (subject.clone(), channel.clone());
        let Some(owner) = self.subjects.get_mut(&subject) else { return };
        let Some(membership) = owner.channels.get_mut(&channel) else { return };
        membership.idle = Some(self.next);
        owner.idle += 1;
        self.idle.insert(self.next, Idle { seq, subject, channel });
        self.next += 1;
    }

    /// Forgets what no client can ask for: one that was there before the oldest event gets a reset in any case.
    fn forget_old(&mut self, oldest: u64) {
        while let Some(first) = self.idle.first_entry().filter(|first| first.get().seq < oldest) {
            let idle = first.remove();
            self.forget(&idle, 0);
        }
    }

    /// Forgets what is too much: first that of a subject which has far more than others, then the oldest.
    fn keep_to(&mut self, most: usize, subject: &str, head: u64) {
        let mut forgotten = 0;
        if let Some(owner) = self.subjects.get_mut(subject).filter(|owner| owner.idle > (most / SHARE).max(FEW)) {
            for (_, membership) in owner.channels.extract_if(|_, membership| membership.connections == 0) {
                forgotten += u64::from(membership.idle.is_some_and(|key| self.idle.remove(&key).is_some()));
            }
            (owner.idle, owner.known_from) = (0, head);
            self.forget_if_empty(subject);
        }
        while self.idle.len() > most
            && let Some((_, idle)) = self.idle.pop_first()
        {
            forgotten += 1;
            self.forget(&idle, head);
        }
        if forgotten > 0 {
            metrics::counter!(crate::metrics::MEMBERSHIPS_FORGOTTEN).increment(forgotten);
        }
    }

    /// Takes a membership out of the table; nothing is known of it before a place.
    fn forget(&mut self, idle: &Idle, known_from: u64) {
        let Some(owner) = self.subjects.get_mut(&idle.subject) else { return };
        if owner.channels.remove(&idle.channel).is_some() {
            owner.idle -= 1;
            owner.known_from = owner.known_from.max(known_from);
        }
        self.forget_if_empty(&idle.subject);
    }

    fn forget_if_empty(&mut self, subject: &str) {
        if let Some(owner) = self.subjects.get(subject).filter(|owner| owner.channels.is_empty()) {
            self.known_from = self.known_from.max(owner.known_from);
            self.subjects.remove(subject);
        }
    }

    /// Goes over to another log, at a place: connections stay, and nothing is known of what was before.
    fn restart(&mut self, seq: u64) {
        self.idle.clear();
        self.known_from = seq;
        self.subjects.retain(|_, owner| {
            owner.channels.retain(|_, membership| membership.connections > 0);
            for membership in owner.channels.values_mut() {
                (membership.first, membership.ended) = (Some(seq), 0);
            }
            (owner.idle, owner.known_from) = (0, 0);
            !owner.channels.is_empty()
        });
    }
}

impl fmt::Debug for RecentMemberships {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecentMemberships").field("most", &self.most).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
