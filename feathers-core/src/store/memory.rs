//! The in-memory store: the reference for what a query means.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::commit::Commit;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::query::{FieldPath, Order, Query, compare};
use crate::record::{Record, wrong_id};
use crate::schema::{Kind, Schema};
use crate::store::{Crud, Found, Store};

/// A service whose records live in memory.
pub type Memory<R> = Crud<MemoryStore<R>>;

/// Records in memory, in the order of creation.
#[derive(Debug)]
pub struct MemoryStore<R> {
    schema: Schema,
    records: RwLock<Records<R>>,
    next: AtomicI64,
}

#[derive(Debug)]
struct Records<R> {
    /// By the order of creation.
    ordered: BTreeMap<u64, Arc<R>>,
    places: BTreeMap<Id, u64>,
    next: u64,
}

impl<R: Record> Memory<R> {
    /// Makes an empty store in memory and serves it.
    #[allow(clippy::new_without_default, reason = "an empty store is no default service")]
    pub fn new() -> Self {
        Self::over(MemoryStore::new(R::schema()))
    }

    /// Makes an empty store whose id field has another name; only for records without a schema.
    pub fn with_id(id: &'static str) -> Self {
        let schema = R::schema();
        Self::over(MemoryStore::new(if schema.open { Schema::open(id) } else { schema }))
    }
}

impl<R: Record> MemoryStore<R> {
    /// Makes an empty store.
    pub fn new(schema: Schema) -> Self {
        let records = Records { ordered: BTreeMap::new(), places: BTreeMap::new(), next: 0 };
        Self { schema, records: RwLock::new(records), next: AtomicI64::new(1) }
    }

    fn read<T>(&self, read: impl FnOnce(&Records<R>) -> T) -> T {
        read(&self.records.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Records<R>) -> T) -> T {
        write(&mut self.records.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the form of an id under which it is kept: one record is found by `7` and by `"7"`.
    fn key(&self, id: &Id) -> Id {
        match self.schema.id_kind() {
            Some(Kind::String) => Id::Text(id.to_string().into()),
            _ => id.as_int().map_or_else(|| id.clone(), Id::Int),
        }
    }

    fn new_id(&self) -> Id {
        match self.schema.id_kind() {
            Some(Kind::String) => uuid::Uuid::now_v7().into(),
            _ => Id::Int(self.next.fetch_add(1, Ordering::Relaxed)),
        }
    }

    fn matches(&self, record: &R, query: &Query) -> bool {
        query.filter.matches(&|path: &FieldPath| record.lookup(path))
    }
}

impl<R: Record> Records<R> {
    fn by_id(&self, id: &Id) -> Option<(u64, &Arc<R>)> {
        let place = *self.places.get(id)?;
        self.ordered.get(&place).map(|record| (place, record))
    }

    /// Returns the places of the records that match, in the order of creation.
    fn matching(&self, id: Option<&Id>, matches: impl Fn(&R) -> bool) -> Vec<u64> {
        match id {
            Some(id) => {
                self.by_id(id).filter(|(_, record)| matches(record)).map(|(place, _)| place).into_iter().collect()
            }
            None => self.ordered.iter().filter(|(_, record)| matches(record)).map(|(place, _)| *place).collect(),
        }
    }
}

impl<R: Record> Store for MemoryStore<R> {
    type Record = R;

    fn schema(&self) -> &Schema {
        &self.schema
    }

    async fn find(&self, query: &Query) -> Result<Found<R>> {
        let mut records: Vec<Arc<R>> = self
            .read(|records| records.ordered.values().filter(|record| self.matches(record, query)).cloned().collect());
        let total = query.count.then_some(records.len() as u64);
        if !query.sort.is_empty() {
            records.sort_by(|a, b| {
                query.sort.iter().fold(std::cmp::Ordering::Equal, |order, (path, direction)| {
                    order.then_with(|| {
                        let order = compare(&a.lookup(path), &b.lookup(path));
                        if *direction == Order::Descending { order.reverse() } else { order }
                    })
                })
            });
        }
        let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
        let limit = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let records = records.into_iter().skip(skip).take(limit).collect();
        Ok(Found { records, total })
    }

    async fn get(&self, id: &Id, query: &Query) -> Result<Option<Arc<R>>> {
        let record = self.read(|records| records.by_id(&self.key(id)).map(|(_, record)| record.clone()));
        Ok(record.filter(|record| self.matches(record, query)))
    }

    async fn create(&self, data: Vec<R::Data>, commit: &Commit) -> Result<Vec<Arc<R>>> {
        self.write(|records| {
            let mut created: Vec<(Id, Arc<R>)> = Vec::with_capacity(data.len());
            let taken = |id: &Id, created: &[(Id, Arc<R>)]| {
                records.places.contains_key(id) || created.iter().any(|(known, _)| known == id)
            };
            for data in data {
                let id = match R::data_id(&data, self.schema.id) {
                    Some(id) => {
                        let id = self.key(&id);
                        if taken(&id, &created) {
                            return Err(Error::conflict(format!("A record with id '{id}' exists already")));
                        }
                        if let Id::Int(number) = id {
                            self.next.fetch_max(number.saturating_add(1), Ordering::Relaxed);
                        }
                        id
                    }
                    None => loop {
                        let id = self.new_id();
                        if !taken(&id, &created) {
                            break id;
                        }
                    },
                };
                created.push((id.clone(), Arc::new(R::create(data, self.schema.id, &id)?)));
            }
            for (id, record) in &created {
                let place = records.next;
                records.next += 1;
                records.places.insert(id.clone(), place);
                records.ordered.insert(place, record.clone());
            }
            commit.reached(created.len());
            Ok(created.into_iter().map(|(_, record)| record).collect())
        })
    }

    async fn update(&self, id: &Id, data: R::Data, query: &Query, commit: &Commit) -> Result<Option<Arc<R>>> {
        let key = self.key(id);
        self.write(|records| {
            let Some(place) = records.matching(Some(&key), |record| self.matches(record, query)).pop() else {
                return Ok(None);
            };
            let own =
                records.ordered.get(&place).and_then(|record| record.id(self.schema.id)).ok_or_else(|| wrong_id(id))?;
            let record = Arc::new(R::create(data, self.schema.id, &own)?);
            records.ordered.insert(place, record.clone());
            commit.reached(1);
            Ok(Some(record))
        })
    }

    async fn patch(&self, id: Option<&Id>, patch: R::Patch, query: &Query, commit: &Commit) -> Result<Vec<Arc<R>>> {
        let key = id.map(|id| self.key(id));
        self.write(|records| {
            let places = records.matching(key.as_ref(), |record| self.matches(record, query));
            let mut changed = Vec::with_capacity(places.len());
            for place in &places {
                if let Some(record) = records.ordered.get(place) {
                    let mut record = R::clone(record);
                    record.apply(self.schema.id, &patch)?;
                    changed.push(Arc::new(record));
                }
            }
            for (place, record) in places.into_iter().zip(&changed) {
                records.ordered.insert(place, record.clone());
            }
            commit.reached(changed.len());
            Ok(changed)
        })
    }

    async fn remove(&self, id: Option<&Id>, query: &Query, commit: &Commit) -> Result<Vec<Arc<R>>> {
        let key = id.map(|id| self.key(id));
        self.write(|records| {
            let places = records.matching(key.as_ref(), |record| self.matches(record, query));
            let removed: Vec<_> = places.iter().filter_map(|place| records.ordered.remove(place)).collect();
            records.places.retain(|_, place| places.binary_search(place).is_err());
            commit.reached(removed.len());
            Ok(removed)
        })
    }
}
