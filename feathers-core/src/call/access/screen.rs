//! Screening: results that no store has filtered, such as those of custom methods, without what a caller may not read.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::data::error::Result;
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::data::query::{FieldPath, Filter};
use crate::data::record::Record;
use crate::data::rights::ReadRights;
use crate::data::schema::{Relation, RelationKind, Schema};

/// What access rules need of the records of a service: every [`Record`] is one, and `()`, for services without records.
#[doc(hidden)]
pub trait AccessRecord: 'static {
    /// Returns the ids of the records in a result of records that do not match.
    fn unreadable(result: &Payload, id: &str, filter: &Filter) -> Vec<Id>;
    /// Tells whether a result is one record that matches.
    fn matches(result: &Payload, filter: &Filter) -> bool;
    /// Tells whether JSON is a record that matches.
    fn is_readable(value: &Value, filter: &Filter) -> bool;
    /// Returns the related records to which a field is the key.
    fn led_to_by(field: &str) -> Vec<&'static str>;
}

impl<R: Record> AccessRecord for R {
    fn unreadable(result: &Payload, id: &str, filter: &Filter) -> Vec<Id> {
        if *filter == Filter::All {
            return Vec::new();
        }
        let matches = |record: &R| filter.matches(&|path: &FieldPath| record.lookup(path));
        let records = result.downcast_ref::<Vec<Arc<R>>>().map(Vec::as_slice).unwrap_or_default();
        let records = records.iter().map(|record| &**record).chain(result.downcast_ref::<R>());
        records.filter(|record| !matches(record)).filter_map(|record| record.id(id)).collect()
    }

    fn led_to_by(field: &str) -> Vec<&'static str> {
        let leads = |relation: &&Relation| matches!(relation.kind, RelationKind::BelongsTo { key } if key == field);
        R::schema().relations.iter().filter(leads).map(|relation| relation.name).collect()
    }

    fn matches(result: &Payload, filter: &Filter) -> bool {
        match result.downcast_ref::<R>() {
            Some(record) => filter.matches(&|path: &FieldPath| record.lookup(path)),
            None => result.value().is_ok_and(|value| Self::is_readable(value, filter)),
        }
    }

    fn is_readable(value: &Value, filter: &Filter) -> bool {
        *filter == Filter::All
            || R::deserialize(value).is_ok_and(|record| filter.matches(&|path: &FieldPath| record.lookup(path)))
    }
}

impl AccessRecord for () {
    fn unreadable(_: &Payload, _: &str, _: &Filter) -> Vec<Id> {
        Vec::new()
    }

    fn matches(_: &Payload, filter: &Filter) -> bool {
        *filter == Filter::All
    }

    fn is_readable(_: &Value, filter: &Filter) -> bool {
        *filter == Filter::All
    }

    fn led_to_by(_field: &str) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Returns a result without the records and fields that may not be read, wherever they stand in it.
pub(super) fn screened<R: AccessRecord>(rights: &ReadRights, result: Payload, schema: &Schema) -> Result<Payload> {
    if rights.filter == Filter::All && rights.hidden.is_empty() {
        return Ok(result);
    }
    let screen = Screen { rights, schema, is_readable: R::is_readable };
    if !screen.finds(result.value()?) {
        return Ok(result);
    }
    let mut value = result.value()?.clone();
    screen.clean(&mut value);
    Ok(value.into())
}

struct Screen<'a> {
    rights: &'a ReadRights,
    schema: &'a Schema,
    is_readable: fn(&Value, &Filter) -> bool,
}

impl Screen<'_> {
    /// Tells whether an object looks like a record of the service: it has the id, at least half of what such a record
    /// always has, and half of what it has is of the schema.
    fn looks_like(&self, object: &Map<String, Value>) -> bool {
        let Some(id) = object.get(self.schema.id) else { return false };
        if id.is_null() || self.schema.open {
            return !id.is_null();
        }
        let known = object.keys().filter(|name| self.schema.field(name).is_some()).count();
        let always = || self.schema.fields.iter().filter(|field| !field.nullable && !field.hidden);
        let has = always().filter(|field| object.contains_key(field.name)).count();
        known * 2 >= object.len() && has * 2 >= always().count()
    }

    fn is_refused(&self, value: &Value) -> bool {
        value.as_object().is_some_and(|object| self.looks_like(object))
            && !(self.is_readable)(value, &self.rights.filter)
    }

    /// Tells whether something in the value may not be read.
    fn finds(&self, value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(|item| self.finds(item)),
            Value::Object(object) => {
                self.is_refused(value)
                    || self.looks_like(object) && self.rights.hidden.iter().any(|name| object.contains_key(&**name))
                    || object.values().any(|value| self.finds(value))
            }
            _ => false,
        }
    }

    /// Takes out what may not be read: a record becomes `null`, and is left out of a list.
    fn clean(&self, value: &mut Value) {
        if self.is_refused(value) {
            *value = Value::Null;
            return;
        }
        match value {
            Value::Array(items) => {
                items.retain(|item| !self.is_refused(item));
                for item in items {
                    self.clean(item);
                }
            }
            Value::Object(object) => {
                if self.looks_like(object) {
                    object.retain(|name, _| !self.rights.hidden.iter().any(|hidden| **hidden == **name));
                }
                for value in object.values_mut() {
                    self.clean(value);
                }
            }
            _ => {}
        }
    }
}
