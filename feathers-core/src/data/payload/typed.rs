//! Typed values behind a payload: one record, a list of them, and a page.

use std::any::Any;
use std::slice;
use std::sync::Arc;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{Payload, Repr, records_of};
use crate::data::error::Result;
use crate::data::mask::{FieldMask, Masked, View};

/// What a payload needs to know of a typed value.
pub(super) trait Typed: Send + Sync {
    /// Writes what is seen of it.
    fn write(&self, view: &View, out: &mut Vec<u8>) -> serde_json::Result<()>;
    /// Returns all of it.
    fn to_value(&self) -> serde_json::Result<Value>;
    fn items(&self, view: &View) -> Option<Vec<Payload>>;
    fn len(&self) -> Option<usize>;
    fn any(&self) -> &dyn Any;
    /// Returns the same with other records, a `Vec<Arc<T>>` of as many.
    fn with(&self, records: Box<dyn Any>) -> Option<Arc<dyn Typed>>;
}

/// Typed values of which a view is seen.
impl Payload {
    pub(crate) fn one<T: Serialize + Send + Sync + 'static>(record: Arc<T>, view: View) -> Self {
        Self::typed(Arc::new(One(record)), view)
    }

    pub(crate) fn many<T: Serialize + Send + Sync + 'static>(records: Vec<Arc<T>>, view: View) -> Self {
        Self::typed(Arc::new(Many(records)), view)
    }

    pub(crate) fn page_of<T: Serialize + Send + Sync + 'static>(
        records: Vec<Arc<T>>,
        view: View,
        total: u64,
        limit: Option<u64>,
        skip: u64,
    ) -> Self {
        Self::typed(Arc::new(PageOf { total, limit, skip, data: Many(records) }), view)
    }

    /// Returns the records of this type: the one, those of a list or those of a page. `None` if it holds no such.
    pub(crate) fn typed_records<T: 'static>(&self) -> Option<&[Arc<T>]> {
        let Repr::Typed(typed, _) = &self.0.as_ref()?.repr else { return None };
        let any = typed.any();
        any.downcast_ref::<Arc<T>>()
            .map(slice::from_ref)
            .or_else(|| any.downcast_ref::<Vec<Arc<T>>>().map(Vec::as_slice))
    }

    /// Returns the same with other records, as many as there are; these fields of them are seen too.
    pub(crate) fn with_records<T: 'static>(&self, records: Vec<Arc<T>>, also: &[&str]) -> Option<Self> {
        let Repr::Typed(typed, view) = &self.0.as_ref()?.repr else { return None };
        let view = View { mask: view.mask.clone().with(also), is_plain: false, ..view.clone() };
        Some(Self::typed(typed.with(Box::new(records))?, view))
    }

    /// Returns what is seen of a typed value.
    pub(crate) fn mask(&self) -> FieldMask {
        match self.0.as_ref().map(|inner| &inner.repr) {
            Some(Repr::Typed(_, view)) => view.mask.clone(),
            _ => FieldMask::All,
        }
    }

    /// Returns the records in JSON: those of a list, those of a page, else the one.
    pub(crate) fn records_in_json(&self) -> Result<&[Value]> {
        Ok(records_of(self.value()?))
    }
}

/// One record.
pub(super) struct One<T>(pub(super) Arc<T>);

impl<T: Serialize + Send + Sync + 'static> Typed for One<T> {
    fn write(&self, view: &View, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, &Masked::new(&*self.0, view))
    }

    fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(&*self.0)
    }

    fn items(&self, _view: &View) -> Option<Vec<Payload>> {
        None
    }

    fn len(&self) -> Option<usize> {
        None
    }

    fn any(&self) -> &dyn Any {
        &self.0
    }

    fn with(&self, records: Box<dyn Any>) -> Option<Arc<dyn Typed>> {
        Some(Arc::new(Self(records.downcast::<Vec<Arc<T>>>().ok()?.pop()?)))
    }
}

/// A list of records.
pub(super) struct Many<T>(pub(super) Vec<Arc<T>>);

/// A list of records as it is seen.
struct Seen<'a, T> {
    records: &'a [Arc<T>],
    view: &'a View,
}

impl<T: Serialize> Serialize for Seen<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.records.iter().map(|record| Masked::new(&**record, self.view)))
    }
}

impl<T: Serialize + Send + Sync + 'static> Typed for Many<T> {
    fn write(&self, view: &View, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, &Seen { records: &self.0, view })
    }

    fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(&self.0)
    }

    fn items(&self, view: &View) -> Option<Vec<Payload>> {
        Some(self.0.iter().map(|record| Payload::typed(Arc::new(One(record.clone())), view.clone())).collect())
    }

    fn len(&self) -> Option<usize> {
        Some(self.0.len())
    }

    fn any(&self) -> &dyn Any {
        &self.0
    }

    fn with(&self, records: Box<dyn Any>) -> Option<Arc<dyn Typed>> {
        Some(Arc::new(Self(*records.downcast().ok()?)))
    }
}

/// One page of a paginated find, serialised as `{total, limit, skip, data}`.
pub(super) struct PageOf<T> {
    pub(super) total: u64,
    pub(super) limit: Option<u64>,
    pub(super) skip: u64,
    pub(super) data: Many<T>,
}

/// A page as it is seen.
struct SeenPage<'a, T> {
    page: &'a PageOf<T>,
    view: &'a View,
}

impl<T: Serialize> Serialize for SeenPage<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { page, view } = self;
        let mut out = serializer.serialize_struct("Page", if page.limit.is_some() { 4 } else { 3 })?;
        out.serialize_field("total", &page.total)?;
        if let Some(limit) = page.limit {
            out.serialize_field("limit", &limit)?;
        }
        out.serialize_field("skip", &page.skip)?;
        out.serialize_field("data", &Seen { records: &page.data.0, view })?;
        out.end()
    }
}

impl<T: Serialize + Send + Sync + 'static> Typed for PageOf<T> {
    fn write(&self, view: &View, out: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(out, &SeenPage { page: self, view })
    }

    fn to_value(&self) -> serde_json::Result<Value> {
        serde_json::to_value(SeenPage { page: self, view: &View::default() })
    }

    fn items(&self, _view: &View) -> Option<Vec<Payload>> {
        None
    }

    fn len(&self) -> Option<usize> {
        None
    }

    fn any(&self) -> &dyn Any {
        &self.data.0
    }

    fn with(&self, records: Box<dyn Any>) -> Option<Arc<dyn Typed>> {
        let Self { total, limit, skip, .. } = *self;
        Some(Arc::new(Self { total, limit, skip, data: Many(*records.downcast().ok()?) }))
    }
}
