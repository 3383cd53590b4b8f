//! Keys: what the records of a store in memory have that no two may have, and where each of it is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::Place;
use super::family::id_of;
use crate::data::error::Result;
use crate::data::field::FieldRef;
use crate::data::id::Id;
use crate::data::record::Record;
use crate::data::schema::Schema;
use crate::data::schema::constraint::{Unique, fold_case};

/// One value of a key, so that equal values are equal keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    Bool(bool),
    Int(i64),
    /// The bits of a number; both zeros are the same.
    Float(u64),
    Text(Box<str>),
    Instant(i64),
    Duration(i64),
    /// A decimal in units of the last place that there can be.
    Decimal(i128),
    Bytes(Box<[u8]>),
}

/// The values of the fields of one constraint.
type Key = Box<[Part]>;

/// The keys of all records and what they refer to, for each constraint of the schema.
#[derive(Debug)]
pub(super) struct Keys {
    unique: Box<[Index]>,
    references: Box<[References]>,
}

#[derive(Debug)]
struct Index {
    unique: &'static Unique,
    /// The indices of the fields, and whether their texts are folded.
    fields: Box<[(usize, bool)]>,
    places: HashMap<Key, Place>,
}

/// Which records refer to which others by one field.
#[derive(Debug)]
struct References {
    name: &'static str,
    field: usize,
    places: HashMap<Id, BTreeSet<Place>>,
}

impl Keys {
    pub(super) fn new(schema: &Schema) -> Self {
        let index = |unique: &'static Unique| {
            let fields = unique.fields.iter();
            let fields = fields.filter_map(|name| Some((schema.index(name)?, unique.folds(name, schema))));
            Index { unique, fields: fields.collect(), places: HashMap::new() }
        };
        let references = schema.constraints.references.iter().filter_map(|reference| {
            let (name, field) = (reference.field, schema.index(reference.field)?);
            Some(References { name, field, places: HashMap::new() })
        });
        Self { unique: schema.constraints.unique.iter().map(index).collect(), references: references.collect() }
    }

    pub(super) fn are_none(&self) -> bool {
        self.unique.is_empty() && self.references.is_empty()
    }

    /// Checks that new records have no key of another record.
    pub(super) fn check_new<'a, R: Record>(&self, schema: &Schema, records: impl Iterator<Item = &'a R>) -> Result<()> {
        if self.unique.is_empty() {
            return Ok(());
        }
        let mut new: Vec<HashSet<Key>> = vec![HashSet::new(); self.unique.len()];
        for record in records {
            for (index, new) in self.unique.iter().zip(&mut new) {
                if let Some(key) = index.key(record)
                    && (index.places.contains_key(&key) || !new.insert(key))
                {
                    return Err(index.unique.taken(schema));
                }
            }
        }
        Ok(())
    }

    /// Checks that changed records have no key of another record, which may be one that is changed with them.
    pub(super) fn check_changed<R: Record>(&self, schema: &Schema, changed: &[(Place, Arc<R>)]) -> Result<()> {
        if self.unique.is_empty() {
            return Ok(());
        }
        let mut new: Vec<HashSet<Key>> = vec![HashSet::new(); self.unique.len()];
        for (place, record) in changed {
            for (index, new) in self.unique.iter().zip(&mut new) {
                if let Some(key) = index.key(&**record)
                    && (index.places.get(&key).is_some_and(|other| other != place) || !new.insert(key))
                {
                    return Err(index.unique.taken(schema));
                }
            }
        }
        Ok(())
    }

    /// Returns the places of the records that refer to one by a field, in the store's own order.
    pub(super) fn referring(&self, field: &str, id: &Id) -> impl Iterator<Item = Place> {
        let references = self.references.iter().find(|references| references.name == field);
        references.and_then(|references| references.places.get(id)).into_iter().flatten().copied()
    }

    /// Notes the keys of a record.
    pub(super) fn insert<R: Record>(&mut self, place: Place, record: &R) {
        for index in &mut self.unique {
            if let Some(key) = index.key(record) {
                index.places.insert(key, place);
            }
        }
        for references in &mut self.references {
            if let Some(id) = id_of(record.field(references.field)) {
                references.places.entry(id).or_default().insert(place);
            }
        }
    }

    /// Forgets the keys of a record.
    pub(super) fn remove<R: Record>(&mut self, place: Place, record: &R) {
        for index in &mut self.unique {
            if let Some(key) = index.key(record) {
                index.places.remove(&key);
            }
        }
        for references in &mut self.references {
            if let Some(id) = id_of(record.field(references.field))
                && let Some(places) = references.places.get_mut(&id)
            {
                places.remove(&place);
                if places.is_empty() {
                    references.places.remove(&id);
                }
            }
        }
    }
}

impl Index {
    /// Returns the key of a record; `None` if one of its values is `null`, which is equal to nothing.
    fn key<R: Record>(&self, record: &R) -> Option<Key> {
        self.fields.iter().map(|(index, folds)| part(record.field(*index), *folds)).collect()
    }
}

fn part(value: FieldRef<'_>, folds: bool) -> Option<Part> {
    Some(match value {
        FieldRef::Null => return None,
        FieldRef::Bool(value) => Part::Bool(value),
        FieldRef::Int(value) => Part::Int(value),
        FieldRef::Float(value) => Part::Float(if value == 0.0 { 0 } else { value.to_bits() }),
        FieldRef::Text(text) if folds => Part::Text(fold_case(&text).into()),
        FieldRef::Text(text) => Part::Text(text.into()),
        FieldRef::Instant(micros) => Part::Instant(micros),
        FieldRef::Duration(micros) => Part::Duration(micros),
        FieldRef::Decimal(number) => Part::Decimal(number.exact()),
        FieldRef::Bytes(bytes) => Part::Bytes(bytes.into()),
        other => Part::Text(other.into_owned().to_json().to_string().into()),
    })
}
