//! The second look at data that could not be decoded: finds every mistake in its JSON.

use serde_json::{Map, Value, json};

use super::{Mode, Rights, chosen_id, denied, has_sent, has_sent_id, is_denied, missing_field, rules};
use crate::data::data_type::DataType;
use crate::data::error::Error;
use crate::data::field::{FieldRef, FieldValue};
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::data::schema::{Field, Schema};
use crate::data::violation::{fragment, mistake, unknown_field, wrong_type};

/// Returns the 400 for data that does not fit; `cause` is the decoder's own error, with what it has found.
#[cold]
pub(super) fn refuse(payload: &Payload, schema: &Schema, mode: Mode, rights: Rights<'_>, cause: &Error) -> Error {
    let Ok(value) = payload.value() else { return cause.clone() };
    let Value::Object(data) = value else {
        return Error::validation(vec![wrong_type("", "", "object")]);
    };
    let found = cause.data().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut mistakes = Vec::new();
    if !schema.open {
        inspect(data, schema, mode, rights, found, &mut mistakes);
    }
    if mistakes.is_empty() {
        // The type has rules of its own, so its own words are all that is known.
        mistakes.extend_from_slice(found);
    }
    if mistakes.is_empty() {
        mistakes.push(mistake("", "", "type", json!({}), "does not fit"));
    }
    Error::validation(mistakes)
}

/// Collects the mistakes in the order in which Ajv does: what is missing, what is unknown, then field by field.
fn inspect(
    data: &Map<String, Value>,
    schema: &Schema,
    mode: Mode,
    rights: Rights<'_>,
    found: &[Value],
    mistakes: &mut Vec<Value>,
) {
    if mode != Mode::Patch {
        // What clients cannot see stays as it is in an update.
        let kept = |field: &Field| mode == Mode::Update && field.hidden;
        let required = |field: &&Field| !field.optional && field.name != schema.id && !kept(field);
        let missing = schema.fields.iter().filter(required).filter(|field| field.values_in(data).next().is_none());
        mistakes.extend(missing.map(|field| missing_field(field.name)));
    }
    for name in data.keys().filter(|name| !schema.fields.iter().any(|field| field.is_named(name))) {
        mistakes.push(unknown_field("", "", name));
    }
    let chosen = mode == Mode::Create && !rights.choose_id;
    let id = data.get(schema.id).and_then(|id| Id::from_json(id).ok().flatten());
    if chosen && id.is_some_and(|id| has_sent_id(&id, schema.id, rights.sent)) {
        mistakes.push(chosen_id(schema.id));
    }
    for field in schema.fields {
        if is_denied(field, mode) && field.values_in(data).next().is_some() && has_sent(field, rights.sent) {
            mistakes.push(denied(field));
            continue;
        }
        for value in field.values_in(data) {
            inspect_field(field, value, found, mistakes);
        }
    }
}

/// Adds what the decoder has found in a field, or else the rules that it breaks.
fn inspect_field(field: &Field, value: &Value, found: &[Value], mistakes: &mut Vec<Value>) {
    let inside = |item: &&Value| {
        let name = item["instancePath"].as_str().and_then(|place| place.split('/').nth(1));
        name.is_some_and(|name| field.is_named(&name.replace("~1", "/").replace("~0", "~")))
    };
    let before = mistakes.len();
    mistakes.extend(found.iter().filter(inside).map(|item| in_words_of(field, item)));
    if mistakes.len() == before {
        let typed = field.data_type.read(value).map(FieldValue::into_ref);
        rules::check(field, &typed.unwrap_or_else(|| FieldRef::from_json(value)), mistakes);
    }
}

/// Says what a field allows where its type has words of its own for that: a format, or the words of an enum.
fn in_words_of(field: &Field, item: &Value) -> Value {
    let Some(place) = item["instancePath"].as_str() else { return item.clone() };
    let schema = format!("/properties/{}", fragment(field.name));
    let has_words = |kind: DataType| kind.format().is_some() || matches!(kind, DataType::Enum(_));
    match (field.data_type, place.split('/').count()) {
        (kind, 2) if has_words(kind) => kind.mistake(place, &schema),
        (DataType::List(kind), 3) if has_words(*kind) => kind.mistake(place, &format!("{schema}/items")),
        _ => item.clone(),
    }
}
