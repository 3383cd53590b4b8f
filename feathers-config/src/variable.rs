//! Variables: how the name of one spells a key, as in `FEATHERS__AUTHENTICATION__SECRET`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use ::config::Value;
use feathers_core::{Error, Result};

use crate::origin;

const PREFIX: &str = "FEATHERS__";
const SEPARATOR: &str = "__";

/// A variable that sets a key.
pub(crate) struct Variable {
    /// The name, such as `FEATHERS__SERVER__PORT`.
    pub(crate) name: String,
    /// The key, such as `server.port`.
    pub(crate) key: String,
    /// The text, with the name of the variable as its origin.
    pub(crate) value: Value,
}

/// Finds the variables that set a key, in the order of their keys.
pub(crate) fn collect(variables: &[(OsString, OsString)]) -> Result<Vec<Variable>> {
    let mut found: BTreeMap<Vec<String>, (String, &OsString)> = BTreeMap::new();
    for (name, text) in variables {
        let name = name.to_string_lossy();
        if !name.starts_with(PREFIX) {
            continue;
        }
        let before = found.insert(segments(&name)?, (name.to_string(), text));
        // Of the same variable the last one counts.
        if let Some((other, _)) = before.filter(|(other, _)| *other != name) {
            return Err(clash(&other, &name));
        }
    }
    // In this order a key is followed by those below it.
    let mut above: Option<(&Vec<String>, &str)> = None;
    for (segments, (name, _)) in &found {
        if let Some((_, other)) = above.filter(|(above, _)| segments.starts_with(above)) {
            return Err(clash(other, name));
        }
        above = Some((segments, name));
    }
    found
        .into_iter()
        .map(|(segments, (name, text))| {
            let text = text.to_str().ok_or_else(|| Error::general(format!("{name}: is not valid UTF-8")))?;
            let value = Value::new(Some(&origin::of_variable(&name)), text);
            Ok(Variable { name, key: segments.join("."), value })
        })
        .collect()
}

/// Returns the name of the variable that would set this key.
pub(crate) fn name(key: &str) -> String {
    let segments: Vec<String> = key.split('.').map(spell).collect();
    format!("{PREFIX}{}", segments.join(SEPARATOR))
}

fn segments(name: &str) -> Result<Vec<String>> {
    let key = name.strip_prefix(PREFIX).unwrap_or(name);
    key.split(SEPARATOR)
        .map(|segment| {
            let usual = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
            if segment.is_empty() || !segment.chars().all(usual) {
                let rule = "letters, digits, `-` and `_`, with `__` between the parts of the key";
                return Err(Error::general(format!("{name}: is no name for a key, which has {rule}")));
            }
            Ok(read(segment))
        })
        .collect()
}

/// Capitals alone are how variables are written; with small letters the key is meant as it stands: `expiresIn`.
fn read(segment: &str) -> String {
    if segment.contains(|character: char| character.is_ascii_lowercase()) {
        segment.to_owned()
    } else {
        segment.to_ascii_lowercase()
    }
}

fn spell(segment: &str) -> String {
    if segment.contains(|character: char| character.is_ascii_uppercase()) {
        segment.to_owned()
    } else {
        segment.to_ascii_uppercase()
    }
}

fn clash(one: &str, other: &str) -> Error {
    Error::general(format!("{one} and {other} set the same key: only one of them can count"))
}
