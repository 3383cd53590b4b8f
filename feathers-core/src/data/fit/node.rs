//! Nodes: one value at its place, as a deserializer.

use serde::de::Error as _;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde_json::{Map, Value, map};

use super::any::Any;
use super::failure::{Failure, What};
use super::key::Key;
use super::place::Place;
use super::{Repair, Round};
use crate::data::number::{decimal, whole, whole_float};

/// How `serde_json` asks for JSON text as it is.
const RAW: &str = "$serde_json::private::RawValue";

#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) place: &'a Place<'a>,
    pub(super) round: &'a Round,
}

impl<'a> Node<'a> {
    /// Tells this value from every other one.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self.value).addr()
    }

    /// Returns the text of a form, which stands for what the type wants.
    fn form_text(&self) -> Option<&'a str> {
        self.value.as_str().filter(|_| self.round.form).map(str::trim)
    }

    fn any<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (whole(number), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => visitor.visit_i64(number),
                (_, Some(number), _) => visitor.visit_u64(number),
                (.., number) => visitor.visit_f64(number.unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_str(text),
            Value::Array(items) => {
                let mut items = Items { values: items, next: 0, outer: self };
                let read = visitor.visit_seq(&mut items)?;
                if items.values.len() > items.next {
                    return Err(Failure::custom(format!("must NOT have more than {} items", items.next)));
                }
                Ok(read)
            }
            Value::Object(fields) => visitor.visit_map(Fields::new(fields, self)),
        }
    }

    fn object<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.value.is_object() { self.any(visitor) } else { Err(self.wrong(&visitor)) }
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.value.is_array() { self.any(visitor) } else { Err(self.wrong(&visitor)) }
    }

    /// Reads a struct, of which `serde_json` takes the fields in their order too.
    fn fields<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let has_fields = self.value.is_object() || self.value.is_array();
        if has_fields { self.any(visitor) } else { Err(self.wrong(&visitor)) }
    }

    fn wrong(self, expected: &dyn Expected) -> Failure {
        Failure::invalid_type(Unexpected::Other("another type"), expected).at(self)
    }

    fn whole<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let Some(text) = self.form_text() else { return self.any(visitor) };
        if let Ok(number) = text.parse() {
            return visitor.visit_i64(number);
        }
        if let Ok(number) = text.parse() {
            return visitor.visit_u64(number);
        }
        match decimal(text) {
            Some(number) => match whole_float(number) {
                Some(number) => visitor.visit_i64(number),
                None => visitor.visit_f64(number),
            },
            None => visitor.visit_str(text),
        }
    }

    fn float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.form_text().and_then(decimal) {
            Some(number) => visitor.visit_f64(number),
            None => self.any(visitor),
        }
    }

    fn boolean<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.form_text() {
            // What a checkbox sends.
            Some("true" | "on") => visitor.visit_bool(true),
            Some("false" | "off") => visitor.visit_bool(false),
            _ => self.any(visitor),
        }
    }

    fn option<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn newtype<'de, V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        if name == RAW {
            let raw = self.value.clone().deserialize_newtype_struct(name, visitor);
            return raw.map_err(Failure::custom);
        }
        visitor.visit_newtype_struct(self)
    }

    fn variant<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Value::String(name) => visitor.visit_enum(Variant { name, content: None }),
            Value::Object(fields) if fields.len() == 1 => match fields.iter().next() {
                Some((name, value)) => {
                    let place = Place::Field(self.place, name);
                    visitor.visit_enum(Variant { name, content: Some(Node { value, place: &place, ..self }) })
                }
                None => Err(Failure::wrong("enum")),
            },
            _ => Err(Failure::wrong("enum")),
        }
    }
}

