//! Values by name, in the order in which the names came.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Up to this many names are looked through one by one, which is less work than hashing; past that there is an index.
const FEW: usize = 16;

/// A map for the names of a query, of which there are few, but as many as a client likes.
pub(super) struct Entries<K, V> {
    list: Vec<(K, V)>,
    /// The place of each name, or nothing while there are few.
    index: HashMap<K, usize>,
}

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self { list: Vec::new(), index: HashMap::default() }
    }
}

impl<K: Borrow<str> + Clone + Eq + Hash, V> Entries<K, V> {
    /// Returns the value of a name.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut V> {
        let place = if self.index.is_empty() {
            self.list.iter().position(|(key, _)| key.borrow() == name)
        } else {
            self.index.get(name).copied()
        };
        self.list.get_mut(place?).map(|(_, value)| value)
    }

    /// Adds a name that is not there yet.
    pub(super) fn push(&mut self, name: K, value: V) {
        self.list.push((name, value));
        if self.list.len() > FEW {
            let missing = self.list.iter().enumerate().skip(self.index.len());
            self.index.extend(missing.map(|(place, (name, _))| (name.clone(), place)));
        }
    }

    /// Returns the number of names.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

impl<K, V> IntoIterator for Entries<K, V> {
    type Item = (K, V);
    type IntoIter = std::vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}
