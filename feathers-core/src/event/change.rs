//! Changes: the records that a commit has changed, as they were before and as they are after it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::data::field::FieldRef;
use crate::data::id::Id;
use crate::data::mask::FieldMask;
use crate::data::payload::Payload;
use crate::data::query::FieldPath;
use crate::data::record::{Document, Record};
use crate::event::store_id::StoreId;

/// One record that a commit has changed.
///
/// A store makes it for [`Commit::reached`](crate::Commit::reached), where images are wanted.
#[derive(Clone, Debug)]
pub struct Change {
    id: &'static str,
    before: Option<Image>,
    after: Option<Image>,
}

impl Change {
    /// Describes a change of one record; `id` is the name of the store's id field. Nothing is copied.
    ///
    /// A new record has no image before, and one that was removed has none after.
    pub fn new<R: Record>(id: &'static str, before: Option<Arc<R>>, after: Option<Arc<R>>) -> Self {
        Self { id, before: before.map(Image::new), after: after.map(Image::new) }
    }

    /// Returns the id of the record.
    pub fn id(&self) -> Option<Id> {
        self.after.as_ref().or(self.before.as_ref())?.0.id(self.id)
    }

    /// Returns the record as it was; `None` for one that is new.
    pub fn before(&self) -> Option<&Image> {
        self.before.as_ref()
    }

    /// Returns the record as it is now; `None` for one that was removed.
    pub fn after(&self) -> Option<&Image> {
        self.after.as_ref()
    }
}

/// A change of a record of another store than the one that a call is for, in the same commit: one that goes, or some of
/// whose fields become `null`, since the record goes to which it refers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreChange {
    /// The store of the record.
    pub store: StoreId,
    /// The change.
    pub change: Change,
}

impl StoreChange {
    /// Says that a change is of a record of this store.
    pub fn new(store: StoreId, change: Change) -> Self {
        Self { store, change }
    }
}

/// A whole record at one moment, hidden fields included, whatever its type is. Clones share the record.
#[derive(Clone)]
pub struct Image(Arc<dyn Row>);

/// What an image needs of a record.
trait Row: Send + Sync {
    fn id(&self, name: &str) -> Option<Id>;
    fn lookup(&self, path: &FieldPath) -> FieldRef<'_>;
    fn payload(self: Arc<Self>) -> Payload;
    fn any(&self) -> &dyn Any;
}

impl<R: Record> Row for R {
    fn id(&self, name: &str) -> Option<Id> {
        Record::id(self, name)
    }

    fn lookup(&self, path: &FieldPath) -> FieldRef<'_> {
        Record::lookup(self, path)
    }

    fn payload(self: Arc<Self>) -> Payload {
        let mut record = self;
        if R::COMPUTES {
            Arc::make_mut(&mut record).compute();
        }
        Payload::record(record, FieldMask::All)
    }

    fn any(&self) -> &dyn Any {
        self
    }
}

impl Image {
    fn new<R: Record>(record: Arc<R>) -> Self {
        Self(record)
    }

    /// Takes JSON for a record, if it is an object.
    pub(crate) fn of_json(value: &Value) -> Option<Self> {
        Some(Self::new(Arc::new(Document(value.as_object()?.clone()))))
    }

    /// Returns the id, under the name of its field.
    pub(crate) fn id(&self, name: &str) -> Option<Id> {
        self.0.id(name)
    }

    /// Returns the value at a path of a query, for [`Filter::matches`](crate::Filter::matches).
    pub fn lookup(&self, path: &FieldPath) -> FieldRef<'_> {
        self.0.lookup(path)
    }

    /// Returns the record, if it is of this type. Its computed fields are not filled in.
    pub fn record<R: Record>(&self) -> Option<&R> {
        self.0.any().downcast_ref()
    }

    /// Returns the record as a payload: hidden fields are kept back once it leaves the server.
    pub fn payload(&self) -> Payload {
        self.0.clone().payload()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Image").finish_non_exhaustive()
    }
}
