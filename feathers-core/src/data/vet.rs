//! Vetting: looks through data from outside for what no data may hold, before the app reads it.
//!
//! JSON that a parser takes can still hold a field that JavaScript would take for an object's prototype, and half of a
//! surrogate pair, which is no text. Most data holds neither a backslash nor that name, and is not looked at twice.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::{self, Finder};
use memchr::{memchr, memchr_iter, memchr2};
use serde_json::{Value, json};

use crate::data::error::{Error, Result};
use crate::data::violation::{mistake, pointer};

/// The field that is an object's prototype in JavaScript.
const PROTOTYPE: &str = "__proto__";
static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(PROTOTYPE));
/// How many mistakes are reported.
const MISTAKES: usize = 50;

/// Refuses JSON text that holds what no data may; it must be valid.
pub(crate) fn text(json: &[u8]) -> Result<()> {
    // One look for both, since most text has neither a backslash nor an underscore.
    let Some(at) = memchr2(b'\\', b'_', json) else { return Ok(()) };
    let rest = &json[at..];
    let escape = memchr(b'\\', rest).is_some_and(|at| memmem::find(&rest[at..], b"\\u").is_some());
    if !escape && FINDER.find(rest).is_none() {
        return Ok(());
    }
    let mut items = Vec::new();
    walk(json, |walk, token| {
        let Token::Text { raw, is_name } = token else { return };
        if items.len() < MISTAKES && has_half(&json[raw.clone()]) {
            items.push(half(&walk.path()));
        }
        if items.len() < MISTAKES && is_name && *unescaped(&json[raw]) == *PROTOTYPE {
            items.push(prototype(&walk.path()));
        }
    });
    if items.is_empty() { Ok(()) } else { Err(Error::validation(items)) }
}

/// Refuses a value that holds what no data may.
pub(crate) fn value(value: &Value) -> Result<()> {
    let mut items = Vec::new();
    look(value, &mut String::new(), &mut items);
    if items.is_empty() { Ok(()) } else { Err(Error::validation(items)) }
}

fn look(value: &Value, path: &mut String, items: &mut Vec<Value>) {
    let length = path.len();
    let mut inside = |name: &str, value: &Value| {
        if items.len() >= MISTAKES {
            return;
        }
        path.push('/');
        path.push_str(&pointer(name));
        if name == PROTOTYPE {
            items.push(prototype(path));
        }
        look(value, path, items);
        path.truncate(length);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| inside(name, value)),
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .filter(|(_, value)| value.is_object() || value.is_array())
                .for_each(|(index, value)| inside(&index.to_string(), value));
        }
        _ => {}
    }
}

/// Says why text that is valid JSON cannot be read all the same, with the place.
#[cold]
pub(crate) fn unreadable(json: &[u8], error: serde_json::Error) -> Error {
    let message = match error.to_string() {
        told if told.starts_with("number out of range") => "must be a number that a computer can hold",
        // The text is valid, so that an escape can be wrong in no other way.
        told if told.contains("surrogate") || told.contains("hex escape") => HALF,
        told => return Error::bad_request(format!("Invalid JSON: {told}")).with_source(error),
    };
    let line = error.line().saturating_sub(1);
    let start = if line == 0 { 0 } else { memchr_iter(b'\n', json).nth(line - 1).map_or(0, |at| at + 1) };
    let offset = start + error.column();
    let mut place = String::new();
    walk(json, |walk, token| {
        let end = match token {
            Token::Text { raw, is_name: false } => raw.end + 1,
            Token::Scalar(range) => range.end,
            Token::Text { .. } => return,
        };
        if place.is_empty() && end >= offset {
            place = walk.path();
        }
    });
    Error::validation(vec![mistake(&place, "", "type", json!({}), message)]).with_source(error)
}

const HALF: &str = "must NOT hold half of a surrogate pair";

fn half(path: &str) -> Value {
    mistake(path, "", "type", json!({ "type": "string" }), HALF)
}

fn prototype(path: &str) -> Value {
    let message = format!("must NOT have a property named '{PROTOTYPE}'");
    mistake(path, "", "propertyNames", json!({ "propertyName": PROTOTYPE }), message)
}

/// Tells whether a text, as it is written, holds half of a surrogate pair.
fn has_half(raw: &[u8]) -> bool {
    let unit = |at: usize| -> Option<u16> {
        let digits = raw.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let mut at = 0;
    while let Some(next) = raw.get(at..).and_then(|rest| memchr(b'\\', rest)) {
        at += next;
        at += match unit(at) {
            Some(0xD800..=0xDBFF) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => 12,
            Some(0xD800..=0xDFFF) => return true,
            Some(_) => 6,
            None => 2,
        };
    }
    false
}

/// Returns a text without its escapes, as far as it has none that are wrong.
fn unescaped(raw: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(raw);
    if memchr(b'\\', raw).is_none() {
        return text;
    }
    serde_json::from_str(&format!("\"{text}\"")).map_or(text, Cow::Owned)
}

/// Where in a text the walk is: in which field or element of each object and array around it.
struct Walk<'a> {
    json: &'a [u8],
    steps: Vec<Step>,
}

enum Step {
    /// The name of the field, as it is written.
    Field(Range<usize>),
    Item(usize),
}

enum Token {
    /// A text, or the name of a field, without its quotes.
    Text { raw: Range<usize>, is_name: bool },
    /// A number, a boolean or `null`.
    Scalar(Range<usize>),
}

