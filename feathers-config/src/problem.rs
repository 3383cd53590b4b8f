//! Problems: what is wrong with a value, while the way to its key is still being found.

use std::fmt;
use std::path::Path;

use ::config::{Value, ValueKind};
use feathers_core::Error;
use serde::de::{self, Expected, Unexpected};

use crate::{origin, secret, variable};

/// What serde answers for a value that does not fit.
///
/// It is made where the value is read, and learns its key on the way up.
#[derive(Debug)]
pub(crate) struct Problem {
    key: String,
    fault: Box<Fault>,
    /// Whether the value is known.
    placed: bool,
    /// The file or variable of the value; an empty table has none.
    place: Option<String>,
}

#[derive(Debug)]
enum Fault {
    Unfit {
        expected: String,
        found: Found,
    },
    Missing,
    Unknown {
        expected: &'static [&'static str],
    },
    Message(String),
    /// A message that held a secret.
    Refused,
}

#[derive(Debug)]
struct Found {
    kind: String,
    value: Option<String>,
}

impl Problem {
    /// Makes the problem of a key that no layer has.
    pub(crate) fn missing() -> Self {
        Self::new(Fault::Missing)
    }

    /// Says which value it was, unless that is known from further below.
    pub(crate) fn at(mut self, value: &Value) -> Self {
        if self.placed {
            return self;
        }
        self.placed = true;
        self.place = origin::name(value).map(str::to_owned);
        match &mut *self.fault {
            // A flattened field is read from its table, so that its key is not known any more.
            Fault::Unfit { found, .. } => match &value.kind {
                ValueKind::Table(_) | ValueKind::Array(_) => found.value = None,
                ValueKind::String(text) if secret::is_url(text) => found.value = None,
                _ => {}
            },
            Fault::Message(message) if secret::is_in(message, value, false) => *self.fault = Fault::Refused,
            _ => {}
        }
        self
    }

    /// Says under which key it is.
    pub(crate) fn under(mut self, key: &str) -> Self {
        let dot = if self.key.is_empty() || self.key.starts_with('[') { "" } else { "." };
        self.key = format!("{key}{dot}{}", self.key);
        self
    }

    /// Says at which place of a list it is.
    pub(crate) fn inside(self, index: usize) -> Self {
        self.under(&format!("[{index}]"))
    }

    /// Turns into the error that people read; `folder` is where a missing key belongs.
    pub(crate) fn into_error(self, folder: &Path) -> Error {
        let key = if self.key.is_empty() { "the configuration" } else { &self.key };
        if matches!(*self.fault, Fault::Missing) {
            let file = folder.join("default.toml");
            let mut hint = format!("set it in {}", file.display());
            if !self.key.is_empty() && !self.key.contains('[') {
                hint = format!("{hint} or in {}", variable::name(&self.key));
            }
            return Error::general(format!("{key} is missing: {hint}"));
        }
        let place = self.place.map(|place| format!(" (from {place})")).unwrap_or_default();
        Error::general(format!("{key}{place}: {}", self.fault.text(secret::is_name(&self.key))))
    }

    fn new(fault: Fault) -> Self {
        Self { key: String::new(), fault: Box::new(fault), placed: false, place: None }
    }
}

impl Fault {
    /// Says what is wrong, without the value if that is a secret.
    fn text(&self, secret: bool) -> String {
        match self {
            Self::Missing => "a key is missing".into(),
            Self::Unknown { expected } => format!("unknown key, expected {}", one_of(expected, "no keys here")),
            Self::Unfit { expected, found: Found { kind, value: None } } => {
                format!("expected {expected}, found {}", a(kind))
            }
            Self::Unfit { expected, found: Found { kind, .. } } if secret => {
                format!("expected {expected}, found {} (not shown, since the key looks like a secret)", a(kind))
            }
            Self::Unfit { expected, found: Found { kind, value: Some(value) } } => {
                format!("expected {expected}, found the {kind} {value}")
            }
            Self::Message(message) if !secret => message.clone(),
            Self::Message(_) | Self::Refused => {
                "is not accepted; the reason is not shown, since it may hold a secret".into()
            }
        }
    }
}

impl Found {
    fn new(found: Unexpected<'_>) -> Self {
        let (kind, value) = match found {
            Unexpected::Bool(boolean) => ("boolean", Some(boolean.to_string())),
            Unexpected::Unsigned(number) => ("number", Some(number.to_string())),
            Unexpected::Signed(number) => ("number", Some(number.to_string())),
            Unexpected::Float(number) => ("number", Some(format!("{number:?}"))),
            Unexpected::Char(character) => ("text", Some(format!("{:?}", character.to_string()))),
            Unexpected::Str(text) => ("text", Some(shortened(text))),
            Unexpected::Seq => ("list", None),
            Unexpected::Map => ("table", None),
            Unexpected::Unit | Unexpected::Option => ("nothing", None),
            other => return Self { kind: other.to_string(), value: None },
        };
        Self { kind: kind.into(), value }
    }
}

fn a(kind: &str) -> String {
    if kind == "nothing" { kind.into() } else { format!("a {kind}") }
}

/// Returns a text in quotes, and of a long one the beginning.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST).and_then(|(end, _)| text.get(..end)) {
        Some(beginning) => format!("{beginning:?}…"),
        None => format!("{text:?}"),
    }
}

/// Says what serde expects in words that do not take a Rust programmer.
fn words(expected: &str) -> String {
    let whole = match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "u128" | "usize" => "a whole number, 0 or more",
        "a nonzero u16" => "a whole number from 1 to 65535",
        "i8" => "a whole number from -128 to 127",
        "i16" => "a whole number from -32768 to 32767",
        "i32" => "a whole number from -2147483648 to 2147483647",
        "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a string" | "a borrowed string" => "a text",
        "a sequence" => "a list",
        "a map" => "a table",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    whole.into()
}

fn one_of(names: &[&str], none: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => none.into(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// For readers that wrap the error of another one; what they make of it is searched for secrets again.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fault.text(false))
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Fault::Message(message.to_string()))
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Fault::Unfit { expected: words(&expected.to_string()), found: Found::new(found) })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        // Also where the value itself must not be shown, its length helps.
        let found = Found { kind: format!("value of length {length}"), value: None };
        Self::new(Fault::Unfit { expected: words(&expected.to_string()), found })
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let found = Found::new(Unexpected::Str(variant));
        Self::new(Fault::Unfit { expected: one_of(expected, "nothing that exists"), found })
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(Fault::Unknown { expected })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::missing().under(field)
    }
}
