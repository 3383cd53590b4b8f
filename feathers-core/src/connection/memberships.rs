//! The channels that one connection is in.
//!
//! It is looked at for every event and every member. So it is a sorted list: most connections are in a few channels,
//! which are found sooner there than a name is hashed.

use std::sync::Arc;

use crate::channel::Hub;

/// The channels of a connection, sorted by their names.
#[derive(Default)]
pub(super) struct Memberships(Vec<Membership>);

/// That a connection is in a channel.
pub(super) struct Membership {
    pub(super) name: Arc<str>,
    /// The last event before it joined.
    pub(super) since: u64,
    pub(super) hub: Hub,
}

impl Memberships {
    pub(super) fn get(&self, name: &str) -> Option<&Membership> {
        self.find(name).ok().and_then(|index| self.0.get(index))
    }

    /// Adds a membership; `false` if the connection is in that channel already, from when on stays as it was.
    pub(super) fn insert(&mut self, membership: Membership) -> bool {
        let Err(index) = self.find(&membership.name) else { return false };
        self.0.insert(index, membership);
        true
    }

    /// Takes a membership away; `false` if there is none.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let Ok(index) = self.find(name) else { return false };
        self.0.remove(index);
        true
    }

    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.0.iter().map(|membership| membership.name.clone()).collect()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|membership| (*membership.name).cmp(name))
    }
}

impl IntoIterator for Memberships {
    type Item = Membership;
    type IntoIter = std::vec::IntoIter<Membership>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
