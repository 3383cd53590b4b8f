//! The index: the groups of a service by the values that their rights ask for.
//!
//! Most rules say that a field has a value: the organisation of the user, or the user. The groups with such rights are
//! found by the values of a record, so that the work for an event grows with those that may see it, and not with all.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::Group;
use crate::data::field::{FieldRef, FieldValue};
use crate::data::query::{Comparison, FieldPath, Filter};

/// More groups than this without a value to find them by are counted: each event is compared with all of them.
const MOST_SCANNED: usize = 1_000;

/// The groups of one service.
#[derive(Default)]
pub(super) struct Index {
    fields: Vec<(FieldPath, Values)>,
    /// Those that no value finds.
    rest: Vec<Arc<Group>>,
}

/// The groups that ask for a value of one field.
#[derive(Default)]
struct Values {
    texts: HashMap<Arc<str>, Vec<Arc<Group>>>,
    others: HashMap<Plain, Vec<Arc<Group>>>,
}

/// A value that is no text, and that equals no other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Plain {
    Null,
    Bool(bool),
    Int(i64),
}

/// Where a group stands: under each of these values.
pub(super) type Anchors = Vec<(FieldPath, FieldValue)>;

impl Index {
    /// Adds a group; what is returned finds it again. `None` is for one that no value finds.
    pub(super) fn insert(&mut self, group: &Arc<Group>) -> Option<Anchors> {
        let Some(anchors) = self.anchors(&group.rights().filter) else {
            self.rest.push(group.clone());
            if self.rest.len() > MOST_SCANNED {
                metrics::counter!(crate::metrics::READERS_SCANNED).increment(1);
            }
            return None;
        };
        for (path, value) in &anchors {
            if let Some(bucket) = self.values_mut(path).bucket_mut(value)
                && !bucket.iter().any(|other| Arc::ptr_eq(other, group))
            {
                bucket.push(group.clone());
            }
        }
        Some(anchors)
    }

    /// Takes a group away.
    pub(super) fn remove(&mut self, group: &Arc<Group>, anchors: Option<&Anchors>) {
        let Some(anchors) = anchors else { return take(&mut self.rest, group) };
        for (path, value) in anchors {
            self.values_mut(path).remove(value, group);
        }
    }

    /// Calls back for each group that may see a record with these values, for some of them more than once.
    pub(super) fn candidates<'a>(
        &self,
        lookup: &impl Fn(&FieldPath) -> FieldRef<'a>,
        mut found: impl FnMut(&Arc<Group>),
    ) {
        for (path, values) in &self.fields {
            values.find(&lookup(path), &mut found);
        }
        self.rest.iter().for_each(found);
    }

    /// Returns values of which a record must have one to match; `None` if there are none that can be looked up.
    fn anchors(&self, filter: &Filter) -> Option<Anchors> {
        match filter {
            // The rarest are the best.
            Filter::And(all) => {
                all.iter().filter_map(|one| self.anchors(one)).min_by_key(|anchors| self.crowd(anchors))
            }
            Filter::Or(branches) => {
                let branches: Option<Vec<Anchors>> = branches.iter().map(|one| self.anchors(one)).collect();
                Some(branches?.concat())
            }
            Filter::Field(path, Comparison::Equal(value)) => {
                is_plain(value).then(|| vec![(path.clone(), value.clone())])
            }
            Filter::Field(path, Comparison::In(values)) => {
                values.iter().all(is_plain).then(|| values.iter().map(|value| (path.clone(), value.clone())).collect())
            }
            Filter::All | Filter::Field(..) => None,
        }
    }

    /// Returns how many groups stand under these values already.
    fn crowd(&self, anchors: &Anchors) -> usize {
        let count = |(path, value): &(FieldPath, FieldValue)| {
            let values = self.fields.iter().find(|(own, _)| own == path);
            values.and_then(|(_, values)| values.bucket(value)).map_or(0, Vec::len)
        };
        anchors.iter().map(count).sum()
    }

    fn values_mut(&mut self, path: &FieldPath) -> &mut Values {
        let place = self.fields.iter().position(|(own, _)| own == path).unwrap_or_else(|| {
            self.fields.push((path.clone(), Values::default()));
            self.fields.len() - 1
        });
        &mut self.fields[place].1
    }
}

impl Values {
    fn find(&self, field: &FieldRef<'_>, found: &mut impl FnMut(&Arc<Group>)) {
        let groups = match field {
            FieldRef::Text(text) => self.texts.get(&**text),
            FieldRef::Json(json) => {
                // A list matches by its elements.
                if let Value::Array(items) = &**json {
                    for item in items {
                        self.find(&FieldRef::from_json(item), found);
                    }
                }
                return;
            }
            FieldRef::Float(number) => whole(*number).and_then(|whole| self.others.get(&Plain::Int(whole))),
            FieldRef::Null => self.others.get(&Plain::Null),
            FieldRef::Bool(value) => self.others.get(&Plain::Bool(*value)),
            FieldRef::Int(value) => self.others.get(&Plain::Int(*value)),
            // No group is found by one: a rule that asks for it is compared with each record.
            FieldRef::Instant(_) | FieldRef::Duration(_) | FieldRef::Decimal(_) | FieldRef::Bytes(_) => return,
        };
        groups.into_iter().flatten().for_each(found);
    }

    fn bucket(&self, value: &FieldValue) -> Option<&Vec<Arc<Group>>> {
        match value {
            FieldValue::Text(text) => self.texts.get(text),
            other => self.others.get(&plain(other)?),
        }
    }

    fn bucket_mut(&mut self, value: &FieldValue) -> Option<&mut Vec<Arc<Group>>> {
        match value {
            FieldValue::Text(text) => Some(self.texts.entry(text.clone()).or_default()),
            other => Some(self.others.entry(plain(other)?).or_default()),
        }
    }

    fn remove(&mut self, value: &FieldValue, group: &Arc<Group>) {
        let Some(bucket) = self.bucket_mut(value) else { return };
        take(bucket, group);
        if bucket.is_empty() {
            match value {
                FieldValue::Text(text) => drop(self.texts.remove(text)),
                other => drop(plain(other).and_then(|plain| self.others.remove(&plain))),
            }
        }
    }
}

fn take(groups: &mut Vec<Arc<Group>>, group: &Arc<Group>) {
    if let Some(place) = groups.iter().position(|other| Arc::ptr_eq(other, group)) {
        groups.swap_remove(place);
    }
}

/// Tells whether records with a value can be looked up: it equals nothing that looks different.
fn is_plain(value: &FieldValue) -> bool {
    matches!(value, FieldValue::Text(_)) || plain(value).is_some()
}

fn plain(value: &FieldValue) -> Option<Plain> {
    match value {
        FieldValue::Null => Some(Plain::Null),
        FieldValue::Bool(value) => Some(Plain::Bool(*value)),
        FieldValue::Int(value) => Some(Plain::Int(*value)),
        _ => None,
    }
}

/// Returns the whole number that a float equals.
fn whole(number: f64) -> Option<i64> {
    // 2^63: from here on a float is larger than every i64.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is in the range of i64, and has no fraction")]
    (number.fract() == 0.0 && (-BOUND..BOUND).contains(&number)).then_some(number as i64)
}

#[cfg(test)]
mod tests;
