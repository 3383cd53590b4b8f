//! Records: the typed data that stores keep.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data::error::{Error, Result};
use crate::data::field::{FieldRef, FieldValue};
use crate::data::id::Id;
use crate::data::query::FieldPath;
use crate::data::schema::Schema;

/// A type that a store can keep; `#[derive(Service)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a record",
    label = "not a record",
    note = "add `#[derive(Service)]` to the struct"
)]
pub trait Record: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What `create` and `update` take: `TodoData` for `Todo`.
    type Data: DeserializeOwned + Send + 'static;
    /// What `patch` takes: `TodoPatch` for `Todo`.
    type Patch: DeserializeOwned + Send + 'static;

    /// Returns the fields and rules.
    fn schema() -> Schema;

    /// Returns the value at a path of a query; what does not exist is `Null`.
    fn lookup<'a>(&'a self, path: &FieldPath) -> FieldRef<'a>;

    /// Returns the value of the field at this index of the schema.
    fn field(&self, index: usize) -> FieldRef<'_>;

    /// Returns the id; `name` is the store's id field.
    fn id(&self, name: &str) -> Option<Id>;

    /// Returns the id that data asks for.
    fn data_id(data: &Self::Data, name: &str) -> Option<Id>;

    /// Returns the values that data sets, as indices of the schema; empty for an open schema.
    ///
    /// Validation checks the rules of the schema on them. A field that data leaves out may be missing or `Null`.
    fn data_fields(data: &Self::Data) -> Vec<(usize, FieldRef<'_>)>;

    /// Makes a record of data, under the given id.
    ///
    /// # Errors
    /// Data that makes no record, such as an id that does not fit.
    fn create(data: Self::Data, name: &str, id: &Id) -> Result<Self>;

    /// Makes the record that takes this one's place in an `update`, under its id.
    ///
    /// What clients may not set or see stays as it is where the data leaves it out: the derive keeps `readonly` and
    /// `hidden` fields. A store therefore reads the old record in the same transaction, unless no field of the schema
    /// is one of both.
    ///
    /// # Errors
    /// Those of [`create`](Self::create).
    fn replace(&self, data: Self::Data, name: &str, id: &Id) -> Result<Self> {
        Self::create(data, name, id)
    }

    /// Returns what a patch changes, as indices of the schema and new values; empty for an open schema.
    fn changes(patch: &Self::Patch) -> Vec<(usize, FieldValue)>;

    /// Applies a patch; the id stays what it is.
    ///
    /// # Errors
    /// A patch that makes no record.
    fn apply(&mut self, name: &str, patch: &Self::Patch) -> Result<()>;
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
        FieldRef::Json(Cow::Owned(value)) => match path.descend(&value).into_owned() {
            FieldValue::Json(value) => FieldRef::Json(Cow::Owned(value)),
            FieldValue::Text(text) => FieldRef::Text(Cow::Owned(text.to_string())),
            FieldValue::Bool(value) => FieldRef::Bool(value),
            FieldValue::Int(value) => FieldRef::Int(value),
            FieldValue::Float(value) => FieldRef::Float(value),
            FieldValue::Null => FieldRef::Null,
        },
        _ => FieldRef::Null,
    }
}

/// Fails for an id that does not fit the record's id type; used by the derive.
#[cold]
pub fn wrong_id(id: &Id) -> Error {
    Error::bad_request(format!("'{id}' is no valid id"))
}
