//! What a connection may read of the services with rules: one group of each.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Connection, NO_REPLAY, lock};
use crate::data::rights::ReadRights;
use crate::event::channel::Hub;
use crate::event::membership::ReplayStart;
use crate::event::visibility::{Granted, Group, Readers, told_name};

/// The groups of a connection.
#[derive(Default)]
pub(super) struct Reading {
    groups: Vec<Member>,
    /// All rights as one number.
    rights: Option<u64>,
    /// Whose they are, where that is noted.
    subject: Option<Arc<str>>,
    /// What is joined counts from here; `None` is from now on.
    start: Option<u64>,
    /// Cursors before this place are of other rights, until the client has been told.
    changed: Option<u64>,
    /// After this place, and before it was a member, there may be something for it.
    gap: Option<u64>,
    hub: Option<Hub>,
}

/// A member of a group, and the last event before it was one.
struct Member {
    readers: Arc<Readers>,
    group: Arc<Group>,
    since: u64,
}

impl Reading {
    fn of(&self, readers: &Arc<Readers>) -> Option<&Member> {
        self.groups.iter().find(|member| Arc::ptr_eq(&member.readers, readers))
    }
}

impl Connection {
    /// Takes the connection out of its groups: it reads nothing of services with rules.
    pub(crate) fn leave_groups(&self) {
        // The groups are left without the lock, which is taken inside of theirs.
        let Some(reading) = lock(&self.0.joined).reading.take() else { return };
        if let (Some(subject), Some(hub)) = (&reading.subject, &reading.hub) {
            hub.standings().leave(subject, hub.log());
        }
        for member in reading.groups {
            member.readers.leave(&member.group, self);
        }
        self.tell();
    }

    /// Notes that the connection has a session: from where it goes on is decided.
    pub(crate) fn open(&self) {
        self.0.is_open.store(true, Ordering::Release);
    }

    /// Tells whether the connection has a session.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_open.load(Ordering::Acquire)
    }

    /// Gives the connection these rights, all together with a number that differs for others.
    pub(crate) fn read_with(&self, rights: &[(Arc<Readers>, Arc<ReadRights>)], number: u64, hub: &Hub) {
        let (subject, before) = {
            let mut joined = lock(&self.0.joined);
            if self.is_closed() {
                return;
            }
            let subject = joined.subject.clone();
            let reading = joined.reading.get_or_insert_default();
            if reading.rights == Some(number) && reading.subject == subject {
                return;
            }
            (subject, reading.subject.take())
        };
        if let Some(before) = before {
            hub.standings().leave(&before, hub.log());
        }
        let from = self.0.replay_from.load(Ordering::Acquire);
        let start = (from != NO_REPLAY)
            .then(|| ReplayStart { seq: from, is_cursor: self.0.has_cursor.load(Ordering::Acquire) });
        let granted = match &subject {
            Some(subject) => hub.standings().enter(subject, number, start, hub.log()),
            None => start.map_or(Granted::Now, |start| Granted::After(start.seq)),
        };
        let is_over = {
            let mut joined = lock(&self.0.joined);
            let is_over = self.is_closed() || joined.subject != subject;
            if !is_over {
                let reading = joined.reading.get_or_insert_default();
                (reading.rights, reading.subject, reading.hub) = (Some(number), subject.clone(), Some(hub.clone()));
                (reading.start, reading.changed, reading.gap) = match granted {
                    Granted::Now => (None, None, None),
                    Granted::After(place) => (Some(place), None, None),
                    Granted::GapAfter(place) => (None, None, Some(place)),
                    Granted::Changed(place) => (None, Some(place), None),
                };
            }
            is_over
        };
        if is_over {
            if let Some(subject) = &subject {
                hub.standings().leave(subject, hub.log());
            }
            return;
        }
        for (readers, rights) in rights {
            readers.join(rights, self, hub);
        }
        self.tell();
    }

    /// Notes the group, and returns the last event before it and the group that it is in place of; `None` if it was
    /// there already, or the connection has ended.
    pub(crate) fn reads_as(
        &self,
        readers: &Arc<Readers>,
        group: &Arc<Group>,
        hub: &Hub,
    ) -> Option<(u64, Option<Arc<Group>>)> {
        let mut joined = lock(&self.0.joined);
        if self.is_closed() {
            return None;
        }
        let reading = joined.reading.get_or_insert_default();
        let head = hub.log().head().seq();
        let since = reading.start.map_or(head, |start| head.min(start));
        let known = reading.groups.iter_mut().find(|member| Arc::ptr_eq(&member.readers, readers));
        match known {
            Some(member) if Arc::ptr_eq(&member.group, group) => None,
            Some(member) => {
                member.since = since;
                Some((since, Some(std::mem::replace(&mut member.group, group.clone()))))
            }
            None => {
                reading.groups.push(Member { readers: readers.clone(), group: group.clone(), since });
                Some((since, None))
            }
        }
    }

    /// Returns the group that the connection has been in since before this event.
    pub(crate) fn group(&self, readers: &Arc<Readers>, seq: u64) -> Option<Arc<Group>> {
        let joined = lock(&self.0.joined);
        let member = joined.reading.as_ref()?.of(readers)?;
        (member.since < seq).then(|| member.group.clone())
    }

    /// Returns its group for an event that came before the connection was in it, and that the client may count on.
    pub(crate) fn group_with_gap_at(&self, readers: &Arc<Readers>, seq: u64) -> Option<Arc<Group>> {
        let joined = lock(&self.0.joined);
        let reading = joined.reading.as_ref()?;
        let member = reading.of(readers)?;
        (reading.gap? < seq && seq <= member.since).then(|| member.group.clone())
    }

    /// Tells whether events of services with rules may be kept back.
    pub(crate) fn has_reading_gap(&self) -> bool {
        lock(&self.0.joined).reading.as_ref().is_some_and(|reading| reading.gap.is_some())
    }

    /// Tells, once, whether the client that goes on from a place had other rights there.
    pub(crate) fn take_changed_rights(&self, place: u64) -> bool {
        let mut joined = lock(&self.0.joined);
        let changed = joined.reading.as_mut().and_then(|reading| reading.changed.take());
        changed.is_some_and(|since| place < since)
    }

    /// Returns all rights as one number, once they are known.
    pub(crate) fn rights(&self) -> Option<u64> {
        lock(&self.0.joined).reading.as_ref()?.rights
    }

    /// Returns the names of all that decides which events the connection gets, sorted: its channels, and the groups of
    /// those with the same rights. Connections with the same names get the same.
    ///
    /// It is for transports that send one message to many clients.
    pub fn audience(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.channels().iter().map(told_name).collect();
        let groups: Vec<_> = {
            let joined = lock(&self.0.joined);
            let members = joined.reading.iter().flat_map(|reading| &reading.groups);
            members.map(|member| (member.readers.clone(), member.group.clone())).collect()
        };
        if !groups.is_empty() {
            names.extend(groups.iter().filter_map(|(readers, group)| readers.audience(group)));
        }
        names.sort_unstable();
        names
    }
}
