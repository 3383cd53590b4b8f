//! Field masks: which fields of a record leave the server, applied while serialising.

use std::any::type_name;
use std::fmt::Display;
use std::sync::Arc;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use crate::data::guard::Guard;

/// Which fields of a record are serialised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FieldMask {
    /// All of them.
    #[default]
    All,
    /// All but these: hidden fields.
    Except(Arc<[Arc<str>]>),
    /// Only these: `$select`, without what is hidden.
    Only(Arc<[Arc<str>]>),
}

impl FieldMask {
    /// Tells whether the field passes.
    pub fn allows(&self, field: &str) -> bool {
        match self {
            Self::All => true,
            Self::Except(fields) => !fields.iter().any(|name| **name == *field),
            Self::Only(fields) => fields.iter().any(|name| **name == *field),
        }
    }

    /// Returns the same mask, through which these fields pass too, if it names those that do.
    pub(crate) fn with(self, names: &[&str]) -> Self {
        match self {
            Self::Only(fields) if !names.is_empty() => {
                Self::Only(fields.iter().cloned().chain(names.iter().map(|&name| name.into())).collect())
            }
            mask => mask,
        }
    }

    /// Returns the same mask, through which these fields do not pass either.
    pub(crate) fn without(&self, hidden: &[Arc<str>]) -> Self {
        match self {
            Self::All => Self::Except(hidden.into()),
            Self::Except(fields) => Self::Except(fields.iter().chain(hidden).cloned().collect()),
            Self::Only(fields) => Self::Only(fields.iter().filter(|name| !hidden.contains(name)).cloned().collect()),
        }
    }
}

/// What is seen of a value when it is serialised.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// The fields of the outermost struct or map.
    pub(crate) mask: FieldMask,
    /// What keeps hidden fields back, wherever a record stands in the value. It is there once a value leaves.
    pub(crate) guard: Option<Arc<Guard>>,
    /// Whether no record with hidden fields can stand in the value, so that nothing has to be kept back.
    pub(crate) is_plain: bool,
}

impl View {
    /// Sees only the fields in a mask.
    pub(crate) fn of(mask: FieldMask) -> Self {
        Self { mask, guard: None, is_plain: false }
    }

    /// Sees only the fields in a mask, of records that are plain or not.
    pub(crate) fn of_records(mask: FieldMask, is_plain: bool) -> Self {
        Self { mask, guard: None, is_plain }
    }

    /// Tells whether everything is seen.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.mask, FieldMask::All) && self.guard.is_none()
    }
}

/// A value that serialises only what is seen of it.
pub(crate) struct Masked<'a, T> {
    value: &'a T,
    view: &'a View,
}

impl<'a, T> Masked<'a, T> {
    pub(crate) fn new(value: &'a T, view: &'a View) -> Self {
        Self { value, view }
    }
}

impl<T: Serialize> Serialize for Masked<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.view.is_whole() {
            return self.value.serialize(serializer);
        }
        self.value.serialize(Filter {
            inner: serializer,
            mask: &self.view.mask,
            guard: self.view.guard.as_deref(),
            of: type_name::<T>(),
        })
    }
}

const ALL: &FieldMask = &FieldMask::All;

/// A value inside of one that is seen in part.
struct Inside<'a, T: ?Sized> {
    value: &'a T,
    guard: &'a Guard,
}

impl<T: ?Sized + Serialize> Serialize for Inside<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let guard = Some(self.guard);
        self.value.serialize(Filter { inner: serializer, mask: ALL, guard, of: type_name::<T>() })
    }
}

/// Passes everything through but the fields of the outermost struct or map that the mask stops, and what the guard
/// keeps back.
struct Filter<'a, S> {
    inner: S,
    mask: &'a FieldMask,
    guard: Option<&'a Guard>,
    /// The type that is being serialised.
    of: &'static str,
}

/// The fields of a struct or the entries of a map.
struct Fields<'a, C> {
    inner: C,
    mask: &'a FieldMask,
    hidden: &'a [&'static str],
    guard: Option<&'a Guard>,
    skip: bool,
}

/// The items of anything else.
struct Items<'a, C> {
    inner: C,
    guard: Option<&'a Guard>,
}

/// Writes a call twice: for a value in which a guard looks for records, and for one without a guard.
macro_rules! inside {
    ($guard:expr, $value:ident => $call:expr) => {
        match $guard {
            Some(guard) => {
                let $value = &Inside { value: $value, guard };
                $call
            }
            None => $call,
        }
    };
}

