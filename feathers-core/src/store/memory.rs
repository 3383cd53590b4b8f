//! The in-memory store: the reference for what a query means.
//!
//! One lock guards everything, so that every call sees a whole state. All that can fail happens before the first
//! change, so that nothing is stored by half. What takes long is done without the lock, in [`scan`].

mod family;
mod keyed;
mod keys;
mod scan;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

pub(crate) use self::family::Family;
use self::family::{Kinship, alone};
use self::keys::Keys;
use self::scan::Turns;
use crate::data::data_type::DataType;
use crate::data::error::{Error, Result};
use crate::data::field::FieldValue;
use crate::data::id::Id;
use crate::data::query::{FieldPath, Filter, FindResult, Query, order};
use crate::data::record::{Record, wrong_id};
use crate::data::schema::Schema;
use crate::event::change::Change;
use crate::event::commit::Commit;
use crate::event::store_id::StoreId;
use crate::store::{Aggregate, AggregateRow, Counter, FoundPerKey, PerKey, Store, StoreContext, Totals};

/// Records in memory, gone when it is dropped.
///
/// Their own order is by id for numbers, then the order of creation for texts. Clones share the records.
///
/// A `find`, `patch` or `remove` that has to compare a lot leaves the async workers, and ends with a 408 after five
/// seconds, or when its caller goes.
#[derive(Clone, Debug)]
pub struct MemoryStore<R> {
    schema: Schema,
    records: Arc<RwLock<Records<R>>>,
    turns: Turns,
    /// Its place among the stores of a database, if one has made it.
    kinship: Option<Kinship>,
}

/// The key of a record, in the store's own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// The id itself.
    Number(i64),
    /// How many texts came before it.
    Text(u64),
}

/// An id in the one form under which it is kept: one record is found by `7` and by `"7"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Number(i64),
    Text(Arc<str>),
}

#[derive(Debug)]
struct Records<R> {
    ordered: BTreeMap<Place, Arc<R>>,
    texts: HashMap<Arc<str>, u64>,
    next_text: u64,
    numbers: Counter,
    keys: Keys,
}

impl<R: Record> MemoryStore<R> {
    /// Makes an empty store.
    pub fn new(schema: Schema) -> Self {
        let (ordered, texts) = (BTreeMap::new(), HashMap::new());
        let keys = Keys::new(&schema);
        let records = Records { ordered, texts, next_text: 0, numbers: Counter::default(), keys };
        Self { schema, records: Arc::new(RwLock::new(records)), turns: Turns::new(), kinship: None }
    }

