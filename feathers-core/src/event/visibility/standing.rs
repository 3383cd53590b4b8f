//! Standings: since when subjects have had the rights that they have.
//!
//! Rights are a matter of the user and of the rules, and not of connections. So it is enough to know, for each subject,
//! all of its rights as one number, and the place in the log from which they have held. A cursor from before that is
//! one of other rights: its client has lists that it could not read like this now, and gets a reset.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::log::EventLog;
use crate::event::membership::ReplayStart;

/// How many subjects without a connection are remembered.
const MOST: usize = 100_000;

/// The rights of the subjects that have connections, and of many that have gone.
pub(crate) struct Standings {
    most: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    subjects: HashMap<Arc<str>, Standing>,
    /// Those without a connection, the oldest first, with the head of the log when the last one left.
    idle: BTreeMap<u64, (u64, Arc<str>)>,
    next: u64,
    /// Of subjects that are not in the table nothing is known before this place.
    known_from: u64,
}

struct Standing {
    /// All rights as one number.
    rights: u64,
    /// Cursors from here on are of these rights.
    since: u64,
    connections: usize,
    /// Its key among the idle ones.
    idle: Option<u64>,
}

/// What a client may be given of the past of services with rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    /// What comes.
    Now,
    /// What comes after this place.
    After(u64),
    /// What comes; and a reset if there was something for it after this place.
    GapAfter(u64),
    /// What comes after a reset: cursors before this place are of other rights.
    Changed(u64),
}

impl Default for Standings {
    fn default() -> Self {
        Self { most: MOST, state: Mutex::default() }
    }
}

impl Standings {
    /// Notes that a connection of the subject has these rights, and says what of the past is its own.
    pub(crate) fn enter(&self, subject: &Arc<str>, rights: u64, start: Option<ReplayStart>, log: &EventLog) -> Granted {
        let mut state = self.state();
        let known_from = state.known_from;
        let known = state.occupy(subject);
        let Some(standing) = known else {
            let since = log.head().seq();
            state.subjects.insert(subject.clone(), Standing { rights, since, connections: 1, idle: None });
            return match start {
                Some(start) if start.is_cursor && start.seq < known_from => Granted::Changed(known_from),
                Some(start) if start.is_cursor => Granted::GapAfter(start.seq),
                _ => Granted::Now,
            };
        };
        if standing.rights != rights {
            (standing.rights, standing.since) = (rights, log.mark());
        }
        match start {
            Some(start) if start.seq >= standing.since => Granted::After(start.seq),
            Some(start) if start.is_cursor => Granted::Changed(standing.since),
            // It has asked for everything that is its own.
            Some(_) => Granted::After(standing.since),
            None => Granted::Now,
        }
    }

    /// Notes that a connection of the subject has gone.
    pub(crate) fn leave(&self, subject: &Arc<str>, log: &EventLog) {
        let mut state = self.state();
        let (head, next) = (log.head().seq(), state.next);
        let Some(standing) = state.subjects.get_mut(subject) else { return };
        standing.connections = standing.connections.saturating_sub(1);
        if standing.connections > 0 {
            return;
        }
        standing.idle = Some(next);
        state.idle.insert(next, (head, subject.clone()));
        state.next += 1;
        state.forget_old(log.oldest().seq());
        state.keep_to(self.most, head);
    }

    /// Notes that the rights of a subject are these now.
    pub(crate) fn change(&self, subject: &str, rights: u64, log: &EventLog) {
        if let Some(standing) = self.state().subjects.get_mut(subject).filter(|known| known.rights != rights) {
            (standing.rights, standing.since) = (rights, log.mark());
        }
    }

    /// Notes that the rights of a subject without a connection are these now; asks for them only where they matter.
    pub(crate) fn change_idle(&self, subject: &str, rights: impl FnOnce() -> u64, log: &EventLog) {
        let is_idle = |state: &State| state.subjects.get(subject).is_some_and(|known| known.connections == 0);
        if is_idle(&self.state()) {
            // Rules are code of the app, which no lock is held for.
            self.change(subject, rights(), log);
        }
    }

    /// Notes that a subject has had no rights for a moment.
    pub(crate) fn revoke(&self, subject: &str, log: &EventLog) {
        if let Some(standing) = self.state().subjects.get_mut(subject) {
            standing.since = log.mark();
        }
    }

    /// Forgets the subjects that have no connection: nobody has looked whether their rights are the same.
    pub(crate) fn forget_idle(&self, log: &EventLog) {
        let mut state = self.state();
        if state.idle.is_empty() {
            return;
        }
        state.idle.clear();
        state.subjects.retain(|_, standing| standing.connections > 0);
        state.known_from = log.mark();
    }

    /// Held for moments only, and never asked for with the lock of a connection's channels: a mark in the log is
    /// announced.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Adds a connection to a subject that is known.
    fn occupy(&mut self, subject: &Arc<str>) -> Option<&mut Standing> {
        let standing = self.subjects.get_mut(subject)?;
        standing.connections += 1;
        if let Some(key) = standing.idle.take() {
            self.idle.remove(&key);
        }
        Some(standing)
    }

    /// Forgets what no client can ask for: one that was there before the oldest event gets a reset in any case.
    fn forget_old(&mut self, oldest: u64) {
        while let Some(first) = self.idle.first_entry().filter(|first| first.get().0 < oldest) {
            let (_, subject) = first.remove();
            self.subjects.remove(&subject);
        }
    }

    /// Forgets the oldest of what is too much.
    fn keep_to(&mut self, most: usize, head: u64) {
        while self.idle.len() > most
            && let Some((_, (_, subject))) = self.idle.pop_first()
        {
            self.subjects.remove(&subject);
            self.known_from = head;
            metrics::counter!(crate::metrics::MEMBERSHIPS_FORGOTTEN).increment(1);
        }
    }
}

impl fmt::Debug for Standings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standings").field("most", &self.most).finish_non_exhaustive()
    }
}
