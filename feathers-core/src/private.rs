//! What the output of the macros calls, and what only `feathers-testing` may. Not public API: it changes with them.
//!
//! Generated code holds no logic of its own; what it does beyond naming fields and methods is here, where it is read,
//! tested and compiled once.

use std::fmt;

pub use inventory;
use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde::ser::{Serialize, Serializer};

pub use crate::call::arguments::{FromId, FromPayload, into_payload, one_at_a_time};
pub use crate::call::extract::{Argument, FromRequest, data_schema};
use crate::call::method::PROTECTED;
pub use crate::call::over::{Over, describe_over, inner, inner_of, teardown_over};
pub use crate::call::set_context::Setters;
use crate::call::set_context::{SetContext, SetValue};
use crate::data::data_type::DataType;
use crate::data::error::{Error, Result};
use crate::data::field::{FieldRef, FieldType, FieldValue, NO_SCALE, mismatch};
pub use crate::data::field::{from_json_field, to_json_field};
pub use crate::data::guard::Registered;
use crate::data::id::Id;
pub use crate::data::instant::Instant;
pub use crate::data::normal_form::Text;
use crate::data::query::TypedField;
use crate::data::record::wrong_id;
pub use crate::data::record::{Fill, Gathered, RecordType, RelatedTypes, lookup_inside};
pub use crate::data::related::{Found, RelatedField};
use crate::data::schema::Schema;
use crate::data::schema::constraint::{OnDelete, Reference};
pub use crate::data::type_schema::{Probe, Undescribed};
pub use crate::data::version::Version;
use crate::data::violation::unchangeable;
pub use crate::event::commit_probe::CommitProbe;

/// Reads a field that may be left out, and keeps `null` apart from that: a missing field never gets here.
///
/// For a field that is no `Option` itself, `null` is an error.
pub fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A field that may be sent and does not count: the id in a patch.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignored;

impl fmt::Debug for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ignored")
    }
}

impl Serialize for Ignored {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

// The functions below take what they need of a field type as arguments, not as bounds: a type that is no field type is
// then one error at the field and not one more for every call.

/// Returns the value of a field for comparing and storing.
pub fn field<'a, T>(to_field: impl FnOnce(&'a T) -> FieldRef<'a>, field: &'a T) -> FieldRef<'a> {
    to_field(field)
}

/// Returns the id that a field holds.
pub fn id_of(field: FieldRef<'_>) -> Option<Id> {
    match field {
        FieldRef::Int(number) => Some(Id::Int(number)),
        FieldRef::Text(text) => Some(Id::Text(text.into())),
        // A number that no store can hold is one that no store takes, and not none.
        FieldRef::Float(number) => Some(Id::Text(number.to_string().into())),
        _ => None,
    }
}

/// Makes the value of an id field; an id that does not fit its type is a 400.
pub fn id_field<T>(id: &Id, kind: DataType, from_field: impl FnOnce(FieldValue) -> Result<T>) -> Result<T> {
    let value = match kind {
        DataType::Integer => FieldValue::Int(id.as_int().ok_or_else(|| wrong_id(id))?),
        _ => FieldValue::Text(id.to_string().into()),
    };
    from_field(value).map_err(|_| wrong_id(id))
}

/// Returns a field that a new record must have; validation has refused data without it.
pub fn required<T>(value: Option<T>, name: &str) -> Result<T> {
    value.ok_or_else(|| missing(name))
}

/// Returns what a function sets a field to.
pub fn set_value<'a, T, V: SetValue<T>>(
    context: &SetContext<'a>,
    set: impl FnOnce(&SetContext<'a>) -> V,
) -> Result<Option<T>> {
    set(context).into_value()
}

/// Returns the id of the user of a call as the value of a field.
pub fn current_user<T>(
    context: &SetContext<'_>,
    kind: DataType,
    from_field: impl FnOnce(FieldValue) -> Result<T>,
) -> Result<Option<T>> {
    context.user_id()?.map(|id| id_field(&id, kind, from_field)).transpose()
}

/// Returns the value of a computed field.
pub fn computed<R, T>(record: &R, compute: impl FnOnce(&R) -> T) -> T {
    compute(record)
}

/// Refuses a value of an `immutable` field that is not the one that it has.
pub fn unchanged(name: &str, one: &FieldRef<'_>, other: &FieldRef<'_>) -> Result<()> {
    if one == other { Ok(()) } else { Err(Error::validation(vec![unchangeable(name)])) }
}

