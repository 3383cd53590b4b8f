//! Failures: what serde says of a value, with its place, and the item that a client gets. Never a name of a Rust type.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Expected, Unexpected};
use serde_json::{Value, json};

use super::node::Node;
use crate::data::violation::{mistake, not_allowed, unknown_field, wrong_type};

/// Why a value does not fit.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) what: What,
    pub(super) at: Option<At>,
    /// Whether it was found in what a repair has put there.
    pub(super) hopeless: bool,
}

/// Where it was found.
#[derive(Debug)]
pub(super) struct At {
    instance: String,
    schema: String,
    pub(super) address: usize,
    pub(super) is_empty_text: bool,
}

#[derive(Debug)]
pub(super) enum What {
    /// The type wants something else: its own word for it, and the number that was there.
    Type(String, Option<f64>),
    Missing(&'static str),
    Unknown(String),
    /// None of these texts.
    Variant(&'static [&'static str]),
    /// In words of the type's own.
    Other(String),
}

impl Failure {
    pub(super) fn new(what: What) -> Self {
        Self { what, at: None, hopeless: false }
    }

    /// Makes one for a value that should be something else.
    pub(super) fn wrong(expected: &str) -> Self {
        Self::new(What::Type(expected.to_owned(), None))
    }

    /// Notes the place, unless a place inside is known already.
    pub(super) fn at(mut self, node: Node<'_>) -> Self {
        if self.at.is_none() {
            let (instance, schema) = node.place.paths();
            let is_empty_text = node.value.as_str() == Some("");
            self.at = Some(At { instance, schema, address: node.address(), is_empty_text });
        }
        self
    }

    pub(super) fn hopeless(mut self) -> Self {
        self.hopeless = true;
        self
    }

    /// Makes the item for the client.
    pub(super) fn item(&self) -> Value {
        let (instance, schema) = self.at.as_ref().map_or(("", ""), |at| (&*at.instance, &*at.schema));
        match &self.what {
            What::Missing(name) => {
                let message = format!("must have required property '{name}'");
                mistake(instance, schema, "required", json!({ "missingProperty": name }), message)
            }
            What::Unknown(name) => unknown_field(instance, schema, name),
            What::Variant(allowed) => not_allowed(instance, schema, &json!(allowed)),
            What::Type(expected, number) => match bounds(expected) {
                Some((least, most)) => match *number {
                    Some(number) if number.fract() == 0.0 => out_of_bounds(instance, schema, number, least, most),
                    _ => wrong_type(instance, schema, "integer"),
                },
                None => wrong_type(instance, schema, &word(expected)),
            },
            What::Other(message) => {
                let message = if message.contains(" enum ") { "must be in one of its forms" } else { message };
                mistake(instance, schema, "type", json!({}), message)
            }
        }
    }
}

/// Makes the item for a whole number that the field cannot hold.
fn out_of_bounds(instance: &str, schema: &str, number: f64, least: i128, most: i128) -> Value {
    let (keyword, comparison, limit) = match (number, least) {
        (0.0, 0) => return mistake(instance, schema, "not", json!({}), "must NOT be 0"),
        (..0.0, _) => ("minimum", ">=", least),
        _ => ("maximum", "<=", most),
    };
    let params = match (i64::try_from(limit), u64::try_from(limit)) {
        (Ok(limit), _) => json!({ "comparison": comparison, "limit": limit }),
        (_, Ok(limit)) => json!({ "comparison": comparison, "limit": limit }),
        _ => json!({ "comparison": comparison }),
    };
    mistake(instance, schema, keyword, params, format!("must be {comparison} {limit}"))
}

/// Returns the smallest and the largest number of a type of whole numbers.
fn bounds(expected: &str) -> Option<(i128, i128)> {
    Some(match expected.strip_prefix("a nonzero ").unwrap_or(expected) {
        "i8" => (i8::MIN.into(), i8::MAX.into()),
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        "i64" | "isize" => (i64::MIN.into(), i64::MAX.into()),
        "i128" => (i128::MIN, i128::MAX),
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX.into()),
        "u128" => (0, i128::MAX),
        _ => return None,
    })
}

/// Returns the word of JSON Schema for what a type wants, where it has one.
fn word(expected: &str) -> Cow<'_, str> {
    let starts = |words: &[&str]| words.iter().any(|word| expected.starts_with(word));
    Cow::Borrowed(match expected {
        "f32" | "f64" => "number",
        "a boolean" => "boolean",
        "a string" | "a borrowed string" | "path string" | "field identifier" => "string",
        "a character" => "a single character",
        "a sequence" => "array",
        "a map" => "object",
        "unit" | "option" => "null",
        _ if starts(&["tuple", "a tuple", "an array", "an empty array"]) || expected.contains(" elements") => "array",
        _ if starts(&["unit struct"]) => "null",
        _ if starts(&["struct"]) => "object",
        _ if expected.contains("enum") || expected.contains("variant") => "a string or an object",
        other => other,
    })
}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(What::Other(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_value(found, expected)
    }

    #[expect(clippy::cast_precision_loss, reason = "it is compared with the bounds of the type, which it is beyond")]
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let number = match found {
            Unexpected::Signed(number) => Some(number as f64),
            Unexpected::Unsigned(number) => Some(number as f64),
            Unexpected::Float(number) => Some(number),
            _ => None,
        };
        Self::new(What::Type(expected.to_string(), number))
    }

    fn invalid_length(_length: usize, expected: &dyn Expected) -> Self {
        Self::new(What::Type(expected.to_string(), None))
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(What::Variant(expected))
    }

    fn unknown_field(field: &str, _expected: &'static [&'static str]) -> Self {
        Self::new(What::Unknown(field.to_owned()))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(What::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(What::Other(format!("must have '{field}' only once")))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.what)
    }
}

impl std::error::Error for Failure {}
