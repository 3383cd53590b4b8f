//! The stores of one database in memory: what refers to their records, and what removing one changes in others.
//!
//! One of them is written to at a time. A write that changes several holds the locks of all of them for the change, so
//! that every reader sees all of it or nothing.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Map, Value};

use super::{Key, MemoryStore, Place, Records};
use crate::data::error::{Error, Result};
use crate::data::field::FieldRef;
use crate::data::id::Id;
use crate::data::query::Query;
use crate::data::record::Record;
use crate::data::schema::Schema;
use crate::data::schema::constraint::Reference;
use crate::event::change::{Change, StoreChange};
use crate::event::commit::Commit;
use crate::event::store_id::StoreId;
use crate::store::relations::{MAX_CHANGES, Relations};

/// The stores of one database.
#[derive(Debug, Default)]
pub(crate) struct Family {
    /// Held by every write to one of them.
    writing: Mutex<()>,
    members: RwLock<Members>,
}

#[derive(Debug, Default)]
struct Members {
    relations: Relations,
    /// Each by its number.
    stores: Vec<Box<dyn Member>>,
}

/// The place of a store among those of its database.
#[derive(Clone, Debug)]
pub(super) struct Kinship {
    family: Arc<Family>,
    number: usize,
    store: StoreId,
}

/// A store of a database, whatever its records are.
trait Member: Send + Sync {
    fn any(&self) -> &dyn Any;
    fn has(&self, id: &Id) -> bool;
    /// Returns the ids of the records that refer to some, each with that one, as many as count.
    fn referring(&self, reference: &Reference, ids: &[Id]) -> Vec<(Id, Id)>;
    fn lock(&self) -> Box<dyn Locked + '_>;
}