impl Walk<'_> {
    fn path(&self) -> String {
        self.steps.iter().fold(String::new(), |path, step| match step {
            Step::Field(raw) => format!("{path}/{}", pointer(&unescaped(&self.json[raw.clone()]))),
            Step::Item(index) => format!("{path}/{index}"),
        })
    }
}

/// Goes through valid JSON text and shows each text and scalar.
fn walk(json: &[u8], mut show: impl FnMut(&Walk<'_>, Token)) {
    let mut walk = Walk { json, steps: Vec::new() };
    let (mut at, mut name_next) = (0, false);
    while let Some(byte) = json.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'{' => {
                walk.steps.push(Step::Field(0..0));
                name_next = true;
            }
            b'[' => walk.steps.push(Step::Item(0)),
            b'}' | b']' => {
                walk.steps.pop();
                name_next = false;
            }
            b',' => match walk.steps.last_mut() {
                Some(Step::Item(index)) => *index += 1,
                _ => name_next = true,
            },
            b'"' => {
                while let Some(byte) = json.get(at).filter(|byte| **byte != b'"') {
                    at += if *byte == b'\\' { 2 } else { 1 };
                }
                let raw = start + 1..at.min(json.len());
                at += 1;
                let is_name = std::mem::take(&mut name_next);
                if is_name && let Some(Step::Field(name)) = walk.steps.last_mut() {
                    *name = raw.clone();
                }
                show(&walk, Token::Text { raw, is_name });
            }
            b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                while json.get(at).is_some_and(|byte| !b",]} \t\r\n".contains(byte)) {
                    at += 1;
                }
                show(&walk, Token::Scalar(start..at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    /// Returns the fields and the messages of the refusals.
    fn refused(result: crate::Result<()>) -> Vec<(String, String)> {
        let Err(error) = result else { return Vec::new() };
        let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
        let items = error.data().and_then(Value::as_array).cloned().unwrap_or_default();
        items.iter().map(|item| (text(item, "instancePath"), text(item, "message"))).collect()
    }

    #[test]
    fn names_of_prototypes_and_halves_of_pairs_are_found_at_their_places() {
        let (proto, half) = ("must NOT have a property named '__proto__'", super::HALF);
        let rows: [(&str, &[(&str, &str)]); 13] = [
            (r#"{"a":1}"#, &[]),
            (r#"{"__proto__":1}"#, &[("/__proto__", proto)]),
            (r#"{"\u005f_proto__":1}"#, &[("/__proto__", proto)]),
            (r#"[{"b":[0,{"c/d":{"__proto__":{}}}]}]"#, &[("/0/b/1/c~1d/__proto__", proto)]),
            (
                r#"{"__proto__":{"__proto__":[]},"a":"__proto__"}"#,
                &[("/__proto__", proto), ("/__proto__/__proto__", proto)],
            ),
            (r#"["__proto__","\"__proto__\":1"]"#, &[]),
            (r#"{"__proto__x":1,"x__proto__":2,"\\u005f_proto__":3}"#, &[]),
            (r#"{"a":"\ud83d"}"#, &[("/a", half)]),
            (r#"{"a":["x","\ude00y"],"b":{"c":"\uD83Dx\uDE00"}}"#, &[("/a/1", half), ("/b/c", half)]),
            (r#"{"a":"\ud83d\ude00","b":"\\ud83d","c":"\u00e9\n"}"#, &[]),
            (r#"{"a":"\ud83d\ud83d\ude00"}"#, &[("/a", half)]),
            (r#"{"a":{"\ud83d":1}, "b" : "\uDFFF" }"#, &[("/a/\\ud83d", half), ("/b", half)]),
            (r#""\ud83d""#, &[("", half)]),
        ];
        for (json, expected) in rows {
            let expected: Vec<_> = expected.iter().map(|(at, words)| ((*at).to_owned(), (*words).to_owned())).collect();
            assert_eq!(refused(super::text(json.as_bytes())), expected, "{json}");
        }
        let many = format!("[{}]", vec![r#"{"__proto__":1}"#; 1_000].join(","));
        assert_eq!(refused(super::text(many.as_bytes())).len(), super::MISTAKES);
    }

    #[test]
    fn values_are_looked_through_too() {
        let mut value = json!({ "a": [1, { "b": { "__proto__": { "__proto__": 1 } } }], "c": "__proto__" });
        let places = || refused(super::value(&value)).into_iter().map(|(place, _)| place).collect::<Vec<_>>();
        assert_eq!(places(), ["/a/1/b/__proto__", "/a/1/b/__proto__/__proto__"]);
        value["a"] = json!([1]);
        assert!(super::value(&value).is_ok());
    }

    #[test]
    fn what_no_parser_reads_is_named() {
        for (json, place) in [
            (r#"{"a":1,"b":1e999}"#, "/b"),
            ("{\n \"a\": [1,\n  -1e999 ],\"b\":2}", "/a/1"),
            ("1e999", ""),
            (r#"{"a":{"b":"x\ud83d"}}"#, "/a/b"),
        ] {
            let error = serde_json::from_str::<Value>(json).map(drop).expect_err("it cannot be read");
            let items = refused(Err(super::unreadable(json.as_bytes(), error)));
            assert_eq!(items.iter().map(|(place, _)| &**place).collect::<Vec<_>>(), [place], "{json}");
        }
    }
}
