//! Nodes: how serde reads a value.
//!
//! A file has types, and they count: `"3030"` is a text and no port. A variable is a text and nothing else, so that it
//! is read by the type that is needed.

use std::collections::BTreeMap;

use ::config::{Value, ValueKind};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use crate::origin;
use crate::problem::Problem;

/// A place in the configuration that is about to be read.
#[derive(Clone, Copy)]
pub(crate) enum Node<'a> {
    /// What a file says.
    Typed(&'a Value),
    /// What a variable says; keys of tables are such texts too.
    Text(&'a str),
    /// Nothing is there.
    Absent,
}

impl<'a> Node<'a> {
    /// Reads a value into a type.
    pub(crate) fn read<S: DeserializeSeed<'a>>(value: &'a Value, seed: S) -> Result<S::Value, Problem> {
        let node = origin::variable_text(value).map_or(Self::Typed(value), Self::Text);
        seed.deserialize(node).map_err(|problem| problem.at(value))
    }

    fn keys<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self {
            // What has a default for every key needs no table in any file.
            Self::Absent => visitor.visit_map(Table { left: BTreeMap::new().into_iter(), next: None }),
            _ => self.deserialize_any(visitor),
        }
    }

    fn items<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Problem> {
        let Self::Text(text) = self else { return self.deserialize_any(visitor) };
        let parts = if text.trim().is_empty() { Vec::new() } else { text.split(',').map(str::trim).collect() };
        visitor.visit_seq(List { left: parts.into_iter().map(Self::Text).enumerate() })
    }
}

/// Reads the text of a variable by the type that is needed, and the value of a file as it is.
macro_rules! parsed {
    ($($method:ident, $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            let Self::Text(text) = self else { return self.deserialize_any(visitor) };
            match text.trim().parse() {
                Ok(parsed) => visitor.$visit(parsed),
                Err(_) => Err(Problem::invalid_value(Unexpected::Str(text), &visitor)),
            }
        }
    )*};
}

/// Reads the text of a variable as a text, also where it looks like a number.
macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            match self {
                Self::Text(text) => visitor.visit_borrowed_str(text),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let value = match self {
            Self::Absent => return Err(Problem::missing()),
            Self::Text(text) => return guess(text, visitor),
            Self::Typed(value) => value,
        };
        match &value.kind {
            ValueKind::Nil => visitor.visit_unit(),
            ValueKind::Boolean(boolean) => visitor.visit_bool(*boolean),
            ValueKind::I64(number) => visitor.visit_i64(*number),
            ValueKind::I128(number) => visitor.visit_i128(*number),
            ValueKind::U64(number) => visitor.visit_u64(*number),
            ValueKind::U128(number) => visitor.visit_u128(*number),
            ValueKind::Float(number) => visitor.visit_f64(*number),
            ValueKind::String(text) => visitor.visit_borrowed_str(text),
            ValueKind::Array(list) => visitor.visit_seq(List { left: list.iter().map(Self::Typed).enumerate() }),
            // In the order of keys, so that of two problems the same one is always reported.
            ValueKind::Table(table) => {
                let sorted: BTreeMap<&str, &Value> = table.iter().map(|(key, value)| (key.as_str(), value)).collect();
                visitor.visit_map(Table { left: sorted.into_iter(), next: None })
            }
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let Self::Text(text) = self else { return self.deserialize_any(visitor) };
        match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => visitor.visit_bool(true),
            "false" | "no" | "off" | "0" => visitor.visit_bool(false),
            _ => Err(Problem::invalid_value(Unexpected::Str(text), &visitor)),
        }
    }

    parsed! {
        deserialize_i8, visit_i8;
        deserialize_i16, visit_i16;
        deserialize_i32, visit_i32;
        deserialize_i64, visit_i64;
        deserialize_i128, visit_i128;
        deserialize_u8, visit_u8;
        deserialize_u16, visit_u16;
        deserialize_u32, visit_u32;
        deserialize_u64, visit_u64;
        deserialize_u128, visit_u128;
        deserialize_f32, visit_f32;
        deserialize_f64, visit_f64;
    }

    texts! { deserialize_char deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self {
            Self::Absent | Self::Typed(Value { kind: ValueKind::Nil, .. }) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.items(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        self.items(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.items(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.keys(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.keys(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let text = |text: &'de str| -> StrDeserializer<'de, Problem> { text.into_deserializer() };
        match self {
            Self::Text(name) => visitor.visit_enum(text(name)),
            Self::Typed(Value { kind: ValueKind::String(name), .. }) => visitor.visit_enum(text(name)),
            Self::Typed(Value { kind: ValueKind::Table(table), .. }) if table.len() == 1 => {
                let only: BTreeMap<&str, &Value> = table.iter().map(|(key, value)| (key.as_str(), value)).collect();
                visitor.visit_enum(MapAccessDeserializer::new(Table { left: only.into_iter(), next: None }))
            }
            Self::Typed(Value { kind: ValueKind::Table(_), .. }) => {
                Err(Problem::invalid_type(Unexpected::Map, &"a text, or a table with one key"))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! { bytes byte_buf unit unit_struct ignored_any }
}

impl<'de> IntoDeserializer<'de, Problem> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Reads the text of a variable where any type will do: only what cannot be meant otherwise is no text.
fn guess<'de, V: Visitor<'de>>(text: &'de str, visitor: V) -> Result<V::Value, Problem> {
    if let Ok(boolean) = text.parse() {
        return visitor.visit_bool(boolean);
    }
    if let Some(number) = text.parse::<i64>().ok().filter(|number| number.to_string() == text) {
        return visitor.visit_i64(number);
    }
    if let Some(number) = text.parse::<f64>().ok().filter(|number| number.to_string() == text && number.is_finite()) {
        return visitor.visit_f64(number);
    }
    visitor.visit_borrowed_str(text)
}

/// The items of a list that are left to read.
struct List<I> {
    left: std::iter::Enumerate<I>,
}

impl<'de, I: Iterator<Item = Node<'de>>> SeqAccess<'de> for List<I> {
    type Error = Problem;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        let Some((index, node)) = self.left.next() else { return Ok(None) };
        let item = match node {
            Node::Typed(value) => Node::read(value, seed),
            _ => seed.deserialize(node),
        };
        item.map(Some).map_err(|problem| problem.inside(index))
    }
}

/// The keys of a table that are left to read.
struct Table<'de> {
    left: std::collections::btree_map::IntoIter<&'de str, &'de Value>,
    next: Option<(&'de str, &'de Value)>,
}

impl<'de> MapAccess<'de> for Table<'de> {
    type Error = Problem;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        self.next = self.left.next();
        let Some((key, value)) = self.next else { return Ok(None) };
        seed.deserialize(Node::Text(key)).map(Some).map_err(|problem| problem.at(value).under(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        let Some((key, value)) = self.next.take() else { return Err(Problem::missing()) };
        Node::read(value, seed).map_err(|problem| problem.under(key))
    }
}
