//! Secrets: which values no error may show.

use ::config::{Value, ValueKind};

/// Parts of names that only secrets have; a name too many costs a value in a message and nothing else.
const PARTS: [&str; 5] = ["secret", "pass", "key", "token", "credential"];

/// Tells whether a key looks like that of a secret; any part of a path counts.
pub(crate) fn is_name(key: &str) -> bool {
    let key = key.to_lowercase();
    PARTS.iter().any(|part| key.contains(part))
}

/// Tells whether a text is a URL with a password in it, whatever its key is called.
pub(crate) fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(_, rest)| rest.contains('@'))
}

/// Tells whether a message repeats a secret that is in this value or below it.
///
/// `named` says that the key of the value looks like that of a secret.
pub(crate) fn is_in(message: &str, value: &Value, named: bool) -> bool {
    match &value.kind {
        ValueKind::Nil => false,
        ValueKind::Table(table) => table.iter().any(|(key, value)| is_in(message, value, named || is_name(key))),
        ValueKind::Array(list) => list.iter().any(|value| is_in(message, value, named)),
        kind => {
            let text = kind.to_string();
            let secret = !text.is_empty() && (named || is_url(&text));
            secret && (message.contains(&text) || message.contains(&text.escape_debug().to_string()))
        }
    }
}
