//! Finds by keys: a filter that names the values of one field does not compare every record with each of them.

use std::collections::HashSet;

use super::scan::{self, Scan};
use super::{MemoryStore, Place, matches};
use crate::data::data_type::DataType;
use crate::data::error::Result;
use crate::data::field::FieldValue;
use crate::data::query::{Comparison, FieldPath, Filter, FindResult, PageBuilder, Query};
use crate::data::record::Record;
use crate::store::per_key::Key;
use crate::store::{FoundPerKey, PerKey, StoreContext};

/// From so many values on a look-up is quicker than comparing.
const MANY: usize = 8;

/// A filter that demands one of several values of one field, and something else.
pub(super) struct Keyed<'a> {
    values: &'a [FieldValue],
    rest: Vec<&'a Filter>,
}

impl<'a> Keyed<'a> {
    /// Finds the values of a field that a filter demands; `None` if it demands none.
    pub(super) fn of(filter: &'a Filter, is_field: impl Fn(&FieldPath) -> bool) -> Option<Self> {
        let parts = match filter {
            Filter::And(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let values = |part: &'a Filter| match part {
            Filter::Field(path, Comparison::In(values)) if path.is_plain() && is_field(path) => Some(values.as_slice()),
            _ => None,
        };
        let place = parts.iter().position(|part| values(part).is_some())?;
        let values = parts.get(place).and_then(values)?;
        let rest = parts.iter().enumerate().filter(|(own, _)| *own != place).map(|(_, part)| part).collect();
        Some(Self { values, rest })
    }

    fn matches<R: Record>(&self, record: &R) -> bool {
        self.rest.iter().all(|part| matches(record, part))
    }

    /// Returns what it takes to look at one record by its key.
    fn cost(&self) -> u64 {
        1 + self.rest.iter().map(|part| part.cost()).sum::<u64>()
    }
}

/// Tests the records of a find for each value of a field, with one look at each.
struct Test<'a> {
    keyed: Option<(Keyed<'a>, HashSet<Key>)>,
    filter: &'a Filter,
    field: &'a FieldPath,
}

impl<'a> Test<'a> {
    fn new(query: &'a Query, per_key: &'a PerKey) -> Self {
        let keyed = Keyed::of(&query.filter, |path| *path == per_key.field).filter(|keyed| keyed.values.len() >= MANY);
        let keyed = keyed.map(|keyed| {
            let keys = keyed.values.iter().filter_map(|value| Key::of(&value.borrowed())).collect();
            (keyed, keys)
        });
        Self { keyed, filter: &query.filter, field: &per_key.field }
    }

    fn matches<R: Record>(&self, record: &R) -> bool {
        match &self.keyed {
            Some((keyed, keys)) => {
                Key::of(&record.lookup(self.field)).is_some_and(|key| keys.contains(&key)) && keyed.matches(record)
            }
            None => matches(record, self.filter),
        }
    }

    fn cost(&self) -> u64 {
        self.keyed.as_ref().map_or_else(|| self.filter.cost(), |(keyed, _)| keyed.cost())
    }
}

/// Collects all that match, in the order of a query.
fn all<R: Record>(query: &Query) -> PageBuilder<R> {
    let all = Query { count: false, limit: None, skip: 0, ..query.clone() };
    PageBuilder::new(&all, query.sort.is_empty())
}

impl<R: Record> MemoryStore<R> {
    /// Finds by ids, if the filter demands some and there are not too many of them.
    pub(super) fn find_by_id(&self, query: &Query) -> Option<FindResult<R>> {
        let kind = self.schema.id_type().filter(|kind| matches!(kind, DataType::Integer | DataType::String))?;
        let keyed = Keyed::of(&query.filter, |path| path.name() == self.schema.id)?;
        let cost = keyed.cost() + scan::cost_of_sort(query);
        if scan::is_long(keyed.values.len(), cost) {
            return None;
        }
        Some(self.read(|records| {
            let place = |value: &FieldValue| {
                let key = match (kind, value) {
                    (DataType::Integer, FieldValue::Int(number)) => super::Key::Number(*number),
                    (DataType::String, FieldValue::Text(text)) => super::Key::Text(text.clone()),
                    _ => return None,
                };
                records.place(&key)
            };
            let mut places: Vec<Place> = keyed.values.iter().filter_map(place).collect();
            places.sort_unstable();
            places.dedup();
            let mut page = PageBuilder::new(query, query.sort.is_empty());
            for record in places.iter().filter_map(|place| records.ordered.get(place)) {
                if page.is_full() {
                    break;
                }
                if keyed.matches(&**record) {
                    page.push(record.clone());
                }
            }
            page.finish()
        }))
    }

    /// Finds a few records for each value of a field; `None` if that takes long.
    pub(super) fn find_keys(&self, query: &Query, per_key: &PerKey) -> Option<FoundPerKey<R>> {
        let test = Test::new(query, per_key);
        let cost = test.cost() + scan::cost_of_sort(query);
        self.read(|records| {
            if scan::is_long(records.ordered.len(), cost) {
                return None;
            }
            let mut page = all(query);
            let matching = records.ordered.values().filter(|record| test.matches(&***record));
            matching.for_each(|record| page.push(record.clone()));
            Some(per_key.collect(page.finish().records))
        })
    }

    /// Does the same on another thread.
    pub(super) async fn find_keys_long(
        &self,
        query: &Query,
        per_key: &PerKey,
        context: &StoreContext<'_>,
    ) -> Result<FoundPerKey<R>> {
        let (store, query, per_key) = (self.clone(), query.clone(), per_key.clone());
        let find = move |scan: &mut Scan| {
            let (test, mut page) = (Test::new(&query, &per_key), all(&query));
            let records: Vec<_> = store.read(|records| records.ordered.values().cloned().collect());
            for record in records {
                scan.check()?;
                if test.matches(&*record) {
                    page.push(record);
                }
            }
            Ok(per_key.collect(page.finish().records))
        };
        self.turns.run(context, find).await
    }
}
