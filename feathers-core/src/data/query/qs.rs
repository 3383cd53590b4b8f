//! The query string, parsed and written as the `qs` package does, which every Feathers client uses.
//!
//! `a[b]=1` is an object, `a[]=1` and `a[0]=1` are arrays, `a=1&a=2` is an array too. All values are texts.
//! Where `qs` bends what is beyond its limits into something else, this parser refuses: a query is never silently
//! another one. Names that live on JavaScript's `Object.prototype`, such as `__proto__`, are dropped.
//!
//! The work is linear in the length of the text but for a logarithm, and arrays are sparse until the end, so that
//! `a[999]=x` costs one entry.

mod entries;
mod print;
mod tree;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use smallvec::SmallVec;

use self::entries::Entries;
pub use self::print::stringify;
use self::tree::{List, Node, Object};
use crate::data::error::{Error, Result};

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

/// Parses a query string, without its `?`.
///
/// A parameter whose name holds a name of JavaScript's prototype is dropped. What cannot be percent-decoded is kept
/// as it is.
/// More than 20 brackets in a name, an array index of 1,000 or more, an array of 1,000 elements or more, and more
/// than 5,000 parameters are a 400 each.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::query::qs;
///
/// let query = qs::parse("$sort[age]=-1&name[$in][]=Ann&name[$in][]=Bob")?;
/// assert_eq!(
///     serde_json::Value::from(query),
///     serde_json::json!({ "$sort": { "age": "-1" }, "name": { "$in": ["Ann", "Bob"] } }),
/// );
/// # Ok::<(), feathers::Error>(())
/// ```
///
/// # Errors
/// A text that is past one of the limits: a 400.
pub fn parse(text: &str) -> Result<Map<String, Value>> {
    read(text, |path| !path.iter().any(|segment| PROTOTYPE_NAMES.contains(&segment.name())))
}

/// Parses a body of the type `application/x-www-form-urlencoded`, by the same rules and limits.
///
/// No name is dropped: what is no name for data is refused by the call.
///
/// # Errors
/// A text that is past one of the limits: a 400.
pub fn parse_form(text: &str) -> Result<Map<String, Value>> {
    read(text, |_| true)
}

fn read(text: &str, keeps: impl Fn(&[Segment<'_>]) -> bool) -> Result<Map<String, Value>> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    let mut root = Object::default();
    for (name, value) in parameters(&unescape_brackets(text))? {
        let path = path(&name)?;
        if keeps(&path) {
            insert(&mut root, &path, value)?;
        }
    }
    Ok(root.into_map())
}

/// Brackets may come percent-encoded; they mean the same then, and `qs` looks at them before it decodes.
fn unescape_brackets(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find('%') else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(at) = rest.find('%') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let (bracket, length) = match after.as_bytes() {
            [_, b'5', b'B' | b'b', ..] => ("[", 3),
            [_, b'5', b'D' | b'd', ..] => ("]", 3),
            _ => ("%", 1),
        };
        out.push_str(bracket);
        rest = &after[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Splits the text into decoded names and values, in the order of first mention; a repeated name gets a list.
fn parameters(text: &str) -> Result<Entries<Cow<'_, str>, Node>> {
    let mut parameters = Entries::<Cow<'_, str>, Node>::default();
    let mut count = 0_usize;
    for part in text.split('&').filter(|part| !part.is_empty()) {
        count += 1;
        if count > MAX_PARAMETERS {
            return Err(Error::bad_request(format!("Query has more than {MAX_PARAMETERS} parameters")));
        }
        let end_of_name = part.as_bytes().windows(2).position(|pair| pair == b"]=").map(|at| at + 1);
        let split = end_of_name.or_else(|| part.find('='));
        let (name, value) = split.map_or((part, ""), |at| (&part[..at], &part[at + 1..]));
        let (name, value) = (decode(name), Node::Text(decode(value).into_owned()));
        if let Some(node) = parameters.get_mut(&name) {
            let mut list = match std::mem::take(node) {
                Node::List(list) => list,
                first => List::of(first),
            };
            list.push(value)?;
            *node = Node::List(list);
        } else {
            parameters.push(name, value);
        }
    }
    Ok(parameters)
}

/// Decodes `+` and `%XX`; a text with a wrong escape keeps all of them.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| matches!(byte, b'+' | b'%')) {
        return Cow::Borrowed(text);
    }
    let text = text.replace('+', " ");
    let valid = text.bytes().enumerate().filter(|(_, byte)| *byte == b'%').all(|(at, _)| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    match percent_decode_str(&text).decode_utf8() {
        Ok(decoded) if valid => Cow::Owned(decoded.into_owned()),
        _ => Cow::Owned(text),
    }
}

/// Puts a value where its name says, among what the names before it have built.
fn insert(object: &mut Object, path: &[Segment<'_>], leaf: Node) -> Result<()> {
    let Some((first, rest)) = path.split_first() else { return Ok(()) };
    let Some(name) = first.key() else {
        // Without a name before it, a list's indices are names.
        return match wrap(path, leaf)? {
            Node::List(list) => object.merge(list.into_object()),
            Node::Object(other) => object.merge(other),
            Node::Text(_) => Ok(()),
        };
    };
    match object.get_mut(name) {
        Some(Node::Object(inner)) if rest.first().is_some_and(|next| next.key().is_some()) => insert(inner, rest, leaf),
        Some(own) => {
            *own = std::mem::take(own).merge(wrap(rest, leaf)?)?;
            Ok(())
        }
        None => {
            object.push(name.to_owned(), wrap(rest, leaf)?);
            Ok(())
        }
    }
}

/// Builds the objects and arrays that a path stands for, around its value.
fn wrap(path: &[Segment<'_>], value: Node) -> Result<Node> {
    path.iter().rev().try_fold(value, |leaf, segment| segment.wrap(leaf))
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

    /// Returns the name, unless this stands for an array.
    fn key(&self) -> Option<&'a str> {
        match self {
            Self::Bracketed(name) if name.is_empty() || is_index(name) => None,
            Self::Plain(name) | Self::Bracketed(name) | Self::Open(name) => Some(name),
        }
    }

    fn wrap(&self, leaf: Node) -> Result<Node> {
        match *self {
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
                object.push(name.to_owned(), leaf);
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
fn path(name: &str) -> Result<SmallVec<[Segment<'_>; 4]>> {
    let first = name.find('[');
    let parent = first.map_or(name, |first| &name[..first]);
    let mut segments = SmallVec::new();
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
