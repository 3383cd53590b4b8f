//! Query strings as the official client writes them: brackets, everything percent-encoded, empty lists left out.

use std::fmt::Write;

use serde_json::{Map, Value};

/// Writes a query.
pub(super) fn stringify(query: &Map<String, Value>) -> String {
    let mut pairs = Vec::new();
    for (name, value) in query {
        add(&mut pairs, name, value);
    }
    pairs.join("&")
}

/// Percent-encodes one part of a path or query.
pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

fn add(pairs: &mut Vec<String>, name: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(field, value)| add(pairs, &format!("{name}[{field}]"), value));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| add(pairs, &format!("{name}[{index}]"), value));
        }
        Value::Null => pairs.push(format!("{}=", encode(name))),
        Value::String(text) => pairs.push(format!("{}={}", encode(name), encode(text))),
        other => pairs.push(format!("{}={}", encode(name), encode(&other.to_string()))),
    }
}
