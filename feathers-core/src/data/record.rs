//! Records: the typed data that stores keep.

mod erased;

use std::any::Any;
use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::erased::{Fill, Gathered, RecordType, RelatedTypes};
use crate::data::data_type::DataType;
use crate::data::error::{Error, Result};
use crate::data::field::{FieldRef, FieldValue};
use crate::data::id::Id;
use crate::data::query::FieldPath;
use crate::data::related::RelatedField;
use crate::data::schema::Schema;
use crate::data::schema::constraint::{OnDelete, Reference};

/// A type that a store can keep; `#[derive(Service)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a record",
    label = "not a record",
    note = "add `#[derive(Service)]` to the struct"
)]
pub trait Record: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What clients may send to `create` and `update`: `TodoData` for `Todo`.
    type Data: Into<Self::Draft> + DeserializeOwned + Send + 'static;
    /// What clients may send to `patch`: `TodoPatch` for `Todo`.
    type Patch: Into<Self::PatchDraft> + DeserializeOwned + Send + 'static;
    /// What hooks and the store have of a new record: `TodoDraft` for `Todo`, the same as [`Record::Data`] with the
    /// fields that only the server sets.
    type Draft: DeserializeOwned + Send + 'static;
    /// What hooks and the store have of a patch: `TodoPatchDraft` for `Todo`, the same as [`Record::Patch`] with the
    /// fields that clients may not change.
    type PatchDraft: DeserializeOwned + Send + 'static;

    /// The type of the id, where the compiler knows it: keys of relations must be of the same.
    #[doc(hidden)]
    const ID_TYPE: Option<DataType> = None;

    /// Returns the fields and rules.
    fn schema() -> Schema;

    /// Returns the value at a path of a query; what does not exist is `Null`.
    fn lookup<'a>(&'a self, path: &FieldPath) -> FieldRef<'a>;

    /// Returns the value of the field at this index of the schema.
    fn field(&self, index: usize) -> FieldRef<'_>;

    /// Returns the id; `name` is the store's id field.
    fn id(&self, name: &str) -> Option<Id>;

    /// Returns the id that a draft asks for.
    fn data_id(draft: &Self::Draft, name: &str) -> Option<Id>;

    /// Returns the values that a draft sets, as indices of the schema; empty for an open schema.
    ///
    /// Validation checks the rules of the schema on them. A field that the draft leaves out may be missing or `Null`.
    fn data_fields(draft: &Self::Draft) -> Vec<(usize, FieldRef<'_>)>;

    /// Brings texts into the form in which they are kept: the derive does so for `lowercase` and `trim`.
    ///
    /// It comes before the rules are checked.
    fn normalise(_draft: &mut Self::Draft) {}

    /// Brings the texts of a patch into the form in which they are kept.
    fn normalise_patch(_patch: &mut Self::PatchDraft) {}

    /// Returns what sets the fields of drafts that the server sets by itself; the derive writes it.
    #[doc(hidden)]
    fn setters() -> Option<&'static (dyn Any + Send + Sync)> {
        None
    }

    /// Whether some fields are computed.
    const COMPUTES: bool = false;

    /// Fills the computed fields in. The service does so with what it answers and tells; a record that comes from a
    /// store has the default there.
    fn compute(&mut self) {}

    /// Makes a record of a draft, under the given id.
    ///
    /// # Errors
    /// A draft that makes no record, such as an id that does not fit.
    fn create(draft: Self::Draft, name: &str, id: &Id) -> Result<Self>;

    /// Makes the record that takes this one's place in an `update`, under its id and with the version after this one's.
    ///
    /// What clients may not set, change or see stays as it is where the draft leaves it out: the derive keeps `server`,
    /// `immutable` and `hidden` fields. A store therefore reads the old record in the same transaction, unless
    /// [`Schema::keeps_fields`] says that none is kept.
    ///
    /// # Errors
    /// Those of [`create`](Self::create), and another value for an `immutable` field.
    fn replace(&self, draft: Self::Draft, name: &str, id: &Id) -> Result<Self> {
        Self::create(draft, name, id)
    }

    /// Returns what a patch changes, as indices of the schema and new values; empty for an open schema.
    fn changes(patch: &Self::PatchDraft) -> Vec<(usize, FieldValue)>;

    /// Applies a patch; the id stays what it is, and the version becomes the next.
    ///
    /// # Errors
    /// A patch that makes no record.
    fn apply(&mut self, name: &str, patch: &Self::PatchDraft) -> Result<()>;

    /// Returns the type without its name.
    #[doc(hidden)]
    fn record_type() -> &'static dyn RecordType {
        erased::record_type::<Self>()
    }

    /// Returns the types of the relation at this index of the schema.
    #[doc(hidden)]
    fn related_types(_relation: usize) -> Option<RelatedTypes> {
        None
    }

    /// Returns the field of the relation at this index of the schema.
    #[doc(hidden)]
    fn related_mut(&mut self, _relation: usize) -> Option<&mut dyn RelatedField> {
        None
    }
}

