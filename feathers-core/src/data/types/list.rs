//! Lists of scalars.

use std::borrow::Cow;

use serde_json::Value;

use crate::data::data_type::DataType;
use crate::data::error::Result;
use crate::data::field::{FieldRef, FieldType, FieldValue, mismatch};

/// A type that can stand in a list that is a field: `Vec<Self>`.
///
/// It is implemented for the field types that are one value: not for `Option` and `Vec`, and not for `u8`, since a list
/// of these is bytes.
#[diagnostic::on_unimplemented(
    message = "a list of `{Self}` cannot be a field of a record as it is",
    label = "not a list of a field type",
    note = "a list is of numbers, `bool`, `String`, `Uuid`, `feathers::Duration`, instants, dates, times, or an enum with `#[derive(FieldType)]`",
    note = "in place of `Vec<u8>` use `feathers::Bytes`, which is base64 on the wire",
    note = "put `#[service(json)]` on the field to store a list of any serde type as JSON"
)]
pub trait ListItem: FieldType {}

macro_rules! items {
    ($($ty:ty)*) => {$(
        impl ListItem for $ty {}
    )*};
}

items!(bool i64 i32 i16 i8 u64 u32 u16 f64 f32 String uuid::Uuid super::Duration super::Bytes Value);

/// The type of the items, at an address that stays.
struct Items<T>(std::marker::PhantomData<T>);

impl<T: ListItem> Items<T> {
    const KIND: &'static DataType = &T::KIND;
}

impl<T: ListItem> FieldType for Vec<T> {
    const KIND: DataType = DataType::List(Items::<T>::KIND);

    fn to_field(&self) -> FieldRef<'_> {
        let items = self.iter().map(|item| item.to_field().to_json());
        FieldRef::Json(Cow::Owned(Value::Array(items.collect())))
    }

    fn from_field(value: FieldValue) -> Result<Self> {
        match value {
            FieldValue::Json(Value::Array(items)) => items.into_iter().map(|item| T::from_field(item.into())).collect(),
            other => Err(mismatch("list", &other)),
        }
    }

    fn limit_precision(&mut self, _kind: DataType) {
        for item in self {
            item.limit_precision(T::KIND);
        }
    }
}
