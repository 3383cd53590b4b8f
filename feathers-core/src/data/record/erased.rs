//! Records whose type is not known: what is done with payloads of records for their relations.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::data::error::Result;
use crate::data::field::FieldValue;
use crate::data::mask::FieldMask;
use crate::data::payload::Payload;
use crate::data::record::Record;
use crate::data::related::{Found, Node};
use crate::data::schema::Schema;

/// A type of records.
pub trait RecordType: Send + Sync {
    /// Returns which type it is.
    fn id(&self) -> TypeId;

    /// Returns the schema.
    fn schema(&self) -> Schema;

    /// Returns the types of a relation.
    fn related(&self, relation: usize) -> Option<RelatedTypes>;

    /// Returns a payload of such records: the same, or one that is read from its JSON.
    ///
    /// # Errors
    /// JSON of something else.
    fn typed(&self, payload: &Payload) -> Result<Payload>;

    /// Returns the value of a field of each record; `None` if these are no such records.
    fn values(&self, payload: &Payload, field: usize) -> Option<Vec<FieldValue>>;

    /// Takes records for fields of their type, and returns the value of a field of each beside them.
    ///
    /// # Errors
    /// Those of [`Payload::value`].
    fn gather(&self, payloads: &[Payload], field: usize) -> Result<Gathered>;

    /// Returns the same records with these related ones and no others.
    fn filled(&self, payload: &Payload, fills: &[Fill]) -> Option<Payload>;
}

/// The types of a relation.
#[derive(Clone, Copy)]
pub struct RelatedTypes {
    /// The related records.
    pub record: &'static dyn RecordType,
    /// The records between, where there are any.
    pub between: Option<&'static dyn RecordType>,
}

/// Related records that were found.
#[derive(Debug)]
pub struct Gathered {
    /// The value of the asked field of each.
    pub(crate) values: Vec<FieldValue>,
    /// The records.
    pub(crate) found: Found,
}

/// What one relation is filled with.
#[derive(Debug)]
pub struct Fill {
    /// The index of the relation in the schema.
    pub(crate) relation: usize,
    pub(crate) found: Arc<Found>,
    /// For each record, the places of those that belong to it.
    pub(crate) places: Vec<Vec<usize>>,
    /// For each record, how many belong to it, where that is told.
    pub(crate) totals: Option<Vec<u64>>,
}

struct Of<R>(PhantomData<fn() -> R>);

/// Returns the type of a record.
pub(super) fn record_type<R: Record>() -> &'static dyn RecordType {
    const { &Of::<R>(PhantomData) }
}

impl<R: Record> RecordType for Of<R> {
    fn id(&self) -> TypeId {
        TypeId::of::<R>()
    }

    fn schema(&self) -> Schema {
        R::schema()
    }

    fn related(&self, relation: usize) -> Option<RelatedTypes> {
        R::related_types(relation)
    }

    fn typed(&self, payload: &Payload) -> Result<Payload> {
        if payload.typed_records::<R>().is_some() {
            return Ok(payload.clone());
        }
        Ok(Payload::record(Arc::new(payload.decode::<R>()?), FieldMask::All))
    }

    fn values(&self, payload: &Payload, field: usize) -> Option<Vec<FieldValue>> {
        let records = payload.typed_records::<R>()?;
        Some(records.iter().map(|record| record.field(field).into_owned()).collect())
    }

    fn gather(&self, payloads: &[Payload], field: usize) -> Result<Gathered> {
        let schema = R::schema();
        let hidden: Vec<Arc<str>> =
            schema.fields.iter().filter(|field| field.hidden).map(|field| field.name.into()).collect();
        let name = schema.fields.get(field).map_or("", |field| field.name);
        let (mut values, mut nodes) = (Vec::new(), Vec::new());
        for payload in payloads {
            if let Some(records) = payload.typed_records::<R>() {
                let mask = payload.mask();
                let mask = if hidden.is_empty() { mask } else { mask.without(&hidden) };
                values.extend(records.iter().map(|record| record.field(field).into_owned()));
                nodes.extend(records.iter().map(|record| Node::new(record.clone(), mask.clone())));
                continue;
            }
            // A hook has made JSON of them.
            for item in payload.records_in_json()? {
                values.push(item.get(name).cloned().unwrap_or_default().into());
                let mut item = item.clone();
                if let Some(item) = item.as_object_mut() {
                    item.retain(|name, _| !hidden.iter().any(|hidden| **hidden == *name));
                }
                nodes.push(Node::<R>::json(item));
            }
        }
        Ok(Gathered { values, found: Found::new(nodes) })
    }

    fn filled(&self, payload: &Payload, fills: &[Fill]) -> Option<Payload> {
        let records = payload.typed_records::<R>()?;
        let relations = R::schema().relations;
        let filled = records.iter().enumerate().map(|(index, record)| {
            let mut record = R::clone(record);
            for relation in 0..relations.len() {
                let Some(field) = record.related_mut(relation) else { continue };
                match fills.iter().find(|fill| fill.relation == relation) {
                    Some(fill) => {
                        let total = fill.totals.as_ref().map(|totals| totals.get(index).copied().unwrap_or_default());
                        field.fill(&fill.found, fill.places.get(index).map_or(&[], Vec::as_slice), total);
                    }
                    None => field.clear(),
                }
            }
            Arc::new(record)
        });
        let names: Vec<&str> =
            fills.iter().filter_map(|fill| relations.get(fill.relation)).map(|relation| relation.name).collect();
        payload.with_records(filled.collect(), &names)
    }
}

impl fmt::Debug for dyn RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RecordType").field(&self.schema().name).finish()
    }
}

impl fmt::Debug for RelatedTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelatedTypes").field("record", &self.record).field("between", &self.between).finish()
    }
}