    fn read<T>(&self, read: impl FnOnce(&Records<R>) -> T) -> T {
        read(&self.records.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, write: impl FnOnce(&mut Records<R>) -> T) -> T {
        let _writing = self.kinship.as_ref().map(Kinship::write);
        write(&mut self.records.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the form of an id under which it is kept; `None` if no record can have it.
    fn key(&self, id: &Id) -> Option<Key> {
        match (self.schema.id_type(), id) {
            (Some(DataType::String), Id::Text(text)) => Some(Key::Text(text.clone())),
            (Some(DataType::String), Id::Int(number)) => Some(Key::Text(number.to_string().into())),
            (Some(kind @ DataType::Uuid), Id::Text(text)) => match kind.read(&Value::from(&**text))? {
                FieldValue::Text(text) => Some(Key::Text(text)),
                _ => None,
            },
            (Some(DataType::Uuid), Id::Int(_)) => None,
            (Some(_), id) => id.as_int().map(Key::Number),
            (None, Id::Int(number)) => Some(Key::Number(*number)),
            // A text of more digits than a number may have is a text.
            (None, Id::Text(text)) => {
                let number = id.as_int().filter(|number| Id::is_exact(*number));
                Some(number.map_or_else(|| Key::Text(text.clone()), Key::Number))
            }
        }
    }

    /// Reads the id that data asks for, or makes one that no record has.
    fn new_key(&self, given: Option<&Id>, numbers: &mut Counter, taken: impl Fn(&Key) -> bool) -> Result<Key> {
        if let Some(id) = given {
            let key = self.key(id).ok_or_else(|| wrong_id(id))?;
            if let Key::Number(number) = key {
                numbers.choose(number)?;
            }
            return Ok(key);
        }
        if self.schema.id_type().is_some_and(DataType::is_text_id) {
            return Ok(Key::Text(uuid::Uuid::now_v7().to_string().into()));
        }
        loop {
            let number = numbers.count()?;
            let key = Key::Number(number);
            // The counter is past all smaller ones.
            if number < Counter::FOLLOWS || !taken(&key) {
                return Ok(key);
            }
        }
    }

    /// Returns the places of the records that match, in the store's own order.
    fn matching(&self, records: &Records<R>, id: Option<&Id>, query: &Query) -> Vec<Place> {
        let matches = |record: &R| matches(record, &query.filter);
        match id {
            Some(id) => {
                let place = self.key(id).and_then(|key| records.place(&key));
                place
                    .filter(|place| records.ordered.get(place).is_some_and(|record| matches(record)))
                    .into_iter()
                    .collect()
            }
            None => records.ordered.iter().filter(|(_, record)| matches(record)).map(|(place, _)| *place).collect(),
        }
    }

    fn change(&self, before: Option<&Arc<R>>, after: Option<&Arc<R>>) -> Change {
        Change::new(self.schema.id, before.cloned(), after.cloned())
    }

    fn is_long_change(&self, query: &Query) -> bool {
        scan::is_long(self.read(|records| records.ordered.len()), scan::cost_of_change(query))
    }

    /// Puts changed records in the places of the old ones, all or none.
    fn put(&self, records: &mut Records<R>, changed: &[(Place, Arc<R>)], commit: &Commit) -> Result<()> {
        let both = |(place, record): &(_, _)| self.change(records.ordered.get(place), Some(record));
        let images = || changed.iter().map(both).collect();
        commit.check(images)?;
        records.keys.check_changed(&self.schema, changed)?;
        for (place, record) in changed {
            self.check_references(records, records.ordered.get(place).map(|old| &**old), record, |_| false)?;
        }
        commit.reached(changed.len(), images);
        for (place, record) in changed {
            records.replace(*place, record.clone());
        }
        Ok(())
    }

    /// Takes records out, unless the commit refuses it.
    fn take(&self, records: &mut Records<R>, places: &[Place], commit: &Commit) -> Result<Vec<Arc<R>>> {
        let gone = |record: &Arc<R>| self.change(Some(record), None);
        commit.check(|| places.iter().filter_map(|place| records.ordered.get(place)).map(gone).collect())?;
        let key = |record: &Arc<R>| record.id(self.schema.id).and_then(|id| self.key(&id));
        let mut removed = Vec::with_capacity(places.len());
        for place in places {
            let key = records.ordered.get(place).and_then(key);
            removed.extend(records.take(*place, key));
        }
        commit.reached(removed.len(), || removed.iter().map(gone).collect());
        Ok(removed)
    }

    /// Refuses values that no store keeps.
    fn check(&self, record: &R) -> Result<()> {
        let bounded = self.schema.fields.iter().enumerate().filter(|(_, field)| field.data_type.is_bounded());
        bounded.into_iter().try_for_each(|(index, field)| field.check(&record.field(index)))
    }
}

fn matches<R: Record>(record: &R, filter: &Filter) -> bool {
    *filter == Filter::All || filter.matches(&|path: &FieldPath| record.lookup(path))
}

impl<R: Record> Records<R> {
    fn place(&self, key: &Key) -> Option<Place> {
        match key {
            Key::Number(number) => Some(Place::Number(*number)),
            Key::Text(text) => self.texts.get(text).map(|place| Place::Text(*place)),
        }
    }

    fn has(&self, key: &Key) -> bool {
        self.place(key).is_some_and(|place| self.ordered.contains_key(&place))
    }

    fn insert(&mut self, key: Key, record: Arc<R>) {
        let place = match key {
            Key::Number(number) => Place::Number(number),
            Key::Text(text) => {
                let place = self.next_text;
                self.next_text += 1;
                self.texts.insert(text, place);
                Place::Text(place)
            }
        };
        self.keys.insert(place, &*record);
        self.ordered.insert(place, record);
    }

    /// Takes a record out.
    fn take(&mut self, place: Place, key: Option<Key>) -> Option<Arc<R>> {
        let record = self.ordered.remove(&place)?;
        if let Some(Key::Text(text)) = key {
            self.texts.remove(&text);
        }
        self.keys.remove(place, &*record);
        Some(record)
    }

    /// Puts a changed record in the place of the old one.
    fn replace(&mut self, place: Place, record: Arc<R>) {
        if !self.keys.are_none()
            && let Some(old) = self.ordered.get(&place)
        {
            self.keys.remove(place, &**old);
            self.keys.insert(place, &*record);
        }
        self.ordered.insert(place, record);
    }

    /// Returns one page, and the number of all matches if it is wanted.
    fn find(&self, query: &Query) -> FindResult<R> {
        let skip = usize::try_from(query.skip).unwrap_or(usize::MAX);
        let limit = query.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let mut matching = self.ordered.values().filter(|record| matches(&***record, &query.filter));
        if query.sort.is_empty() {
            let all = query.filter == Filter::All;
            if all || !query.count {
                // No record has to be looked at only to be counted.
                let total = query.count.then_some(self.ordered.len() as u64);
                return FindResult { records: matching.skip(skip).take(limit).cloned().collect(), total };
            }
            let mut records = Vec::new();
            let mut total = 0;
            for (index, record) in matching.by_ref().enumerate() {
                total += 1;
                if index >= skip && records.len() < limit {
                    records.push(record.clone());
                }
            }
            return FindResult { records, total: Some(total) };
        }
        let mut sorted: Vec<(usize, &Arc<R>)> = matching.enumerate().collect();
        let total = query.count.then_some(sorted.len() as u64);
        // The position breaks ties, so that records that sort alike stay in the store's own order.
        let compare =
            |(i, a): &(usize, &Arc<R>), (j, b): &(usize, &Arc<R>)| order(&query.sort, &***a, &***b).then(i.cmp(j));
        let end = skip.saturating_add(limit);
        if end < sorted.len() {
            sorted.select_nth_unstable_by(end, compare);
            sorted.truncate(end);
        }
        sorted.sort_unstable_by(compare);
        FindResult { records: sorted.into_iter().skip(skip).map(|(_, record)| record.clone()).collect(), total }
    }
}

impl<R: Record> Store for MemoryStore<R> {
    type Record = R;

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn is_volatile(&self) -> bool {
        true
    }

    fn checks_commits(&self) -> bool {
        true
    }

    fn store_id(&self) -> Option<StoreId> {
        self.kinship.as_ref().map(|kinship| kinship.store().clone())
    }

    fn mistakes(&self) -> Vec<String> {
        let Some(kinship) = &self.kinship else {
            let references = self.schema.constraints.references.iter();
            return references.map(|reference| alone(&self.schema, reference)).collect();
        };
        kinship.mistakes()
    }

    async fn find(&self, query: &Query, context: &StoreContext<'_>) -> Result<FindResult<R>> {
        if let Some(found) = self.find_by_id(query) {
            return Ok(found);
        }
        let cost = scan::cost(query);
        let found = self.read(|records| (!scan::is_long(records.ordered.len(), cost)).then(|| records.find(query)));
        match found {
            Some(found) => Ok(found),
            None => Box::pin(self.find_long(query, context)).await,
        }
    }

    async fn find_per_key(
        &self,
        query: &Query,
        per_key: &PerKey,
        context: &StoreContext<'_>,
    ) -> Result<FoundPerKey<R>> {
        match self.find_keys(query, per_key) {
            Some(found) => Ok(found),
            None => Box::pin(self.find_keys_long(query, per_key, context)).await,
        }
    }

    async fn aggregate(
        &self,
        aggregate: &Aggregate,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Vec<AggregateRow>> {
        let mut totals = Totals::new(aggregate, &self.schema)?;
        let cost = scan::cost_of_aggregate(aggregate, query);
        let is_short = self.read(|records| {
            let is_short = !scan::is_long(records.ordered.len(), cost);
            if is_short {
                let matching = records.ordered.values().filter(|record| matches(&***record, &query.filter));
                matching.for_each(|record| totals.add(&**record));
            }
            is_short
        });
        if is_short { totals.finish() } else { Box::pin(self.aggregate_long(totals, query, context)).await }
    }

    async fn get(&self, id: &Id, query: &Query, _context: &StoreContext<'_>) -> Result<Option<Arc<R>>> {
        let Some(key) = self.key(id) else { return Ok(None) };
        let record = self.read(|records| records.ordered.get(&records.place(&key)?).cloned());
        Ok(record.filter(|record| matches(&**record, &query.filter)))
    }

    async fn create(&self, data: Vec<R::Draft>, context: &StoreContext<'_>) -> Result<Vec<Arc<R>>> {
        self.write(|records| {
            let mut numbers = records.numbers;
            let mut created: Vec<(Key, Arc<R>)> = Vec::with_capacity(data.len());
            let mut taken = HashSet::new();
            let several = data.len() > 1;
            for data in data {
                let given = R::data_id(&data, self.schema.id);
                let key = self.new_key(given.as_ref(), &mut numbers, |key| records.has(key) || taken.contains(key))?;
                let id = given.unwrap_or_else(|| match &key {
                    Key::Number(number) => Id::Int(*number),
                    Key::Text(text) => Id::Text(text.clone()),
                });
                if records.has(&key) || several && !taken.insert(key.clone()) {
                    return Err(Error::conflict(format!("A record with id '{id}' exists already")));
                }
                let record = R::create(data, self.schema.id, &id)?;
                self.check(&record)?;
                created.push((key, Arc::new(record)));
            }
            let new = |(_, record): &(_, Arc<R>)| self.change(None, Some(record));
            context.commit().check(|| created.iter().map(new).collect())?;
            records.keys.check_new(&self.schema, created.iter().map(|(_, record)| &**record))?;
            self.check_new_references(records, &created)?;
            records.numbers = numbers;
            context.commit().reached(created.len(), || created.iter().map(new).collect());
            let result = created.iter().map(|(_, record)| record.clone()).collect();
            for (key, record) in created {
                records.insert(key, record);
            }
            Ok(result)
        })
    }

    async fn update(
        &self,
        id: &Id,
        data: R::Draft,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Option<Arc<R>>> {
        self.write(|records| {
            let Some(place) = self.matching(records, Some(id), query).pop() else { return Ok(None) };
            let Some(record) = records.ordered.get(&place) else { return Ok(None) };
            let own = record.id(self.schema.id).ok_or_else(|| wrong_id(id))?;
            let changed = record.replace(data, self.schema.id, &own)?;
            self.check(&changed)?;
            let changed = Arc::new(changed);
            self.put(records, &[(place, changed.clone())], context.commit())?;
            Ok(Some(changed))
        })
    }

    async fn patch(
        &self,
        id: Option<&Id>,
        patch: R::PatchDraft,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<R>>> {
        if id.is_none() && self.is_long_change(query) {
            return Box::pin(self.patch_long(patch, query, context)).await;
        }
        self.write(|records| {
            let places = self.matching(records, id, query);
            let mut changed = Vec::with_capacity(places.len());
            for place in places {
                if let Some(record) = records.ordered.get(&place) {
                    let mut record = R::clone(record);
                    record.apply(self.schema.id, &patch)?;
                    self.check(&record)?;
                    changed.push((place, Arc::new(record)));
                }
            }
            self.put(records, &changed, context.commit())?;
            Ok(changed.into_iter().map(|(_, record)| record).collect())
        })
    }

    async fn remove(&self, id: Option<&Id>, query: &Query, context: &StoreContext<'_>) -> Result<Vec<Arc<R>>> {
        if id.is_none() && self.is_long_change(query) {
            return Box::pin(self.remove_long(query, context)).await;
        }
        if self.is_referred() {
            return self.remove_related(id, query, context.commit());
        }
        self.write(|records| {
            let places = self.matching(records, id, query);
            self.take(records, &places, context.commit())
        })
    }
}
