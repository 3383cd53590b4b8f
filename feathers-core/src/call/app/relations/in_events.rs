//! Related records in events: those that the service always populates, read once for all events of a call.
//!
//! What the caller has of them is what the caller may read, and others get the event: it is taken out.

use serde_json::Value;

use crate::call::app::relations::Wanted;
use crate::call::app::relations::fetch::{self, Reader};
use crate::call::context::Context;
use crate::data::error::Result;
use crate::data::payload::Payload;
use crate::data::record::RecordType;

/// The related records of the events of a call.
pub(crate) struct InEvents {
    record: &'static dyn RecordType,
    /// The records of the call with them; `None` where they could not be read.
    populated: Option<Payload>,
}

impl InEvents {
    pub(super) async fn read(
        record: &'static dyn RecordType,
        result: &Payload,
        wanted: &[Wanted],
        ctx: &Context,
    ) -> Self {
        let reader = Reader { app: ctx.app(), caller: None, max: u64::MAX };
        let populated = async {
            let typed = record.typed(result)?;
            fetch::populate((record, &[]), typed, wanted, &reader).await
        };
        match populated.await {
            Ok(populated) => Self { record, populated: Some(populated) },
            Err(error) => {
                tracing::warn!(path = ctx.path(), ?error, "an event goes without its related records");
                Self { record, populated: None }
            }
        }
    }

    /// Returns what goes into the events instead of a result, or of what a hook has set for clients.
    pub(crate) fn of(&self, payload: &Payload) -> Result<Payload> {
        let is_typed = self.record.values(payload, 0).is_some();
        match &self.populated {
            Some(populated) if is_typed && populated.count()? == payload.count()? => Ok(populated.clone()),
            _ if is_typed => Ok(self.record.filled(payload, &[]).unwrap_or_default()),
            _ => self.in_json(payload),
        }
    }

    /// Exchanges them in records that a hook has made JSON of.
    fn in_json(&self, payload: &Payload) -> Result<Payload> {
        let relations = self.record.schema().relations;
        let mut value = payload.value()?.clone();
        let records = match &mut value {
            Value::Array(items) => items.as_mut_slice(),
            one => std::slice::from_mut(one),
        };
        let populated = match &self.populated {
            Some(populated) => populated.records_in_json()?,
            None => &[],
        };
        let populated = if populated.len() == records.len() { populated } else { &[] };
        for (index, record) in records.iter_mut().enumerate() {
            let Some(record) = record.as_object_mut() else { continue };
            for relation in relations {
                record.remove(relation.name);
                if let Some(related) = populated.get(index).and_then(|populated| populated.get(relation.name)) {
                    record.insert(relation.name.to_owned(), related.clone());
                }
            }
        }
        Ok(value.into())
    }
}
