//! The placeholders of a path as a struct.

use std::fmt;
use std::ops::Deref;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::call::extract::FromRequest;
use crate::call::params::RouteParams;
use crate::call::service::RequestParts;
use crate::data::error::{Error, Result};
use crate::data::id::Id;

/// The values of a path's placeholders as a struct with a field for each: `room_id` of `rooms/:room_id/members`.
///
/// Numbers are read as ids are, and a value that does not fit its field is a 404: nothing can be at such a path.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::app::Route;
///
/// #[derive(serde::Deserialize)]
/// #[serde(rename_all = "camelCase")]
/// struct Place {
///     room_id: i64,
/// }
///
/// // As a parameter of a method: `async fn find(&self, Route(place): Route<Place>) -> Result<..>`.
/// fn room(Route(place): Route<Place>) -> i64 {
///     place.room_id
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route<T>(pub T);

impl<T> Deref for Route<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'r, T: DeserializeOwned> FromRequest<'r> for Route<T> {
    fn from_request(request: RequestParts<'r>) -> Result<Self> {
        T::deserialize(Placeholders(&request.params.route)).map(Self).map_err(|failure| match failure {
            Failure::NoFit(why) => Error::not_found(why),
            Failure::Mistake(what) => {
                let (path, ty) = (request.path, std::any::type_name::<T>());
                Error::internal(format!("`{ty}` cannot be read from the placeholders of '{path}': {what}"))
            }
        })
    }
}

/// Why placeholders cannot be read.
#[derive(Debug)]
enum Failure {
    /// The client names what cannot be.
    NoFit(String),
    /// The struct is not one of this path's placeholders.
    Mistake(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFit(why) | Self::Mistake(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::NoFit(message.to_string())
    }

    fn invalid_type(given: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::Mistake(format!("{given} where {expected} is expected"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Mistake(format!("there is no `:{field}`"))
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self::Mistake(format!("it has no field for `:{field}`"))
    }
}

struct Placeholders<'de>(&'de RouteParams);

impl<'de> Deserializer<'de> for Placeholders<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Values { rest: self.0.iter(), current: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// Reads the placeholders one after the other.
struct Values<'de, I> {
    rest: I,
    current: Option<(&'de str, &'de str)>,
}

impl<'de, I: Iterator<Item = (&'de str, &'de str)>> MapAccess<'de> for Values<'de, I> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        self.current = self.rest.next();
        self.current.map(|(name, _)| seed.deserialize(BorrowedStrDeserializer::new(name))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let Some((name, value)) = self.current else { return Err(Failure::Mistake("there is no value".to_owned())) };
        seed.deserialize(Text(value)).map_err(|failure| match failure {
            Failure::NoFit(_) => Failure::NoFit(format!("No record found for {name} '{value}'")),
            Failure::Mistake(what) => Failure::Mistake(format!("`:{name}` is {what}")),
        })
    }
}

/// The text of one placeholder, which may stand for a number or a boolean.
struct Text<'de>(&'de str);

impl Text<'_> {
    fn number(&self) -> Result<i64, Failure> {
        Id::from(self.0).as_int().ok_or_else(|| Failure::NoFit(self.0.to_owned()))
    }
}

macro_rules! numbers {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
            visitor.visit_i64(self.number()?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_borrowed_str(self.0)
    }

    numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0 {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(Failure::NoFit(other.to_owned())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        // A variant that there is not is what the client has named.
        if !variants.contains(&self.0) {
            return Err(Failure::NoFit(self.0.to_owned()));
        }
        let text: StringDeserializer<Failure> = self.0.to_owned().into_deserializer();
        text.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
