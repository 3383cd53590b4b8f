//! The channels that one connection is in.
//!
//! It is looked at for every event and every member. Most connections are in a few channels, which are found sooner in
//! a sorted list than a name is hashed; those in many have a table.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::event::channel::Hub;

/// In more channels than this, a table is quicker.
const FEW: usize = 32;

/// How many are looked at one by one before the others are searched.
const AT_HAND: usize = 4;

/// The channels of a connection.
pub(super) enum Memberships {
    /// Sorted by their names.
    Few(SmallVec<[(Arc<str>, Membership); 1]>),
    Many(HashMap<Arc<str>, Membership>),
}

/// That a connection is in a channel.
pub(super) struct Membership {
    /// The last event before it joined.
    pub(super) since: u64,
    pub(super) past: Past,
    pub(super) hub: Hub,
}

/// What is known of the time before a connection was in a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Past {
    /// It is not tracked, as the client was anonymous, or the channel's history is open; it has joined at this place.
    Untracked(u64),
    /// It is tracked, and the client misses nothing.
    Whole,
    /// It is tracked, and events after this place are kept back.
    GapAfter(u64),
}

impl Past {
    pub(super) fn is_tracked(self) -> bool {
        !matches!(self, Self::Untracked(_))
    }
}

impl Default for Memberships {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl Memberships {
    #[inline]
    pub(super) fn get(&self, name: &str) -> Option<&Membership> {
        match self {
            // The name of a channel is shared, so that it is most often the same text in memory.
            Self::Few(list) => match list.iter().take(AT_HAND).find(|(own, _)| std::ptr::eq(own.as_ref(), name)) {
                Some((_, membership)) => Some(membership),
                None => self.search(name),
            },
            Self::Many(_) => self.search(name),
        }
    }

    fn search(&self, name: &str) -> Option<&Membership> {
        match self {
            Self::Few(list) => {
                find(list, name).ok().and_then(|index| list.get(index)).map(|(_, membership)| membership)
            }
            Self::Many(table) => table.get(name),
        }
    }

    /// Adds a membership; `false` if the connection is in that channel already, from when on stays as it was.
    pub(super) fn insert(&mut self, name: Arc<str>, membership: Membership) -> bool {
        match self {
            Self::Few(list) => {
                let Err(index) = find(list, &name) else { return false };
                list.insert(index, (name, membership));
                if list.len() > FEW {
                    *self = Self::Many(std::mem::take(list).into_iter().collect());
                }
                true
            }
            Self::Many(table) => match table.entry(name) {
                Entry::Occupied(_) => false,
                Entry::Vacant(place) => {
                    place.insert(membership);
                    true
                }
            },
        }
    }

    /// Takes a membership away.
    pub(super) fn remove(&mut self, name: &str) -> Option<Membership> {
        match self {
            Self::Few(list) => find(list, name).ok().map(|index| list.remove(index).1),
            Self::Many(table) => table.remove(name),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Few(list) => list.is_empty(),
            Self::Many(table) => table.is_empty(),
        }
    }

    /// Returns the names, sorted.
    pub(super) fn names(&self) -> Vec<Arc<str>> {
        match self {
            Self::Few(list) => list.iter().map(|(name, _)| name.clone()).collect(),
            Self::Many(table) => {
                let mut names: Vec<_> = table.keys().cloned().collect();
                names.sort_unstable();
                names
            }
        }
    }

    /// Calls back for every membership and its name, and leaves them where they are.
    pub(super) fn for_each_mut(&mut self, mut each: impl FnMut(&Arc<str>, &mut Membership)) {
        match self {
            Self::Few(list) => list.iter_mut().for_each(|(name, membership)| each(name, membership)),
            Self::Many(table) => table.iter_mut().for_each(|(name, membership)| each(name, membership)),
        }
    }

    /// Calls back for every membership and its name.
    pub(super) fn for_each(self, mut each: impl FnMut(Arc<str>, Membership)) {
        match self {
            Self::Few(list) => list.into_iter().for_each(|(name, membership)| each(name, membership)),
            Self::Many(table) => table.into_iter().for_each(|(name, membership)| each(name, membership)),
        }
    }
}

fn find(list: &[(Arc<str>, Membership)], name: &str) -> Result<usize, usize> {
    list.binary_search_by(|(own, _)| (**own).cmp(name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::event::log::{EventLog, Retention};
    use crate::event::membership::RecentMemberships;

    proptest! {
        #[test]
        fn few_or_many_they_are_a_map(changes in prop::collection::vec((0_u64..60, any::<bool>()), 0..300)) {
            let history = Arc::new(RecentMemberships::default());
            let hub = Hub::new(EventLog::new(Retention::default(), Duration::ZERO), history);
            let (mut own, mut model) = (Memberships::default(), BTreeMap::new());
            for (since, (number, joins)) in changes.into_iter().enumerate() {
                let (name, since) = (Arc::<str>::from(number.to_string()), since as u64);
                if joins {
                    prop_assert_eq!(
                        own.insert(name.clone(), Membership { since, past: Past::Untracked(since), hub: hub.clone() }),
                        !model.contains_key(&name)
                    );
                    model.entry(name).or_insert(since);
                } else {
                    prop_assert_eq!(own.remove(&name).map(|membership| membership.since), model.remove(&name));
                }
            }
            prop_assert_eq!(own.is_empty(), model.is_empty());
            prop_assert_eq!(own.names(), model.keys().cloned().collect::<Vec<_>>());
            for number in 0..60_u64 {
                let name = number.to_string();
                let since = own.get(&name).map(|membership| membership.since);
                prop_assert_eq!(since, model.get(name.as_str()).copied());
            }
            let mut all = Vec::new();
            own.for_each(|name, membership| all.push((name, membership.since)));
            all.sort();
            prop_assert_eq!(all, model.into_iter().collect::<Vec<_>>());
        }
    }
}
