//! Schemas: the fields of a record, their types and their rules.
//!
//! One schema coerces queries, validates data, makes SQL columns and describes the service to the outside.

pub(crate) mod constraint;
mod relation;

use serde_json::{Map, Value};

pub use self::relation::{Many, Relation, RelationKind};
pub(crate) use crate::data::data_type::DataType;
use crate::data::error::{Error, Result};
use crate::data::field::FieldRef;
use crate::data::schema::constraint::{Constraints, Reference};
use crate::data::violation::{fragment, pointer};

/// A rule that a field's value must keep; each is an attribute in `#[service(..)]`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// At least this many characters.
    MinLength(usize),
    /// At most this many characters.
    MaxLength(usize),
    /// At least this number.
    Minimum(f64),
    /// At most this number.
    Maximum(f64),
    /// More than this number.
    ExclusiveMinimum(f64),
    /// Less than this number.
    ExclusiveMaximum(f64),
    /// An e-mail address.
    Email,
    /// An absolute URL.
    Url,
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// One field of a record.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an attribute of the derive, and any mix of them makes sense"
)]
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Field {
    /// The name on the wire and in the database.
    pub name: &'static str,
    /// The type.
    pub data_type: DataType,
    /// Whether `null` is a value: the field is an `Option`.
    pub nullable: bool,
    /// Whether data may leave it out.
    pub optional: bool,
    /// Other names that data may have for it.
    pub aliases: &'static [&'static str],
    /// Whether only the server sets it: hooks and calls from inside, and never clients.
    pub server: bool,
    /// Whether clients set it in a new record and never change it.
    pub immutable: bool,
    /// Whether it counts the changes of the record.
    pub version: bool,
    /// Whether it is made of the other fields when a record leaves the server, and not stored.
    pub computed: bool,
    /// Whether its texts are kept in lower case, and compared so in queries.
    pub lowercase: bool,
    /// Whether its texts are kept without the space around them, and compared so in queries.
    pub trim: bool,
    /// Whether it never leaves the server and cannot be queried from outside.
    pub hidden: bool,
    /// The rules for its values.
    pub rules: &'static [Rule],
    /// The doc comment.
    pub docs: &'static str,
}

impl Field {
    /// Makes a field that is required, without rules.
    pub const fn new(name: &'static str, data_type: DataType) -> Self {
        Self {
            name,
            data_type,
            nullable: false,
            optional: false,
            aliases: &[],
            server: false,
            immutable: false,
            version: false,
            computed: false,
            lowercase: false,
            trim: false,
            hidden: false,
            rules: &[],
            docs: "",
        }
    }

    /// Makes `null` a value of it, and leaving it out the same as `null`.
    pub const fn nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self.optional = self.optional || nullable;
        self
    }

    /// Lets data leave it out.
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// Lets data have it under other names too.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Tells whether data may have it under this name.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// Refuses a value that no store keeps: a number that is not finite, an instant beyond the year 9999, a decimal with
    /// more places than its scale. A store calls it for each value before it keeps any.
    ///
    /// # Errors
    /// Such a value: a 400 that names the field.
    pub fn check(&self, value: &FieldRef<'_>) -> Result<()> {
        match self.refused(value) {
            None => Ok(()),
            Some(_) if self.data_type == DataType::Number => {
                Err(Error::bad_request(format!("'{}' must be a finite number", self.name)))
            }
            Some(mistake) => Err(Error::validation(vec![mistake])),
        }
    }

    /// Returns the item for a value that no store keeps.
    pub(crate) fn refused(&self, value: &FieldRef<'_>) -> Option<Value> {
        if self.data_type.admits(value) {
            return None;
        }
        let (instance, schema) = (pointer(self.name), fragment(self.name));
        Some(self.data_type.mistake(&format!("/{instance}"), &format!("/properties/{schema}")))
    }

    /// Returns what an object has under its names.
    pub(crate) fn values_in<'a>(&self, object: &'a Map<String, Value>) -> impl Iterator<Item = &'a Value> {
        std::iter::once(self.name).chain(self.aliases.iter().copied()).filter_map(|name| object.get(name))
    }

    /// Refuses what clients send of it.
    pub const fn server(mut self) -> Self {
        self.server = true;
        self.optional = true;
        self
    }

    /// Refuses what clients send of it to change it.
    pub const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    /// Makes it count the changes of the record; the store sets it.
    pub const fn version(mut self) -> Self {
        self.version = true;
        self.server()
    }

    /// Makes it one that is not stored; only what leaves the server has it. It stands behind all that are stored.
    pub const fn computed(mut self) -> Self {
        self.computed = true;
        self.server()
    }

    /// Keeps its texts in lower case.
    pub const fn lowercase(mut self) -> Self {
        self.lowercase = true;
        self
    }

    /// Keeps its texts without the space around them.
    pub const fn trim(mut self) -> Self {
        self.trim = true;
        self
    }

    /// Keeps it inside the server.
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Sets the rules.
    pub const fn rules(mut self, rules: &'static [Rule]) -> Self {
        self.rules = rules;
        self
    }

    /// Sets the description.
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }
}

