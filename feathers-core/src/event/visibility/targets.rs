//! The targets of guarded events: which connections and audiences get what of them.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Group, Guard, Guarded, Sight, group};
use crate::data::error::Result;
use crate::data::payload::Payload;
use crate::event::change::Change;
use crate::event::channel::Channels;
use crate::event::connection::Connection;
use crate::event::{Event, EventKind, Own, Seen, Target};

/// Which connections are told of an event, of those that may see it.
pub(crate) enum Audience {
    /// The members of these channels.
    Members(Channels),
    /// All.
    Readers,
}

/// How an event reaches all clients that are in the same channels and groups.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// All get this of it.
    All(Seen),
    /// Code, or a group that is not told apart, decides for each connection.
    Each,
}

impl Event {
    /// Makes an event of a service, for those of the audience that may see it. Without rules there is no other audience
    /// than the members of channels.
    pub(crate) fn told(
        kind: &Arc<EventKind>,
        payload: &Payload,
        audience: Audience,
        change: Option<&Change>,
        is_custom: bool,
    ) -> Result<Arc<Self>> {
        let (channels, is_for_readers) = match audience {
            Audience::Members(channels) => (channels, false),
            Audience::Readers => (Channels::new(), true),
        };
        let mut event = Self::new(kind.clone(), payload, channels)?;
        let Some(readers) = &kind.readers else { return Ok(event) };
        let guarded = Arc::new(Guarded::new(readers, kind, payload, change, is_custom));
        if let Some(event) = Arc::get_mut(&mut event) {
            for target in &mut event.targets {
                // Another body is seen in another way.
                let has_own = target.body().is_some();
                let guarded = if has_own { Arc::new(guarded.again()) } else { guarded.clone() };
                target.guard_with(Guard::Members(guarded));
            }
            if is_for_readers {
                let mut target = Target { names: SmallVec::new(), own: None };
                target.guard_with(Guard::Readers(guarded));
                event.targets.push(target);
            }
        }
        Ok(event)
    }

    /// Returns what decides who sees it, if its service has rules.
    pub(in crate::event) fn guard(&self) -> Option<&Guard> {
        self.targets.first().and_then(Target::guard)
    }

    /// Decides what a connection sees of it now.
    pub(in crate::event) fn sight_for(&self, connection: &Connection) -> Option<Seen> {
        self.targets.iter().enumerate().find_map(|(number, target)| {
            let guard = target.guard()?;
            let is_told = match guard {
                Guard::Members(_) => target.names.iter().any(|name| connection.is_member(name, self.seq)),
                Guard::Readers(_) => true,
            };
            let group = connection.group(guard.guarded().readers(), self.seq).filter(|_| is_told)?;
            let passes = target.own.as_ref().is_none_or(|own| own.passes(connection, &target.names));
            self.seen(number, guard.guarded(), &group).filter(|_| passes)
        })
    }

    fn seen(&self, target: usize, guarded: &Guarded, group: &Arc<Group>) -> Option<Seen> {
        let view = match guarded.sight(group, self.body(target))? {
            Sight::Whole => None,
            Sight::View(view) => Some(view),
        };
        Some(Seen { target, view })
    }

    /// Returns the names of the channels and groups whose members may get it.
    pub(in crate::event) fn audiences(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.channels().map(group::told_name).collect();
        if let Some(Guard::Readers(guarded)) = self.guard() {
            let readers = guarded.readers();
            names.extend(readers.seeing(guarded).iter().map(|group| group.name().clone()));
            names.push(readers.everyone());
        }
        names
    }

    /// Decides how it reaches the clients that are in these channels and groups, which are sorted; `None` if it is not
    /// for them.
    ///
    /// As for a single connection, the first target that has one of the channels counts.
    pub(in crate::event) fn reach(&self, names: &[Arc<str>]) -> Option<Reach> {
        let is_in = |name: &Arc<str>| names.binary_search(&group::told_name(name)).is_ok();
        self.targets.iter().enumerate().find_map(|(number, target)| {
            let Some(guard) = target.guard() else {
                let way =
                    if target.is_filtered() { Reach::Each } else { Reach::All(Seen { target: number, view: None }) };
                return target.names.iter().any(is_in).then_some(way);
            };
            let is_told = matches!(guard, Guard::Readers(_)) || target.names.iter().any(is_in);
            let readers = guard.guarded().readers();
            let prefix = group::prefix(readers.path());
            let at = names.partition_point(|name| **name < *prefix);
            let key = names.get(at).and_then(|name| name.strip_prefix(&prefix)).filter(|_| is_told)?;
            match readers.group(key) {
                Some(group) if target.is_filtered() => guard.guarded().concerns(&group).then_some(Reach::Each),
                Some(group) => self.seen(number, guard.guarded(), &group).map(Reach::All),
                None => Some(Reach::Each),
            }
        })
    }
}

impl Target {
    fn guard_with(&mut self, guard: Guard) {
        let own = self.own.get_or_insert_with(|| Box::new(Own { filters: Vec::new(), body: None, guard: None }));
        own.guard = Some(guard);
    }

    pub(in crate::event) fn guard(&self) -> Option<&Guard> {
        self.own.as_ref()?.guard.as_ref()
    }

    /// Tells whether the connection would see the event at this place, if it had had its rights and channels for
    /// longer.
    pub(in crate::event) fn keeps_back_guarded(&self, event: &Event, number: usize, connection: &Connection) -> bool {
        let Some(guard) = self.guard() else { return false };
        let seq = event.seq;
        let is_told = matches!(guard, Guard::Readers(_))
            || self.names.iter().any(|name| connection.is_member(name, seq) || connection.has_gap_at(name, seq));
        let group = connection.group(guard.guarded().readers(), seq);
        let group = group.or_else(|| connection.group_with_gap_at(guard.guarded().readers(), seq)).filter(|_| is_told);
        let passes = || self.own.as_ref().is_none_or(|own| own.passes(connection, &self.names));
        group.is_some_and(|group| passes() && event.seen(number, guard.guarded(), &group).is_some())
    }
}
