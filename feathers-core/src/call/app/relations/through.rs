//! Filters through relations: `requester.email=ann@example.com` becomes a condition on the key of the related record.
//!
//! The related service is asked with the rights of the caller, so that a filter finds nothing out that its caller may
//! not read.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::call::app::relations::fetch::{Reader, distinct};
use crate::call::app::relations::{Branch, Relations};
use crate::call::params::Params;
use crate::data::error::{Error, Result};
use crate::data::query::Through;
use crate::data::record::RecordType;
use crate::data::schema::RelationKind;

/// How many conditions of a query may lead through relations: each is a query of its own.
const CONDITIONS: usize = 8;
/// How many related records such a condition may match.
const MATCHES: usize = 10_000;
/// With how many values such a condition may compare.
const VALUES: usize = 1_000;

/// What the conditions of a call have become.
#[derive(Clone)]
pub(crate) struct Resolved(Arc<[Through]>);

impl Resolved {
    /// Returns what the conditions of a call have become.
    pub(crate) fn of(params: &Params) -> &[Through] {
        params.get::<Self>().map_or(&[], |resolved| &resolved.0)
    }
}

/// A path that clients may filter by.
pub(super) struct Filtered {
    path: Arc<str>,
    branch: Branch,
    /// The field of the related record.
    field: Arc<str>,
}

impl Filtered {
    /// Checks a path that a mount allows.
    pub(super) fn new(record: &'static dyn RecordType, path: &Arc<str>) -> Result<Self, String> {
        let what = || format!("filters through relations are named like 'author.email', and '{path}' is not");
        let (relation, field) = path.split_once('.').ok_or_else(what)?;
        let branch = Branch::new(record, relation).ok_or_else(|| super::unknown(&record.schema(), relation))?;
        if matches!(branch.relation.kind, RelationKind::Through { .. }) {
            return Err(format!("there are no filters through '{relation}', which has records between"));
        }
        let schema = branch.types.record.schema();
        if schema.field(field).is_none_or(|field| field.hidden) {
            return Err(format!("{} has no field '{field}' that clients may see", schema.name));
        }
        Ok(Self { path: path.clone(), branch, field: field.into() })
    }

    pub(super) fn branch(&self) -> &Branch {
        &self.branch
    }

    /// Asks for the keys of the related records that match.
    async fn resolve(&self, value: &Value, record: &'static dyn RecordType, reader: &Reader<'_>) -> Result<Through> {
        let (related, own) = match self.branch.relation.kind {
            RelationKind::HasMany { key, .. } => (key, record.schema().id),
            RelationKind::BelongsTo { key } => (self.branch.types.record.schema().id, key),
            RelationKind::Through { .. } => return Err(Error::internal("records between")),
        };
        let path = &self.path;
        if size(value) > VALUES {
            return Err(Error::bad_request(format!("'{path}' compares with more than {VALUES} values")));
        }
        let mut query = Map::new();
        query.insert(self.field.to_string(), value.clone());
        query.insert("$limit".to_owned(), json!(MATCHES + 1));
        let keys = reader.keys(&self.branch, query, related).await?;
        if keys.len() > MATCHES {
            return Err(Error::bad_request(format!("'{path}' matches more than {MATCHES} records: ask for fewer")));
        }
        Ok(Through { name: path.clone(), value: value.clone(), field: own, keys: distinct(&keys), uses: 1 })
    }
}

impl Relations {
    /// Asks for the records that conditions through relations mean, before the method is called.
    pub(crate) async fn resolve(&self, params: &Params, app: &crate::AppHandle) -> Result<Option<Resolved>> {
        if self.filtered.is_empty() {
            return Ok(None);
        }
        let mut found = Vec::new();
        self.conditions(&params.query, &mut found);
        if found.len() > CONDITIONS {
            return Err(Error::bad_request(format!("Query has more than {CONDITIONS} conditions through relations")));
        }
        let reader = Reader { app, caller: Some(params), max: u64::MAX };
        let mut resolved: Vec<Through> = Vec::with_capacity(found.len());
        for (filtered, value) in found {
            match resolved.iter_mut().find(|known| known.name == filtered.path && known.value == *value) {
                Some(known) => known.uses += 1,
                None => resolved.push(filtered.resolve(value, self.record, &reader).await?),
            }
        }
        Ok((!resolved.is_empty()).then(|| Resolved(resolved.into())))
    }

    /// Finds the conditions through relations, at the top and in `$or` and `$and`.
    fn conditions<'a>(&'a self, query: &'a Map<String, Value>, found: &mut Vec<(&'a Filtered, &'a Value)>) {
        for (name, value) in query {
            if name == "$or" || name == "$and" {
                let branches = value.as_array().into_iter().flatten().filter_map(Value::as_object);
                branches.for_each(|branch| self.conditions(branch, found));
            } else if let Some(filtered) = self.filtered.iter().find(|filtered| *filtered.path == **name) {
                found.push((filtered, value));
            }
        }
    }
}

/// Counts the values in JSON.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(size).sum(),
        Value::Object(fields) => fields.values().map(size).sum(),
        _ => 1,
    }
}