impl Reference {
    /// Makes a field refer to records of a type.
    pub const fn to<R: Record>(field: &'static str, on_delete: OnDelete) -> Self {
        Self::of::<R>(field, on_delete, R::schema)
    }
}

/// A record with columns: what an SQL store needs beyond [`Record`]; `#[derive(Service)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no columns",
    note = "add `#[derive(Service)]` to the struct; `Document` records only fit in memory"
)]
pub trait Columns: Record {
    /// Builds a record from one value per field of the schema, in its order.
    ///
    /// # Errors
    /// Values that do not fit the fields.
    fn from_columns(values: Vec<FieldValue>) -> Result<Self>;
}

/// A record without a schema: any JSON object, unknown fields kept, nothing coerced. For prototypes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(pub Map<String, Value>);

impl Record for Document {
    type Data = Self;
    type Patch = Self;
    type Draft = Self;
    type PatchDraft = Self;

    fn schema() -> Schema {
        Schema::open("id")
    }

    fn lookup<'a>(&'a self, path: &FieldPath) -> FieldRef<'a> {
        match self.0.get(path.name()) {
            Some(value) => path.descend(value),
            None => FieldRef::Null,
        }
    }

    fn field(&self, _index: usize) -> FieldRef<'_> {
        FieldRef::Null
    }

    fn id(&self, name: &str) -> Option<Id> {
        self.0.get(name).and_then(|id| Id::from_json(id).ok().flatten())
    }

    fn data_id(data: &Self, name: &str) -> Option<Id> {
        data.id(name)
    }

    fn data_fields(_data: &Self) -> Vec<(usize, FieldRef<'_>)> {
        Vec::new()
    }

    fn create(mut data: Self, name: &str, id: &Id) -> Result<Self> {
        data.0.insert(name.to_owned(), serde_json::to_value(id)?);
        Ok(data)
    }

    fn changes(_patch: &Self) -> Vec<(usize, FieldValue)> {
        Vec::new()
    }

    fn apply(&mut self, name: &str, patch: &Self) -> Result<()> {
        for (field, value) in &patch.0 {
            if field != name {
                self.0.insert(field.clone(), value.clone());
            }
        }
        Ok(())
    }
}

/// Descends from a typed field into JSON; used by the derive.
pub fn lookup_inside<'a>(field: FieldRef<'a>, path: &FieldPath) -> FieldRef<'a> {
    if path.is_plain() {
        return field;
    }
    match field {
        FieldRef::Json(Cow::Borrowed(value)) => path.descend(value),
        FieldRef::Json(Cow::Owned(value)) => path.descend(&value).into_owned().into_ref(),
        _ => FieldRef::Null,
    }
}

/// Fails for an id that does not fit the record's id type; used by the derive.
#[cold]
pub fn wrong_id(id: &Id) -> Error {
    Error::bad_request(format!("'{id}' is no valid id"))
}
