//! Conditions on related records, once the related service has been asked for them.

use std::sync::Arc;

use serde_json::Value;

use crate::data::field::FieldValue;
use crate::data::query::{Comparison, FieldPath, Filter};
use crate::data::schema::Schema;

/// A condition on a related record: the keys of those that match.
#[derive(Clone, Debug)]
pub(crate) struct Through {
    /// The name that it stands under in the query, such as `author.email`.
    pub(crate) name: Arc<str>,
    /// What stands there.
    pub(crate) value: Value,
    /// The field that holds one of the keys.
    pub(crate) field: &'static str,
    pub(crate) keys: Vec<FieldValue>,
    /// How often it stands in the query.
    pub(crate) uses: u64,
}

impl Through {
    /// Returns the condition on the key.
    pub(super) fn filter(&self, schema: &Schema) -> Filter {
        Filter::Field(FieldPath::new(self.field, schema), Comparison::In(self.keys.clone()))
    }
}

/// Finds what a condition has become, if it leads through a relation.
pub(super) fn find<'a>(all: &'a [Through], name: &str, value: &Value) -> Option<&'a Through> {
    all.iter().find(|through| *through.name == *name && through.value == *value)
}

/// Returns what they add to the cost of a query: it is that of another query.
pub(super) fn cost(all: &[Through]) -> u64 {
    all.iter().map(|through| through.keys.len() as u64 * through.uses).sum()
}
