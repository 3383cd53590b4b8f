//! Origins: from which file or variable a value came.

use std::path::Path;

use ::config::{Value, ValueKind};

const FILE: &str = "file ";
const VARIABLE: &str = "variable ";

/// Returns the mark that values from a file carry.
pub(crate) fn of_file(path: &Path) -> String {
    format!("{FILE}{}", path.display())
}

/// Returns the mark that the value of a variable carries.
pub(crate) fn of_variable(name: &str) -> String {
    format!("{VARIABLE}{name}")
}

/// Returns the text that a variable gave; such texts are read by the type that is needed.
pub(crate) fn variable_text(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::String(text) if value.origin().is_some_and(|origin| origin.starts_with(VARIABLE)) => Some(text),
        _ => None,
    }
}

/// Returns the name of the file or variable.
///
/// The tables of several files are one, so that a table is said to come from where its first value does.
pub(crate) fn name(value: &Value) -> Option<&str> {
    let own = value.origin().and_then(|origin| origin.strip_prefix(FILE).or_else(|| origin.strip_prefix(VARIABLE)));
    own.or_else(|| match &value.kind {
        ValueKind::Table(table) => {
            let named = table.iter().filter_map(|(key, value)| Some((key, name(value)?)));
            named.min_by_key(|(key, _)| *key).map(|(_, name)| name)
        }
        ValueKind::Array(list) => list.iter().find_map(name),
        _ => None,
    })
}
