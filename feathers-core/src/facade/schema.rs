//! Records and their schema: what the derive writes, and what stores and queries read.
//!
//! `#[derive(Service)]` implements [`Record`] and [`Columns`] for a struct, with a [`Schema`] of its fields.

pub use crate::{
    Columns, Constraints, DataType, Described, Draft, Field, FieldMask, FieldRef, FieldType, FieldValue, FixedPoint,
    IntoFieldNames, ListItem, Many, OnDelete, Record, Reference, Related, RelatedField, RelatedMany, Relation,
    RelationKind, Rule, Schema, SetContext, TypeSchema, Unique, fold_case, from_json_field, lookup_inside,
    to_json_field, wrong_id,
};
