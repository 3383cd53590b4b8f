//! The rules of fields: the attributes of validation in `#[service(..)]`.

use serde_json::{Value, json};

use super::formats;
use crate::data::field::FieldRef;
use crate::data::schema::{Field, Rule};
use crate::data::violation::{fragment, mistake, not_allowed, out_of_bounds, pointer};

/// Adds one mistake for each rule that a value breaks; `null` breaks none.
pub(super) fn check(field: &Field, value: &FieldRef<'_>, mistakes: &mut Vec<Value>) {
    // What the type itself refuses is no number to compare.
    if let Some(mistake) = field.refused(value) {
        mistakes.push(mistake);
        return;
    }
    for rule in field.rules {
        if let Some(mistake) = broken(*rule, field.name, value) {
            mistakes.push(mistake);
        }
    }
}

fn broken(rule: Rule, name: &str, value: &FieldRef<'_>) -> Option<Value> {
    let paths = || (format!("/{}", pointer(name)), format!("/properties/{}", fragment(name)));
    let bound = |fits: fn(f64, f64) -> bool, limit: f64, keyword: &str, comparison: &str| {
        let number = number(value)?;
        let (instance, schema) = paths();
        (!fits(number, limit)).then(|| out_of_bounds(&instance, &schema, keyword, comparison, limit))
    };
    match rule {
        Rule::MinLength(limit) => {
            size(value).filter(|size| size.count < limit).map(|size| size.mistake(paths(), true, limit))
        }
        Rule::MaxLength(limit) => {
            size(value).filter(|size| size.count > limit).map(|size| size.mistake(paths(), false, limit))
        }
        Rule::Minimum(limit) => bound(|number, limit| number >= limit, limit, "minimum", ">="),
        Rule::Maximum(limit) => bound(|number, limit| number <= limit, limit, "maximum", "<="),
        Rule::ExclusiveMinimum(limit) => bound(|number, limit| number > limit, limit, "exclusiveMinimum", ">"),
        Rule::ExclusiveMaximum(limit) => bound(|number, limit| number < limit, limit, "exclusiveMaximum", "<"),
        Rule::Email => format(value, "email", formats::is_email, paths),
        Rule::Url => format(value, "uri", formats::is_url, paths),
        Rule::OneOf(allowed) => {
            let FieldRef::Text(text) = value else { return None };
            let (instance, schema) = paths();
            (!allowed.contains(&&**text)).then(|| not_allowed(&instance, &schema, &json!(allowed)))
        }
    }
}

fn format(
    value: &FieldRef<'_>,
    name: &str,
    fits: fn(&str) -> bool,
    paths: impl Fn() -> (String, String),
) -> Option<Value> {
    let FieldRef::Text(text) = value else { return None };
    let (instance, schema) = paths();
    let message = format!("must match format \"{name}\"");
    (!fits(text)).then(|| mistake(&instance, &schema, "format", json!({ "format": name }), message))
}

#[expect(clippy::cast_precision_loss, reason = "a bound is a float; it is exact for all numbers up to 2^53")]
fn number(value: &FieldRef<'_>) -> Option<f64> {
    match value {
        FieldRef::Int(number) => Some(*number as f64),
        FieldRef::Float(number) => Some(*number),
        FieldRef::Decimal(number) => number.to_string().parse().ok(),
        _ => None,
    }
}

/// How long a text, an array or bytes are.
struct Size {
    count: usize,
    unit: &'static str,
}

fn size(value: &FieldRef<'_>) -> Option<Size> {
    match value {
        FieldRef::Text(text) => Some(Size { count: text.chars().count(), unit: "characters" }),
        FieldRef::Bytes(bytes) => Some(Size { count: bytes.len(), unit: "bytes" }),
        FieldRef::Json(json) => json.as_array().map(|items| Size { count: items.len(), unit: "items" }),
        _ => None,
    }
}

impl Size {
    fn mistake(&self, (instance, schema): (String, String), too_small: bool, limit: usize) -> Value {
        let keyword = match (self.unit, too_small) {
            ("items", true) => "minItems",
            ("items", false) => "maxItems",
            (_, true) => "minLength",
            (_, false) => "maxLength",
        };
        let than = if too_small { "fewer" } else { "more" };
        let message = format!("must NOT have {than} than {limit} {}", self.unit);
        mistake(&instance, &schema, keyword, json!({ "limit": limit }), message)
    }
}
