//! Mistakes: the items of a failed validation, in the form that Ajv gives them.
//!
//! Clients of Feathers read `instancePath` and `message` of each item to show it beside the field.

use serde_json::{Map, Value, json};

/// Makes one item; `schema` is the path of the rule that failed, without the `#`.
pub(crate) fn mistake(instance: &str, schema: &str, keyword: &str, params: Value, message: impl Into<String>) -> Value {
    Value::Object(Map::from_iter([
        ("instancePath".to_owned(), instance.into()),
        ("schemaPath".to_owned(), format!("#{schema}/{keyword}").into()),
        ("keyword".to_owned(), keyword.into()),
        ("params".to_owned(), params),
        ("message".to_owned(), message.into().into()),
    ]))
}

/// Makes the item for a field that does not exist, or not for this caller.
pub(crate) fn unknown_field(instance: &str, schema: &str, name: &str) -> Value {
    let params = json!({ "additionalProperty": name });
    mistake(instance, schema, "additionalProperties", params, "must NOT have additional properties")
}

/// Makes the item for a value of a wrong type.
pub(crate) fn wrong_type(instance: &str, schema: &str, expected: &str) -> Value {
    mistake(instance, schema, "type", json!({ "type": expected }), format!("must be {expected}"))
}

/// Makes the item for a value that is not in a list.
pub(crate) fn not_allowed(instance: &str, schema: &str, allowed: &Value) -> Value {
    let params = json!({ "allowedValues": allowed });
    mistake(instance, schema, "enum", params, "must be equal to one of the allowed values")
}

/// Makes the item for a computed field in a condition or a sort.
pub(crate) fn not_compared(instance: &str, schema: &str, name: &str) -> Value {
    let (instance, schema) =
        (format!("{instance}/{}", pointer(name)), format!("{schema}/properties/{}", fragment(name)));
    mistake(
        &instance,
        &schema,
        "computed",
        json!({ "computed": true }),
        "is computed, so that no query can filter or sort by it",
    )
}

/// Makes the item for a field that only the server sets.
pub(crate) fn not_for_clients(name: &str) -> Value {
    read_only(name, "must NOT be set")
}

/// Makes the item for a field that does not change any more.
pub(crate) fn unchangeable(name: &str) -> Value {
    read_only(name, "must NOT be changed")
}

fn read_only(name: &str, message: &str) -> Value {
    let (instance, schema) = (format!("/{}", pointer(name)), format!("/properties/{}", fragment(name)));
    mistake(&instance, &schema, "readOnly", json!({ "readOnly": true }), message)
}

/// Makes the item for a number beyond a bound; `comparison` is `>=` and the like.
pub(crate) fn out_of_bounds(instance: &str, schema: &str, keyword: &str, comparison: &str, limit: f64) -> Value {
    let limit = number(limit);
    let message = format!("must be {comparison} {limit}");
    mistake(instance, schema, keyword, json!({ "comparison": comparison, "limit": limit }), message)
}

/// Writes a whole number without a fraction, as JavaScript does.
fn number(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "whole and within the range in which f64 is exact")]
    if number.fract() == 0.0 && number.abs() < 9.0e15 { Value::from(number as i64) } else { Value::from(number) }
}

/// Escapes a name for a path inside the instance (JSON pointer).
pub(crate) fn pointer(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Escapes a name for a path inside the schema, which is a URI fragment too.
pub(crate) fn fragment(name: &str) -> String {
    percent_encoding::utf8_percent_encode(&pointer(name), URI).to_string()
}

/// What `encodeURIComponent` leaves as it is, besides letters and digits.
const URI: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');
