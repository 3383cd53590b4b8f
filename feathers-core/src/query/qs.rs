//! The query string, parsed and written as the `qs` package does, which every Feathers client uses.
//!
//! `a[b]=1` is an object, `a[]=1` and `a[0]=1` are arrays, `a=1&a=2` is an array too. All values are texts.
//! Where `qs` bends what is beyond its limits into something else, this parser refuses: a query is never silently
//! another one. Names that live on JavaScript's `Object.prototype`, such as `__proto__`, are dropped.
//!
//! The work is linear in the length of the text but for a logarithm, and arrays are sparse until the end, so that
//! `a[999]=x` costs one entry.

mod print;
mod tree;

use std::borrow::Cow;
use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

pub use self::print::stringify;
use self::tree::{List, Node, Object};
use crate::error::{Error, Result};

/// How many brackets a name may have: `a[b][c]` has two.
const MAX_DEPTH: usize = 20;
/// An array index and the number of elements stay below this.
const MAX_ARRAY: usize = 1_000;
/// How many parameters a text may have.
const MAX_PARAMETERS: usize = 5_000;

/// Names that `qs` never takes from a client, since JavaScript objects inherit them.
const PROTOTYPE_NAMES: [&str; 12] = [
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
];

/// Parses a query string, without its `?`, or a body of the type `application/x-www-form-urlencoded`.
///
/// A parameter whose name holds a name of JavaScript's prototype is dropped. What cannot be percent-decoded is kept
/// as it is.
/// More than 20 brackets in a name, an array index of 1,000 or more, an array of 1,000 elements or more, and more
/// than 5,000 parameters are a 400 each.
///
/// ```
/// use feathers_core::query::qs;
///
/// let query = qs::parse("$sort[age]=-1&name[$in][]=Ann&name[$in][]=Bob")?;
/// assert_eq!(
///     serde_json::Value::from(query),
///     serde_json::json!({ "$sort": { "age": "-1" }, "name": { "$in": ["Ann", "Bob"] } }),
/// );
/// # Ok::<(), feathers_core::Error>(())
/// ```
pub fn parse(text: &str) -> Result<Map<String, Value>> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    let mut root = Node::Object(Object::default());
    for (name, value) in parameters(&unescape_brackets(text))? {
        if let Some(node) = tree(&name, value)? {
            root = root.merge(node)?;
        }
    }
    match root.into_value() {
        Value::Object(query) => Ok(query),
        _ => Ok(Map::new()),
    }
}

/// Brackets may come percent-encoded; they mean the same then, and `qs` looks at them before it decodes.
fn unescape_brackets(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find("%5") else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = rest.find("%5") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let (bracket, length) = match after.as_bytes().get(2) {
            Some(b'B' | b'b') => ("[", 3),
            Some(b'D' | b'd') => ("]", 3),
            _ => ("%5", 2),
        };
        out.push_str(bracket);
        rest = &after[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Splits the text into decoded names and values, in the order of first mention; a repeated name gets a list.
fn parameters(text: &str) -> Result<Vec<(String, Node)>> {
    let mut parameters: Vec<(String, Node)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut count = 0_usize;
    for part in text.split('&').filter(|part| !part.is_empty()) {
        count += 1;
        if count > MAX_PARAMETERS {
            return Err(Error::bad_request(format!("Query has more than {MAX_PARAMETERS} parameters")));
        }
        let split = part.find("]=").map(|at| at + 1).or_else(|| part.find('='));
        let (name, value) = split.map_or((part, ""), |at| (&part[..at], &part[at + 1..]));
        let (name, value) = (decode(name), Node::Text(decode(value)));
        if let Some((_, node)) = places.get(&name).and_then(|place| parameters.get_mut(*place)) {
            let mut list = match std::mem::take(node) {
                Node::List(list) => list,
                first => List::of(first),
            };
            list.push(value)?;
            *node = Node::List(list);
        } else {
            places.insert(name.clone(), parameters.len());
            parameters.push((name, value));
        }
    }
    Ok(parameters)
}

/// Decodes `+` and `%XX`; a text with a wrong escape keeps all of them.
fn decode(text: &str) -> String {
    let text = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    let valid = text.bytes().enumerate().filter(|(_, byte)| *byte == b'%').all(|(at, _)| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    match percent_decode_str(&text).decode_utf8() {
        Ok(decoded) if valid => decoded.into_owned(),
        _ => text.into_owned(),
    }
}

/// Builds the objects and arrays that a name with brackets stands for, around its value.
fn tree(name: &str, value: Node) -> Result<Option<Node>> {
    let segments = segments(name)?;
    if segments.iter().any(|segment| PROTOTYPE_NAMES.contains(&segment.name())) {
        return Ok(None);
    }
    let is_empty = segments.is_empty();
    let node = segments.into_iter().rev().try_fold(value, |leaf, segment| segment.wrap(leaf))?;
    Ok((!is_empty).then_some(node))
}

/// A part of a name.
enum Segment<'a> {
    /// `a` of `a[b]`, before the brackets.
    Plain(&'a str),
    /// `b` of `a[b]`.
    Bracketed(&'a str),
    /// `[b` of `a[b`: a bracket that is not closed belongs to the name.
    Open(&'a str),
}

impl<'a> Segment<'a> {
    fn name(&self) -> &'a str {
        match self {
            Self::Plain(name) | Self::Bracketed(name) | Self::Open(name) => name,
        }
    }

    fn wrap(self, leaf: Node) -> Result<Node> {
        match self {
            Self::Bracketed("") => Ok(match leaf {
                Node::List(list) => Node::List(list),
                leaf => Node::List(List::of(leaf)),
            }),
            Self::Bracketed(name) if is_index(name) => {
                let index = name.parse().unwrap_or(usize::MAX);
                let mut list = List::default();
                list.set(index, leaf)?;
                Ok(Node::List(list))
            }
            Self::Plain(name) | Self::Bracketed(name) | Self::Open(name) => {
                let mut object = Object::default();
                object.set(name.to_owned(), leaf);
                Ok(Node::Object(object))
            }
        }
    }
}

/// Tells whether this is how a whole number is written: `0` and `10`, but not `01`, `+1` or `1.5`.
fn is_index(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'))
}

/// Splits `a[b][c]` into its parts; text between brackets is ignored, as `qs` does.
fn segments(name: &str) -> Result<Vec<Segment<'_>>> {
    let first = name.find('[');
    let parent = first.map_or(name, |first| &name[..first]);
    let mut segments = Vec::new();
    if !parent.is_empty() {
        segments.push(Segment::Plain(parent));
    }
    let mut next = first;
    let mut depth = 0;
    while let Some(open) = next {
        let Some(close) = closing(name, open) else {
            segments.push(Segment::Open(&name[open..]));
            break;
        };
        depth += 1;
        if depth > MAX_DEPTH {
            return Err(Error::bad_request(format!("Query is nested deeper than {MAX_DEPTH} levels at '{parent}'")));
        }
        segments.push(Segment::Bracketed(&name[open + 1..close]));
        next = name[close + 1..].find('[').map(|at| close + 1 + at);
    }
    Ok(segments)
}

/// Finds the bracket that closes the one at `open`.
fn closing(name: &str, open: usize) -> Option<usize> {
    let mut level = 0_usize;
    name.bytes().enumerate().skip(open).find_map(|(at, byte)| {
        match byte {
            b'[' => level += 1,
            b']' => level -= 1,
            _ => {}
        }
        (level == 0).then_some(at)
    })
}
