//! Relations: how the records of one type belong to those of another.

use crate::data::schema::Schema;

/// How many related records one record has at most, where the relation does not say.
const LIMIT: u64 = 100;

/// A field for related records. It is no column: a record has it only where it is populated.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Relation {
    /// The name on the wire.
    pub name: &'static str,
    /// How the records belong together.
    pub kind: RelationKind,
    /// The path of the service of the related records; `None` for the only one that has records of this type.
    pub service: Option<&'static str>,
    /// Returns the schema of the related records.
    pub schema: fn() -> Schema,
    /// The doc comment.
    pub docs: &'static str,
}

/// How records belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RelationKind {
    /// A field of this record holds the id of the related one.
    BelongsTo {
        /// That field.
        key: &'static str,
    },
    /// A field of the related records holds the id of this one.
    HasMany {
        /// That field.
        key: &'static str,
        /// How many of them, and which.
        many: Many,
    },
    /// Records between both hold the id of this one and that of a related one.
    Through {
        /// The field of the record between for this one.
        key: &'static str,
        /// The field of the record between for the related one.
        to: &'static str,
        /// How many of the records between, and which.
        many: Many,
    },
}

/// How many related records one record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Many {
    /// At most so many; further ones are left out.
    pub limit: u64,
    /// The field by which they are sorted, and whether the largest comes first.
    pub sort: Option<(&'static str, bool)>,
    /// Whether the number of all is told, those included that the limit leaves out.
    pub total: bool,
}

impl Many {
    /// Means 100 records in the order of their store.
    pub const fn new() -> Self {
        Self { limit: LIMIT, sort: None, total: false }
    }

    /// Sets how many there are at most.
    pub const fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the field by which they are sorted, and whether the largest comes first.
    pub const fn sort(mut self, field: &'static str, descending: bool) -> Self {
        self.sort = Some((field, descending));
        self
    }

    /// Tells the number of all.
    pub const fn total(mut self) -> Self {
        self.total = true;
        self
    }
}

impl Default for Many {
    fn default() -> Self {
        Self::new()
    }
}

impl Relation {
    /// Makes a relation.
    pub const fn new(name: &'static str, kind: RelationKind, schema: fn() -> Schema) -> Self {
        Self { name, kind, service: None, schema, docs: "" }
    }

    /// Names the service of the related records by its path.
    pub const fn service(mut self, path: &'static str) -> Self {
        self.service = Some(path);
        self
    }

    /// Sets the description.
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// Tells whether there can be several related records.
    pub const fn is_many(&self) -> bool {
        !matches!(self.kind, RelationKind::BelongsTo { .. })
    }
}

/// The schema of the related records does not count: it is that of a type, which the record's own type fixes.
impl PartialEq for Relation {
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.kind, self.service, self.docs) == (other.name, other.kind, other.service, other.docs)
    }
}
