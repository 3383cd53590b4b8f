//! Whatever a type wants: stands for a value with a mistake, so that the others can be looked at.

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::failure::Failure;

#[derive(Clone, Copy)]
pub(super) struct Any;

macro_rules! give {
    ($($method:ident($($argument:ident: $ty:ty),*) => |$visitor:ident| $given:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $ty,)* $visitor: V) -> Result<V::Value, Failure> {
            $(let _ = &$argument;)*
            $given
        }
    )*};
}

impl<'de> Deserializer<'de> for Any {
    type Error = Failure;

    give! {
        deserialize_any() => |visitor| visitor.visit_unit();
        deserialize_bool() => |visitor| visitor.visit_bool(false);
        deserialize_i8() => |visitor| visitor.visit_i64(1);
        deserialize_i16() => |visitor| visitor.visit_i64(1);
        deserialize_i32() => |visitor| visitor.visit_i64(1);
        deserialize_i64() => |visitor| visitor.visit_i64(1);
        deserialize_i128() => |visitor| visitor.visit_i128(1);
        deserialize_u8() => |visitor| visitor.visit_u64(1);
        deserialize_u16() => |visitor| visitor.visit_u64(1);
        deserialize_u32() => |visitor| visitor.visit_u64(1);
        deserialize_u64() => |visitor| visitor.visit_u64(1);
        deserialize_u128() => |visitor| visitor.visit_u128(1);
        deserialize_f32() => |visitor| visitor.visit_f64(1.0);
        deserialize_f64() => |visitor| visitor.visit_f64(1.0);
        deserialize_char() => |visitor| visitor.visit_char('0');
        deserialize_str() => |visitor| visitor.visit_str("");
        deserialize_string() => |visitor| visitor.visit_str("");
        deserialize_bytes() => |visitor| visitor.visit_bytes(b"");
        deserialize_byte_buf() => |visitor| visitor.visit_bytes(b"");
        deserialize_option() => |visitor| visitor.visit_none();
        deserialize_unit() => |visitor| visitor.visit_unit();
        deserialize_unit_struct(name: &'static str) => |visitor| visitor.visit_unit();
        deserialize_newtype_struct(name: &'static str) => |visitor| visitor.visit_newtype_struct(Any);
        deserialize_seq() => |visitor| visitor.visit_seq(Given(0));
        deserialize_tuple(len: usize) => |visitor| visitor.visit_seq(Given(len));
        deserialize_tuple_struct(name: &'static str, len: usize) => |visitor| visitor.visit_seq(Given(len));
        deserialize_map() => |visitor| visitor.visit_map(Given(0));
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) => |visitor| {
            visitor.visit_seq(Given(fields.len()))
        };
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) => |visitor| {
            visitor.visit_enum(First(variants.first().copied().unwrap_or_default()))
        };
        deserialize_identifier() => |visitor| visitor.visit_str("");
        deserialize_ignored_any() => |visitor| visitor.visit_unit();
    }
}

/// So many of them.
struct Given(usize);

impl<'de> SeqAccess<'de> for Given {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some(left) = self.0.checked_sub(1) else { return Ok(None) };
        self.0 = left;
        seed.deserialize(Any).map(Some)
    }
}

impl<'de> MapAccess<'de> for Given {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _seed: K) -> Result<Option<K::Value>, Failure> {
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(Any)
    }
}

/// The first variant of an enum.
struct First(&'static str);

impl<'de> EnumAccess<'de> for First {
    type Error = Failure;
    type Variant = Any;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Any), Failure> {
        let name: StrDeserializer<'_, Failure> = self.0.into_deserializer();
        Ok((seed.deserialize(name)?, Any))
    }
}

impl<'de> VariantAccess<'de> for Any {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Failure> {
        seed.deserialize(Any)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Given(len))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_seq(Given(fields.len()))
    }
}
