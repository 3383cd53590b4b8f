//! Records by the value of a field, a few of each: those that are related to other records.

use std::collections::HashMap;
use std::sync::Arc;

use crate::data::field::{FieldRef, FieldValue};
use crate::data::query::FieldPath;
use crate::data::record::Record;

/// How many records a store returns for each value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PerKey {
    /// The field.
    pub field: FieldPath,
    /// At most so many for each value, the first in the order of the query.
    pub limit: u64,
    /// Whether the number of all matches is wanted for each value.
    pub total: bool,
    /// At most so many at all.
    pub most: u64,
}

/// What a store returns for the values of a field.
#[derive(Clone, Debug)]
pub struct FoundPerKey<R> {
    /// The records; those of one value are in the order of the query.
    pub records: Vec<Arc<R>>,
    /// The number of all matches for each value that has any, if it was asked for.
    pub totals: Vec<(FieldValue, u64)>,
}

/// A value by which records find each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Int(i64),
    Text(Arc<str>),
}

impl PerKey {
    /// Asks for so many records for each value of a field.
    pub fn new(field: FieldPath, limit: u64) -> Self {
        Self { field, limit, total: false, most: u64::MAX }
    }

    /// Asks for the number of all matches for each value, too.
    pub fn total(mut self, total: bool) -> Self {
        self.total = total;
        self
    }

    /// Asks for no more records than these.
    pub fn most(mut self, records: u64) -> Self {
        self.most = records;
        self
    }

    /// Takes what belongs to it out of all records that match, in the order of the query.
    pub fn collect<R: Record>(&self, records: impl IntoIterator<Item = Arc<R>>) -> FoundPerKey<R> {
        let mut counts: HashMap<Key, (FieldValue, u64)> = HashMap::new();
        let mut found = FoundPerKey { records: Vec::new(), totals: Vec::new() };
        for record in records {
            let value = record.lookup(&self.field);
            let Some(key) = Key::of(&value) else { continue };
            let (_, count) = counts.entry(key).or_insert_with(|| (value.into_owned(), 0));
            *count += 1;
            if *count <= self.limit && (found.records.len() as u64) < self.most {
                found.records.push(record.clone());
            }
        }
        if self.total {
            found.totals = counts.into_values().collect();
        }
        found
    }
}

impl Key {
    /// Returns the key in a field; `None` where it has none.
    pub(crate) fn of(value: &FieldRef<'_>) -> Option<Self> {
        match value {
            FieldRef::Null => None,
            FieldRef::Int(number) => Some(Self::Int(*number)),
            FieldRef::Text(text) => Some(Self::Text((**text).into())),
            other => Some(Self::Text(other.clone().into_owned().to_json().to_string().into())),
        }
    }
}