macro_rules! pass {
    ($($method:ident($($arg:ident: $ty:ty),*);)*) => {$(
        #[inline]
        fn $method(self, $($arg: $ty),*) -> Result<S::Ok, S::Error> {
            self.inner.$method($($arg),*)
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Filter<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Items<'a, S::SerializeSeq>;
    type SerializeTuple = Items<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Items<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Items<'a, S::SerializeTupleVariant>;
    type SerializeMap = Fields<'a, S::SerializeMap>;
    type SerializeStruct = Fields<'a, S::SerializeStruct>;
    type SerializeStructVariant = Items<'a, S::SerializeStructVariant>;

    pass! {
        serialize_bool(v: bool);
        serialize_i8(v: i8);
        serialize_i16(v: i16);
        serialize_i32(v: i32);
        serialize_i64(v: i64);
        serialize_i128(v: i128);
        serialize_u8(v: u8);
        serialize_u16(v: u16);
        serialize_u32(v: u32);
        serialize_u64(v: u64);
        serialize_u128(v: u128);
        serialize_f32(v: f32);
        serialize_f64(v: f64);
        serialize_char(v: char);
        serialize_str(v: &str);
        serialize_bytes(v: &[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(name: &'static str);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str);
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<S::Ok, S::Error> {
        value.serialize(Self { of: type_name::<T>(), ..self })
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        value.serialize(Self { of: type_name::<T>(), ..self })
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        inside!(self.guard, value => self.inner.serialize_newtype_variant(name, index, variant, value))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Ok(Items { inner: self.inner.serialize_seq(len)?, guard: self.guard })
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        Ok(Items { inner: self.inner.serialize_tuple(len)?, guard: self.guard })
    }

    fn serialize_tuple_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeTupleStruct, S::Error> {
        Ok(Items { inner: self.inner.serialize_tuple_struct(name, len)?, guard: self.guard })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        Ok(Items { inner: self.inner.serialize_tuple_variant(name, index, variant, len)?, guard: self.guard })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let len = len.filter(|_| matches!(self.mask, FieldMask::All));
        let inner = self.inner.serialize_map(len)?;
        Ok(Fields { inner, mask: self.mask, hidden: &[], guard: self.guard, skip: false })
    }

    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self::SerializeStruct, S::Error> {
        let hidden = self.guard.map_or(&[] as &[_], |guard| guard.hidden(name, self.of));
        let inner = self.inner.serialize_struct(name, len)?;
        Ok(Fields { inner, mask: self.mask, hidden, guard: self.guard, skip: false })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        Ok(Items { inner: self.inner.serialize_struct_variant(name, index, variant, len)?, guard: self.guard })
    }

    fn collect_str<T: ?Sized + Display>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<C> Fields<'_, C> {
    #[inline]
    fn allows(&self, field: &str) -> bool {
        self.mask.allows(field) && !self.hidden.contains(&field)
    }
}

impl<C: SerializeStruct> SerializeStruct for Fields<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    #[inline]
    fn serialize_field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result<(), C::Error> {
        if !self.allows(key) {
            return self.inner.skip_field(key);
        }
        inside!(self.guard, value => self.inner.serialize_field(key, value))
    }

    fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
        self.inner.skip_field(key)
    }

    #[inline]
    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

impl<C: SerializeMap> SerializeMap for Fields<'_, C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), C::Error> {
        let name = if matches!(self.mask, FieldMask::All) { None } else { key.serialize(KeyText).ok() };
        self.skip = name.is_some_and(|name| !self.allows(&name));
        if self.skip { Ok(()) } else { self.inner.serialize_key(key) }
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), C::Error> {
        if self.skip {
            return Ok(());
        }
        inside!(self.guard, value => self.inner.serialize_value(value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}

macro_rules! items {
    ($($trait:ident: $method:ident($($key:ident: $ty:ty)?);)*) => {$(
        impl<C: $trait> $trait for Items<'_, C> {
            type Ok = C::Ok;
            type Error = C::Error;

            fn $method<T: ?Sized + Serialize>(&mut self, $($key: $ty,)? value: &T) -> Result<(), C::Error> {
                inside!(self.guard, value => self.inner.$method($($key,)? value))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )*};
}

items! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStructVariant: serialize_field(key: &'static str);
}

/// Reads the text of a map key; a key that is no text has none and passes.
struct KeyText;

#[derive(Debug)]
struct NoText;

impl Display for NoText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no text")
    }
}

impl std::error::Error for NoText {}

impl ser::Error for NoText {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

macro_rules! no_text {
    ($($method:ident($($ty:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $ty),*) -> Result<$ok, NoText> {
            Err(NoText)
        }
    )*};
}

impl Serializer for KeyText {
    type Ok = String;
    type Error = NoText;
    type SerializeSeq = ser::Impossible<String, NoText>;
    type SerializeTuple = ser::Impossible<String, NoText>;
    type SerializeTupleStruct = ser::Impossible<String, NoText>;
    type SerializeTupleVariant = ser::Impossible<String, NoText>;
    type SerializeMap = ser::Impossible<String, NoText>;
    type SerializeStruct = ser::Impossible<String, NoText>;
    type SerializeStructVariant = ser::Impossible<String, NoText>;

    fn serialize_str(self, v: &str) -> Result<String, NoText> {
        Ok(v.to_owned())
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Result<String, NoText> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, NoText> {
        Ok(variant.to_owned())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<String, NoText> {
        Err(NoText)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, NoText> {
        Err(NoText)
    }

    no_text! {
        serialize_bool(bool) -> String;
        serialize_i8(i8) -> String;
        serialize_i16(i16) -> String;
        serialize_i32(i32) -> String;
        serialize_i64(i64) -> String;
        serialize_u8(u8) -> String;
        serialize_u16(u16) -> String;
        serialize_u32(u32) -> String;
        serialize_u64(u64) -> String;
        serialize_f32(f32) -> String;
        serialize_f64(f64) -> String;
        serialize_char(char) -> String;
        serialize_bytes(&[u8]) -> String;
        serialize_none() -> String;
        serialize_unit() -> String;
        serialize_unit_struct(&'static str) -> String;
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}