/// A store whose lock is held.
trait Locked {
    /// Sets fields of a record to `null`.
    fn clear(&mut self, id: &Id, fields: &[&'static str]) -> Result<Option<Change>>;
    /// Takes a record out.
    fn remove(&mut self, id: &Id) -> Option<Change>;
}

impl Family {
    fn members(&self) -> RwLockReadGuard<'_, Members> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kinship {
    /// Waits until no other store of the database is written to.
    pub(super) fn write(&self) -> MutexGuard<'_, ()> {
        self.family.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn store(&self) -> &StoreId {
        &self.store
    }

    pub(super) fn mistakes(&self) -> Vec<String> {
        self.family.members().relations.mistakes(self.number)
    }
}

impl<R: Record> MemoryStore<R> {
    /// Makes the store of a type of records at a place of a database, or returns the one that is there.
    pub(crate) fn in_family(family: &Arc<Family>, place: &str, is_default: bool) -> Self {
        let schema = R::schema();
        let mut members = family.members.write().unwrap_or_else(PoisonError::into_inner);
        let number = members.relations.add::<R>(&schema, place, is_default);
        let known = members.stores.get(number).and_then(|known| known.any().downcast_ref::<Self>()).cloned();
        let own = known.unwrap_or_else(|| Self::new(schema));
        if members.stores.len() == number {
            members.stores.push(Box::new(own.clone()));
        }
        let store = members.relations.store_id(number);
        Self { kinship: Some(Kinship { family: family.clone(), number, store }), ..own }
    }

    /// Tells whether removing a record can change others.
    pub(super) fn is_referred(&self) -> bool {
        self.kinship.as_ref().is_some_and(|kinship| kinship.store.is_referred())
    }

    /// Checks that the records exist to which a new or changed one refers; `also` are those that are new with it.
    pub(super) fn check_references(
        &self,
        records: &Records<R>,
        before: Option<&R>,
        after: &R,
        also: impl Fn(&Key) -> bool,
    ) -> Result<()> {
        for reference in self.schema.constraints.references {
            let Some(index) = self.schema.index(reference.field) else { continue };
            let value = after.field(index);
            let is_same = before.is_some_and(|before| before.field(index) == value);
            let Some(id) = id_of(value).filter(|_| !is_same) else { continue };
            let kinship = self.kinship.as_ref().ok_or_else(|| Error::general(alone(&self.schema, reference)))?;
            let members = kinship.family.members();
            let target = members.relations.target(kinship.number, reference)?;
            let exists = if target == kinship.number {
                self.key(&id).is_some_and(|key| records.has(&key) || also(&key))
            } else {
                members.stores.get(target).is_some_and(|store| store.has(&id))
            };
            if !exists {
                return Err(reference.missing(&self.schema, id));
            }
        }
        Ok(())
    }

    /// Checks that the records exist to which new ones refer: also those before them in the same call, and they themselves.
    pub(super) fn check_new_references(&self, records: &Records<R>, created: &[(Key, Arc<R>)]) -> Result<()> {
        if self.schema.constraints.references.is_empty() {
            return Ok(());
        }
        let new: HashMap<&Key, usize> = created.iter().enumerate().map(|(index, (key, _))| (key, index)).collect();
        for (index, (_, record)) in created.iter().enumerate() {
            let is_new = |key: &Key| new.get(key).is_some_and(|own| *own <= index);
            self.check_references(records, None, record, is_new)?;
        }
        Ok(())
    }

    /// Removes records with all that is removed or changed with them.
    pub(super) fn remove_related(&self, id: Option<&Id>, query: &Query, commit: &Commit) -> Result<Vec<Arc<R>>> {
        let Some(kinship) = &self.kinship else { return Ok(Vec::new()) };
        let _writing = kinship.write();
        let gone: Vec<Arc<R>> = self.read(|records| {
            let places = self.matching(records, id, query).into_iter();
            places.filter_map(|place| records.ordered.get(&place).cloned()).collect()
        });
        let images = || gone.iter().map(|record| self.change(Some(record), None)).collect();
        commit.check(images)?;
        let ids: Vec<Id> = gone.iter().filter_map(|record| record.id(self.schema.id)).collect();
        let members = kinship.family.members();
        let Members { relations, stores } = &*members;
        let cascade = relations.cascade(kinship.number, &ids, |number, reference, ids| {
            Ok::<_, Error>(stores.get(number).map(|store| store.referring(reference, ids)).unwrap_or_default())
        })?;
        let numbers = cascade.cleared.iter().map(|cleared| cleared.store);
        let numbers = numbers.chain(cascade.removed.iter().map(|removed| removed.store));
        let mut locked = BTreeMap::new();
        for number in numbers {
            if let Some(store) = stores.get(number) {
                locked.entry(number).or_insert_with(|| store.lock());
            }
        }
        let mut others = Vec::new();
        let mut note = |number, change: Option<Change>| {
            others.extend(change.map(|change| StoreChange::new(relations.store_id(number), change)));
        };
        for cleared in &cascade.cleared {
            if let Some(store) = locked.get_mut(&cleared.store) {
                note(cleared.store, store.clear(&cleared.id, &cleared.fields)?);
            }
        }
        for removed in &cascade.removed {
            let change = locked.get_mut(&removed.store).and_then(|store| store.remove(&removed.id));
            note(removed.store, change.filter(|_| !removed.is_asked_for));
        }
        commit.reached_with(others, gone.len(), images);
        Ok(gone)
    }
}

/// Says that a store that refers to another one is made by no database.
pub(super) fn alone(schema: &Schema, reference: &Reference) -> String {
    let (record, target) = (schema.name, reference.target().name);
    format!(
        "{record} refers to {target} by '{}': stores that refer to each other are made by one database, such as \
         `Database::memory()`, and not each by `Memory::new()`",
        reference.field
    )
}

/// Reads the id that a field holds.
pub(super) fn id_of(value: FieldRef<'_>) -> Option<Id> {
    match value {
        FieldRef::Int(number) => Some(Id::Int(number)),
        FieldRef::Text(text) => Some(Id::Text(text.into())),
        FieldRef::Float(number) => Some(Id::Text(number.to_string().into())),
        _ => None,
    }
}

impl<R: Record> Member for MemoryStore<R> {
    fn any(&self) -> &dyn Any {
        self
    }

    fn has(&self, id: &Id) -> bool {
        self.key(id).is_some_and(|key| self.read(|records| records.has(&key)))
    }

    fn referring(&self, reference: &Reference, ids: &[Id]) -> Vec<(Id, Id)> {
        self.read(|records| {
            let places = |id| records.keys.referring(reference.field, id).map(move |place| (place, id));
            let own = |(place, id): (Place, &Id)| Some((records.ordered.get(&place)?.id(self.schema.id)?, id.clone()));
            ids.iter().flat_map(places).filter_map(own).take(MAX_CHANGES + 1).collect()
        })
    }

    fn lock(&self) -> Box<dyn Locked + '_> {
        let records = self.records.write().unwrap_or_else(PoisonError::into_inner);
        Box::new(Writing { store: self, records })
    }
}

struct Writing<'a, R> {
    store: &'a MemoryStore<R>,
    records: RwLockWriteGuard<'a, Records<R>>,
}

impl<R: Record> Writing<'_, R> {
    fn place(&self, id: &Id) -> Option<Place> {
        self.store.key(id).and_then(|key| self.records.place(&key))
    }
}

impl<R: Record> Locked for Writing<'_, R> {
    fn clear(&mut self, id: &Id, fields: &[&'static str]) -> Result<Option<Change>> {
        let Some((place, before)) = self.place(id).and_then(|place| Some((place, self.records.ordered.get(&place)?)))
        else {
            return Ok(None);
        };
        let nulls: Map<String, Value> = fields.iter().map(|field| ((*field).to_owned(), Value::Null)).collect();
        let patch: R::PatchDraft = serde_json::from_value(Value::Object(nulls))?;
        let before = before.clone();
        let mut after = R::clone(&before);
        after.apply(self.store.schema.id, &patch)?;
        let after = Arc::new(after);
        self.records.replace(place, after.clone());
        Ok(Some(self.store.change(Some(&before), Some(&after))))
    }

    fn remove(&mut self, id: &Id) -> Option<Change> {
        let place = self.place(id)?;
        let record = self.records.take(place, self.store.key(id))?;
        Some(self.store.change(Some(&record), None))
    }
}

impl fmt::Debug for dyn Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}
