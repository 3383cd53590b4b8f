//! Writing query strings, as the official client does.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::data::query::coerce::number_text;

/// What `qs` leaves as it is, besides letters and digits.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Writes a query as a query string, without a `?`.
///
/// Arrays are written with their indices, `null` as an empty text; empty arrays and objects are left out.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::{Params, query::qs};
///
/// let params = Params::query(serde_json::json!({ "$limit": 2, "name": { "$in": ["Ann", "Bob"] } }));
/// assert_eq!(qs::stringify(&params.query), "%24limit=2&name%5B%24in%5D%5B0%5D=Ann&name%5B%24in%5D%5B1%5D=Bob");
/// ```
pub fn stringify(query: &Map<String, Value>) -> String {
    let mut out = String::new();
    for (name, value) in query {
        write(&mut out, name, value);
    }
    out
}

fn write(out: &mut String, name: &str, value: &Value) {
    let text = match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                write(out, &format!("{name}[{index}]"), item);
            }
            return;
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                write(out, &format!("{name}[{field}]"), value);
            }
            return;
        }
        Value::Null => String::new(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number_text(number),
        Value::String(text) => text.clone(),
    };
    if !out.is_empty() {
        out.push('&');
    }
    out.extend(utf8_percent_encode(name, ESCAPED));
    out.push('=');
    out.extend(utf8_percent_encode(&text, ESCAPED));
}
