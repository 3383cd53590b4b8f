//! Typed values behind a payload: one record, a list of them, and a page.

use std::any::Any;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::Payload;
use crate::mask::{Mask, Masked};

/// What a payload needs to know of a typed value.
pub(super) trait Typed: Send + Sync {
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()>;
    fn to_value(&self) -> serde_json::Result<Value>;
    fn items(&self) -> Option<Vec<Payload>>;
    fn len(&self) -> Option<usize>;
    fn any(&self) -> &dyn Any;
    /// Returns the mask, and the same value behind another one.
    fn mask(&self) -> &Mask;
    fn masked(&self, mask: Mask) -> Payload;
}

/// One record.
pub(super) struct One<T> {
    pub(super) record: Arc<T>,
    pub(super) mask: Mask,
}

impl<T: Serialize + Send + Sync + 'static> Typed for One<T> {
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, &Masked::new(&*self.record, &self.mask))
    }

    fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(Masked::new(&*self.record, &self.mask))
    }

    fn items(&self) -> Option<Vec<Payload>> {
        None
    }

    fn len(&self) -> Option<usize> {
        None
    }

    fn any(&self) -> &dyn Any {
        &self.record
    }

    fn mask(&self) -> &Mask {
        &self.mask
    }

    fn masked(&self, mask: Mask) -> Payload {
        Payload::record(self.record.clone(), mask)
    }
}

/// A list of records.
pub(super) struct Many<T> {
    pub(super) records: Vec<Arc<T>>,
    pub(super) mask: Mask,
}

impl<T: Serialize + Send + Sync + 'static> Serialize for Many<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.iter().map(|record| Masked::new(&**record, &self.mask)))
    }
}

impl<T: Serialize + Send + Sync + 'static> Typed for Many<T> {
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, self)
    }

    fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }

    fn items(&self) -> Option<Vec<Payload>> {
        Some(self.records.iter().map(|record| Payload::record(record.clone(), self.mask.clone())).collect())
    }

    fn len(&self) -> Option<usize> {
        Some(self.records.len())
    }

    fn any(&self) -> &dyn Any {
        &self.records
    }

    fn mask(&self) -> &Mask {
        &self.mask
    }

    fn masked(&self, mask: Mask) -> Payload {
        Payload::records(self.records.clone(), mask)
    }
}

/// One page of a paginated find, serialised as `{total, limit, skip, data}`.
#[derive(Serialize)]
pub(super) struct PageOf<T: Serialize + Send + Sync + 'static> {
    pub(super) total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<u64>,
    pub(super) skip: u64,
    pub(super) data: Many<T>,
}

impl<T: Serialize + Send + Sync + 'static> Typed for PageOf<T> {
    fn write(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, self)
    }

    fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(self)
    }

    fn items(&self) -> Option<Vec<Payload>> {
        None
    }

    fn len(&self) -> Option<usize> {
        None
    }

    fn any(&self) -> &dyn Any {
        &self.data.records
    }

    fn mask(&self) -> &Mask {
        &self.data.mask
    }

    fn masked(&self, mask: Mask) -> Payload {
        Payload::page(self.data.records.clone(), mask, self.total, self.limit, self.skip)
    }
}
