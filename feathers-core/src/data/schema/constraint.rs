//! Constraints: what a store keeps true of all its records together, and what a client is told that breaks it.

use std::any::{Any, TypeId};
use std::fmt;

use serde_json::{Value, json};

use crate::data::error::Error;
use crate::data::schema::{DataType, Schema};
use crate::data::violation::{fragment, mistake, pointer};

/// What a store keeps true of all its records together.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::schema::{Constraints, DataType, Field, Schema, Unique};
///
/// const FIELDS: &[Field] = &[Field::new("id", DataType::Integer).optional(), Field::new("email", DataType::String)];
/// const CONSTRAINTS: &Constraints = &Constraints::new().unique(&[Unique::new(&["email"]).ignore_case()]);
///
/// let schema = Schema::new("User", "id", FIELDS, "").constraints(CONSTRAINTS);
/// let taken = schema.constraints.unique[0].taken(&schema);
/// assert_eq!((taken.code(), taken.message()), (409, "A record with this 'email' exists already"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Constraints {
    /// What no two records have the same.
    pub unique: &'static [Unique],
    /// The fields of each index, in its order.
    pub indexes: &'static [&'static [&'static str]],
    /// The fields that hold ids of other records.
    pub references: &'static [Reference],
}

impl Constraints {
    /// Makes none.
    pub const fn new() -> Self {
        Self { unique: &[], indexes: &[], references: &[] }
    }

    /// Sets what no two records have the same.
    pub const fn unique(mut self, unique: &'static [Unique]) -> Self {
        self.unique = unique;
        self
    }

    /// Sets the indexes, each by the names of its fields.
    pub const fn indexes(mut self, indexes: &'static [&'static [&'static str]]) -> Self {
        self.indexes = indexes;
        self
    }

    /// Sets the references to other records.
    pub const fn references(mut self, references: &'static [Reference]) -> Self {
        self.references = references;
        self
    }

    /// Tells whether a store has anything to check: an index says nothing of the records.
    pub const fn are_none(&self) -> bool {
        self.unique.is_empty() && self.references.is_empty()
    }
}

/// Fields whose values no two records have in common. A record in which one of them is `null` is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unique {
    /// The names of the fields.
    pub fields: &'static [&'static str],
    /// Whether texts that differ only in case are the same; [`fold_case`] says which are.
    pub ignore_case: bool,
}

impl Unique {
    /// Makes the values of these fields together unique.
    pub const fn new(fields: &'static [&'static str]) -> Self {
        Self { fields, ignore_case: false }
    }

    /// Makes texts that differ only in case the same.
    pub const fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        self
    }

    /// Tells whether the texts of a field are folded before they are compared.
    pub fn folds(&self, name: &str, schema: &Schema) -> bool {
        self.ignore_case
            && self.fields.contains(&name)
            && schema.field(name).is_some_and(|field| field.data_type == DataType::String)
    }

    /// Returns the 409 for a record whose values another one has; it names no field that is hidden.
    pub fn taken(&self, schema: &Schema) -> Error {
        let is_hidden = |name: &&str| schema.field(name).is_some_and(|field| field.hidden);
        if self.fields.iter().any(is_hidden) {
            return Error::conflict("A record like this exists already");
        }
        let items = self.fields.iter().map(|name| {
            let others: Vec<_> = self.fields.iter().filter(|other| *other != name).copied().collect();
            let message = match others.as_slice() {
                [] => "must be unique".to_owned(),
                others => format!("must be unique together with {}", quoted(others)),
            };
            item(name, "unique", json!({ "fields": self.fields }), message)
        });
        let message = format!("A record with this {} exists already", quoted(self.fields));
        Error::conflict(message).with_data(items.collect::<Vec<_>>())
    }
}

/// What becomes of a record when the one that it refers to is removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDelete {
    /// As long as it is there, the other cannot be removed.
    #[default]
    Restrict,
    /// It is removed, too.
    Cascade,
    /// Its field becomes `null`.
    SetNull,
}

/// A field that holds the id of a record, of another type or the same one. `null` refers to nothing.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Reference {
    /// The name of the field.
    pub field: &'static str,
    /// What becomes of the record when the other one is removed.
    pub on_delete: OnDelete,
    schema: fn() -> Schema,
    record: fn() -> TypeId,
}

impl Reference {
    /// Makes a field refer to records of a type that has this schema.
    pub(crate) const fn of<R: Any>(field: &'static str, on_delete: OnDelete, schema: fn() -> Schema) -> Self {
        Self { field, on_delete, schema, record: record_type::<R> }
    }

    /// Returns the schema of the records that it refers to.
    pub fn target(&self) -> Schema {
        (self.schema)()
    }

    /// Returns the type of the records that it refers to.
    pub fn target_type(&self) -> TypeId {
        (self.record)()
    }

    /// Returns the 400 for an id that no record has.
    pub fn missing(&self, schema: &Schema, id: impl fmt::Display) -> Error {
        if self.is_hidden(schema) {
            return Error::bad_request("A record that this one refers to does not exist");
        }
        let target = self.target().name;
        let item = item(
            self.field,
            "references",
            json!({ "record": target }),
            format!("must be the id of a {target} that exists"),
        );
        let message = format!("'{}' is '{id}', and no {target} has this id", self.field);
        Error::bad_request(message).with_data(vec![item])
    }

    /// Returns the 409 for removing a record to which another one refers; `schema` is the one of the other.
    pub fn restricts(&self, schema: &Schema) -> Error {
        let (record, target) = (schema.name, self.target().name);
        if self.is_hidden(schema) {
            return Error::conflict(format!("A {record} refers to this {target}, which cannot be removed"));
        }
        let params = json!({ "record": record, "field": self.field });
        let told = format!("must not be referred to by '{}' of a {record}", self.field);
        let item = mistake("", "", "references", params, told);
        let message =
            format!("A {record} refers to this {target} by '{}', and it cannot be removed before", self.field);
        Error::conflict(message).with_data(vec![item])
    }

    fn is_hidden(&self, schema: &Schema) -> bool {
        schema.field(self.field).is_some_and(|field| field.hidden)
    }
}

fn record_type<R: Any>() -> TypeId {
    TypeId::of::<R>()
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.field == other.field && self.on_delete == other.on_delete && self.target_type() == other.target_type()
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.target().name;
        let mut debug = f.debug_struct("Reference");
        debug
            .field("field", &self.field)
            .field("target", &target)
            .field("on_delete", &self.on_delete)
            .finish_non_exhaustive()
    }
}

/// Folds the case of a text: two texts with the same result differ in case alone.
///
/// It is the full case folding of Unicode, the same for every language: `Ä` is `ä`, `ẞ` and `ß` are `ss`, `ς` is `σ`. The
/// Turkish `İ` and `ı` are neither `I` nor `i`. An accent that is a character of its own stays one.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::schema::fold_case;
///
/// assert_eq!(fold_case("STRASSE"), fold_case("Straße"));
/// assert_ne!(fold_case("ı"), fold_case("I"));
/// ```
pub fn fold_case(text: &str) -> String {
    unicase::UniCase::new(text).to_folded_case()
}

fn item(name: &str, keyword: &str, params: Value, message: String) -> Value {
    let schema = format!("/properties/{}", fragment(name));
    mistake(&format!("/{}", pointer(name)), &schema, keyword, params, message)
}

/// Lists names: `'a'`, `'a' and 'b'`, `'a', 'b' and 'c'`.
fn quoted(names: &[&str]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("'{name}'")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
