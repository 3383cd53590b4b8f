//! Typed fields: the names of a record's fields with the types of their values, for conditions that the compiler checks.

use std::fmt;
use std::marker::PhantomData;

use uuid::Uuid;

use crate::data::field::{FieldType, FieldValue};
use crate::data::query::{Comparison, Condition, FieldPath, Filter};
use crate::data::record::Record;
use crate::data::types::Duration;

/// A field of the record `R` whose values are of type `V`.
///
/// `#[derive(Service)]` makes a constant for each field: `Ticket::ORGANISATION_ID` for `organisation_id`. Its methods
/// make conditions, and a value of another type does not compile.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::Document;
/// use feathers::query::TypedField;
///
/// // Records that the derive has not made name their fields themselves.
/// const OWNER: TypedField<Document, i64> = TypedField::new("owner");
/// const SHARED: TypedField<Document, bool> = TypedField::new("shared");
///
/// let readable = OWNER.eq(7) | SHARED.eq(true);
/// # let _ = readable;
/// ```
pub struct TypedField<R, V> {
    name: &'static str,
    types: PhantomData<fn() -> (R, V)>,
}

/// The values of a computed field, of type `V`: it has a name, and no condition compares it.
pub struct Computed<V>(PhantomData<fn() -> V>);

impl<V> fmt::Debug for Computed<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Computed")
    }
}

impl<R, V> TypedField<R, V> {
    /// Names a field as it is on the wire.
    pub const fn new(name: &'static str) -> Self {
        Self { name, types: PhantomData }
    }

    /// Returns the name on the wire.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<R: Record, V> TypedField<R, V> {
    fn compared(self, comparison: Comparison) -> Condition<R> {
        Condition::of(Filter::Field(FieldPath::new(self.name, &R::schema()), comparison))
    }
}

impl<R: Record, V: FieldType> TypedField<R, V> {
    /// The field has this value.
    pub fn eq(self, value: impl FieldOperand<V>) -> Condition<R> {
        self.compared(Comparison::Equal(value.into_value()))
    }

    /// The field has another value, or none.
    pub fn ne(self, value: impl FieldOperand<V>) -> Condition<R> {
        self.compared(Comparison::NotEqual(value.into_value()))
    }

    /// The field has one of these values; of no values, no record matches.
    pub fn one_of<T: FieldOperand<V>>(self, values: impl IntoIterator<Item = T>) -> Condition<R> {
        self.compared(Comparison::In(values.into_iter().map(FieldOperand::into_value).collect()))
    }

    /// The value is smaller. A field without a value is in no order, so that this never matches it.
    pub fn lt(self, value: impl FieldOperand<V>) -> Condition<R>
    where
        V: Ordered,
    {
        self.compared(Comparison::Less(value.into_value()))
    }

    /// The value is smaller or the same.
    pub fn lte(self, value: impl FieldOperand<V>) -> Condition<R>
    where
        V: Ordered,
    {
        self.compared(Comparison::LessOrEqual(value.into_value()))
    }

    /// The value is larger.
    pub fn gt(self, value: impl FieldOperand<V>) -> Condition<R>
    where
        V: Ordered,
    {
        self.compared(Comparison::Greater(value.into_value()))
    }

    /// The value is larger or the same.
    pub fn gte(self, value: impl FieldOperand<V>) -> Condition<R>
    where
        V: Ordered,
    {
        self.compared(Comparison::GreaterOrEqual(value.into_value()))
    }
}

impl<R: Record, V> TypedField<R, Option<V>> {
    /// The field has no value.
    pub fn is_null(self) -> Condition<R> {
        self.compared(Comparison::Equal(FieldValue::Null))
    }
}

impl<R: Record, V: FieldType> TypedField<R, Vec<V>> {
    /// The list has this item.
    pub fn contains(self, item: impl FieldOperand<V>) -> Condition<R> {
        // As it stands in the list: on the wire.
        self.compared(Comparison::Equal(item.into_value().to_json().into()))
    }
}

impl<R, V> Clone for TypedField<R, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R, V> Copy for TypedField<R, V> {}

impl<R, V> fmt::Debug for TypedField<R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedField").field(&self.name).finish()
    }
}

/// What a field of type `V` is compared with: a value of its type or a reference to one, a `&str` for a text, and for a
/// field that may be empty also the value inside.
#[diagnostic::on_unimplemented(
    message = "a field of type `{V}` is not compared with `{Self}`",
    label = "not a value of the field",
    note = "legal are the type of the field, a reference to it, a `&str` for a `String`, and what is inside an `Option`"
)]
pub trait FieldOperand<V> {
    /// Returns the value as it is compared.
    fn into_value(self) -> FieldValue;
}

impl<V: FieldType> FieldOperand<V> for V {
    fn into_value(self) -> FieldValue {
        self.to_field().into_owned()
    }
}

impl<V: FieldType> FieldOperand<V> for &V {
    fn into_value(self) -> FieldValue {
        self.to_field().into_owned()
    }
}

impl<V: FieldType> FieldOperand<Option<V>> for V {
    fn into_value(self) -> FieldValue {
        self.to_field().into_owned()
    }
}

impl<V: FieldType> FieldOperand<Option<V>> for &V {
    fn into_value(self) -> FieldValue {
        self.to_field().into_owned()
    }
}

impl FieldOperand<String> for &str {
    fn into_value(self) -> FieldValue {
        FieldValue::Text(self.into())
    }
}

impl FieldOperand<Option<String>> for &str {
    fn into_value(self) -> FieldValue {
        FieldValue::Text(self.into())
    }
}

/// A field type whose values are in an order, for `lt`, `lte`, `gt` and `gte`: numbers, texts, points in time and
/// durations.
#[diagnostic::on_unimplemented(
    message = "the values of `{Self}` are in no order",
    label = "compares only with `eq`, `ne` and `one_of`",
    note = "`lt`, `lte`, `gt` and `gte` are for numbers, texts and points in time"
)]
pub trait Ordered: FieldType {}

macro_rules! ordered {
    ($($ty:ty)*) => {$( impl Ordered for $ty {} )*};
}

ordered!(i64 i32 i16 i8 u64 u32 u16 u8 f64 f32 String Uuid Duration);

impl<V: Ordered> Ordered for Option<V> {}