macro_rules! deserialize {
    ($($method:ident($($argument:ident: $ty:ty),*) => $own:ident($($passed:ident),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* visitor: V) -> Result<V::Value, Failure> {
            self.round.looks.set(self.round.looks.get() + 1);
            let read = match self.round.repairs.get(&self.address()) {
                Some(Repair::Any) => Any.$method($($argument,)* visitor).map_err(Failure::hopeless),
                Some(Repair::Empty) => visitor.visit_unit(),
                _ => self.$own($($passed,)* visitor),
            };
            read.map_err(|failure| failure.at(self))
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Failure;

    deserialize! {
        deserialize_any() => any();
        deserialize_bool() => boolean();
        deserialize_i8() => whole();
        deserialize_i16() => whole();
        deserialize_i32() => whole();
        deserialize_i64() => whole();
        deserialize_i128() => whole();
        deserialize_u8() => whole();
        deserialize_u16() => whole();
        deserialize_u32() => whole();
        deserialize_u64() => whole();
        deserialize_u128() => whole();
        deserialize_f32() => float();
        deserialize_f64() => float();
        deserialize_char() => any();
        deserialize_str() => any();
        deserialize_string() => any();
        deserialize_bytes() => any();
        deserialize_byte_buf() => any();
        deserialize_option() => option();
        deserialize_unit() => any();
        deserialize_unit_struct(name: &'static str) => any();
        deserialize_newtype_struct(name: &'static str) => newtype(name);
        deserialize_seq() => list();
        deserialize_tuple(len: usize) => list();
        deserialize_tuple_struct(name: &'static str, len: usize) => list();
        deserialize_map() => object();
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) => fields();
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) => variant();
        deserialize_identifier() => any();
        deserialize_ignored_any() => any();
    }
}

/// The elements of an array.
struct Items<'a> {
    values: &'a [Value],
    next: usize,
    outer: Node<'a>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some(value) = self.values.get(self.next) else { return Ok(None) };
        let place = Place::Item(self.outer.place, self.next);
        self.next += 1;
        seed.deserialize(Node { value, place: &place, round: self.outer.round }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len() - self.next)
    }
}

/// The fields of an object, without the unknown ones and with the missing ones that were found so far.
struct Fields<'a> {
    entries: map::Iter<'a>,
    unknown: &'a [String],
    missing: &'a [&'static str],
    current: Option<(&'a str, &'a Value)>,
    outer: Node<'a>,
}

impl<'a> Fields<'a> {
    fn new(fields: &'a Map<String, Value>, outer: Node<'a>) -> Self {
        let (unknown, missing): (&[String], &[&'static str]) = match outer.round.repairs.get(&outer.address()) {
            Some(Repair::Fields { unknown, missing }) => (unknown, missing),
            _ => (&[], &[]),
        };
        Self { entries: fields.iter(), unknown, missing, current: None, outer }
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        for (name, value) in self.entries.by_ref() {
            if !self.unknown.contains(name) {
                self.current = Some((name, value));
                return seed.deserialize(Key(name)).map(Some);
            }
        }
        self.current = None;
        let Some((name, others)) = self.missing.split_first() else { return Ok(None) };
        self.missing = others;
        seed.deserialize(Key(name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Failure> {
        match self.current.take() {
            Some((name, value)) => {
                let place = Place::Field(self.outer.place, name);
                seed.deserialize(Node { value, place: &place, round: self.outer.round })
            }
            None => seed.deserialize(Any).map_err(Failure::hopeless),
        }
    }
}

/// One variant of an enum: its name, and what comes with it.
struct Variant<'a> {
    name: &'a str,
    content: Option<Node<'a>>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Failure;
    type Variant = Content<'a>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Content<'a>), Failure> {
        let name: StrDeserializer<'_, Failure> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Content(self.content)))
    }
}

struct Content<'a>(Option<Node<'a>>);

impl Content<'_> {
    fn missing(expected: &str) -> Failure {
        Failure::new(What::Other(format!("must be an object that holds {expected}")))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        match self.0 {
            Some(node) if !node.value.is_null() => {
                Err(Failure::invalid_type(Unexpected::Other("content"), &"unit").at(node))
            }
            _ => Ok(()),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(self.0.ok_or_else(|| Self::missing("a value"))?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Failure> {
        self.0.ok_or_else(|| Self::missing("an array"))?.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        self.0.ok_or_else(|| Self::missing("an object"))?.deserialize_struct("", fields, visitor)
    }
}
