//! Selections: which fields of its result a caller has asked for with `$select`.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::data::error::Result;
use crate::data::mask::FieldMask;
use crate::data::payload::{Payload, records_of};
use crate::data::schema::Schema;

/// What a caller has selected, kept beside the whole result while hooks and events see it.
#[derive(Debug)]
pub(crate) struct Selection {
    mask: FieldMask,
    whole: Payload,
}

impl Selection {
    /// Takes it from a result, which is whole then; `None` if all of it is selected.
    pub(crate) fn take(result: &mut Payload) -> Option<Self> {
        let mask = result.unmask()?;
        Some(Self { mask, whole: result.clone() })
    }

    /// Returns what the caller gets of a result. What hooks have added to it stays.
    pub(crate) fn of(&self, result: &Payload, schema: Option<&Schema>) -> Result<Payload> {
        if result.is(&self.whole) {
            return Ok(result.masked(self.mask.clone()));
        }
        result.without(&self.unselected(schema)?)
    }

    /// Returns the fields of the record that are not selected.
    fn unselected(&self, schema: Option<&Schema>) -> Result<Vec<Arc<str>>> {
        if let FieldMask::Except(fields) = &self.mask {
            return Ok(fields.to_vec());
        }
        let unselected = |name: &&str| !self.mask.allows(name);
        if let Some(schema) = schema.filter(|schema| !schema.open) {
            return Ok(schema.fields.iter().map(|field| field.name).filter(unselected).map(Into::into).collect());
        }
        let records = records_of(self.whole.value()?).iter().filter_map(Value::as_object);
        let mut names: Vec<&str> = records.flat_map(Map::keys).map(String::as_str).filter(unselected).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names.into_iter().map(Into::into).collect())
    }
}