#[cold]
fn missing(name: &str) -> Error {
    Error::bad_request(format!("must have required property '{name}'"))
}

/// Makes a field of a stored value; what does not fit names the column in the log.
pub fn column<T>(name: &str, value: Option<FieldValue>, from_field: impl FnOnce(FieldValue) -> Result<T>) -> Result<T> {
    from_field(value.unwrap_or_default()).map_err(|error| in_column(name, &error))
}

#[cold]
fn in_column(name: &str, error: &Error) -> Error {
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    Error::internal(format!("column '{name}': {cause}"))
}

/// Tells whether a name means something else on a Feathers service than a custom method.
pub const fn is_protected(name: &str) -> bool {
    let mut index = 0;
    while index < PROTECTED.len() {
        if same(PROTECTED[index].as_bytes(), name.as_bytes()) {
            return true;
        }
        index += 1;
    }
    false
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

/// Tells whether a field can be an id.
pub const fn is_id(kind: DataType) -> bool {
    matches!(kind, DataType::Integer | DataType::String | DataType::Uuid)
}

/// Tells whether the values of a field can be compared by every store, so that they can be unique.
pub const fn is_key(kind: DataType) -> bool {
    !kind.is_nested()
}

/// A record to which others can refer, by the type of its id.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a record",
    label = "not a record",
    note = "add `#[derive(Service)]` to the struct"
)]
pub trait Identified: 'static {
    /// The type of the id.
    type Id;
    /// The schema.
    const SCHEMA: fn() -> Schema;
}

/// The type of a field that refers to records whose id is an `Id`.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` cannot refer to a record whose id is of type `{Id}`",
    label = "not the type of the id",
    note = "the field has the type of the id, or is an `Option` of it"
)]
pub trait RefersTo<Id> {}

impl<Id> RefersTo<Id> for Id {}

impl<Id> RefersTo<Id> for Option<Id> {}

/// Makes a field of type `F` refer to records of a type.
pub const fn reference<F: RefersTo<R::Id>, R: Identified>(field: &'static str, on_delete: OnDelete) -> Reference {
    Reference::of::<R>(field, on_delete, R::SCHEMA)
}

/// Tells whether a field can hold the ids of a record; what the compiler does not know is looked at at the start.
pub const fn is_key_of(id: Option<DataType>, key: DataType) -> bool {
    match id {
        Some(id) => same(id.name().as_bytes(), key.name().as_bytes()),
        None => true,
    }
}

/// Returns the type of the values of a field.
pub const fn kind_of<R, V: FieldType>(_field: &TypedField<R, V>) -> DataType {
    V::KIND
}

/// Tells whether rules for texts apply to a field.
pub const fn is_text(kind: DataType) -> bool {
    matches!(kind, DataType::String)
}

/// Tells whether values of a field have a length.
pub const fn has_length(kind: DataType) -> bool {
    matches!(kind, DataType::String | DataType::Bytes | DataType::List(_))
}

/// Tells whether rules for numbers apply to a field.
pub const fn is_number(kind: DataType) -> bool {
    matches!(kind, DataType::Integer | DataType::Number | DataType::Decimal(_))
}

/// Tells whether a field is of decimals.
pub const fn is_decimal(kind: DataType) -> bool {
    matches!(kind, DataType::Decimal(_))
}

/// Tells whether a field is of decimals, and does not say how many places they have.
pub const fn lacks_scale(kind: DataType) -> bool {
    matches!(kind, DataType::Decimal(NO_SCALE))
}

/// Returns the type of decimals with so many places; any other type stays as it is.
pub const fn scaled(kind: DataType, scale: u8) -> DataType {
    if is_decimal(kind) { DataType::Decimal(scale) } else { kind }
}

/// Cuts off what is finer than a field keeps.
pub fn limit<T>(limit_precision: impl FnOnce(&mut T, DataType), value: &mut T, kind: DataType) {
    limit_precision(value, kind);
}

/// Reads a stored word of an enum.
pub fn word<T>(value: &FieldValue, name: &str, read: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    let word = match value {
        FieldValue::Text(word) => read(word),
        _ => None,
    };
    word.ok_or_else(|| mismatch(name, value))
}