/// The fields of a record type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Schema {
    /// The name of the type, such as `Todo`.
    pub name: &'static str,
    /// The name of the id field.
    pub id: &'static str,
    /// The fields in the order of the type, computed ones last; empty for an open schema.
    pub fields: &'static [Field],
    /// The doc comment of the type.
    pub docs: &'static str,
    /// Whether any field may exist and nothing is coerced or checked.
    pub open: bool,
    /// What a store keeps true of all records together.
    pub constraints: &'static Constraints,
    /// The fields for related records, which are no columns.
    pub relations: &'static [Relation],
}

const NO_CONSTRAINTS: &Constraints = &Constraints::new();

impl Schema {
    /// Makes a schema of exactly these fields.
    pub const fn new(name: &'static str, id: &'static str, fields: &'static [Field], docs: &'static str) -> Self {
        Self { name, id, fields, docs, open: false, constraints: NO_CONSTRAINTS, relations: &[] }
    }

    /// Makes a schema that knows only which field is the id.
    pub const fn open(id: &'static str) -> Self {
        Self { name: "object", id, fields: &[], docs: "", open: true, constraints: NO_CONSTRAINTS, relations: &[] }
    }

    /// Sets what a store keeps true of all records together.
    pub const fn constraints(mut self, constraints: &'static Constraints) -> Self {
        self.constraints = constraints;
        self
    }

    /// Returns to what a field refers.
    pub fn reference(&self, name: &str) -> Option<&'static Reference> {
        self.constraints.references.iter().find(|reference| reference.field == name)
    }

    /// Sets the fields for related records.
    pub const fn relations(mut self, relations: &'static [Relation]) -> Self {
        self.relations = relations;
        self
    }

    /// Returns the index of a field for related records.
    pub fn relation(&self, name: &str) -> Option<usize> {
        self.relations.iter().position(|relation| relation.name == name)
    }

    /// Returns the index of a field.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Returns a field.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Returns the fields that are stored: all but those that are computed, which stand behind them.
    pub fn stored(&self) -> &'static [Field] {
        let count = self.fields.iter().position(|field| field.computed).unwrap_or(self.fields.len());
        &self.fields[..count]
    }

    /// Returns the index of the field that counts the changes, if there is one.
    pub fn version(&self) -> Option<usize> {
        self.fields.iter().position(|field| field.version)
    }

    /// Tells whether an `update` needs the record that it replaces, because some fields stay as they are.
    pub fn keeps_fields(&self) -> bool {
        self.fields.iter().any(|field| field.server || field.hidden || field.immutable)
    }

    /// Returns the type of the id: an open schema takes any.
    pub fn id_type(&self) -> Option<DataType> {
        self.field(self.id).map(|field| field.data_type)
    }
}
