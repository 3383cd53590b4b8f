//! The second look at data that could not be decoded: finds every mistake in its JSON.

use serde_json::{Map, Value, json};

use super::{Mode, Rights, chosen_id, readonly, rules};
use crate::error::Error;
use crate::field::FieldRef;
use crate::mistake::{fragment, mistake, pointer, unknown_field, wrong_type};
use crate::payload::Payload;
use crate::schema::{Field, Kind, Schema};

/// Returns the 400 for data that does not fit; `cause` is the decoder's own error.
#[cold]
pub(super) fn refuse(payload: &Payload, schema: &Schema, mode: Mode, rights: Rights, cause: &Error) -> Error {
    let Ok(value) = payload.value() else { return cause.clone() };
    let Value::Object(data) = value else {
        return Error::validation(vec![wrong_type("", "", "object")]);
    };
    let mut mistakes = Vec::new();
    if !schema.open {
        inspect(data, schema, mode, rights, &mut mistakes);
    }
    if mistakes.is_empty() {
        // The type has rules of its own, so its own words are all that is known.
        mistakes.push(mistake("", "", "type", json!({ "type": schema.name }), cause.message()));
    }
    Error::validation(mistakes)
}

/// Collects the mistakes in the order in which Ajv does: what is missing, what is unknown, then field by field.
fn inspect(data: &Map<String, Value>, schema: &Schema, mode: Mode, rights: Rights, mistakes: &mut Vec<Value>) {
    if mode != Mode::Patch {
        let required = |field: &&Field| !field.optional && field.name != schema.id;
        for field in schema.fields.iter().filter(required).filter(|field| !data.contains_key(field.name)) {
            let message = format!("must have required property '{}'", field.name);
            mistakes.push(mistake("", "", "required", json!({ "missingProperty": field.name }), message));
        }
    }
    for name in data.keys().filter(|name| schema.field(name).is_none()) {
        mistakes.push(unknown_field("", "", name));
    }
    let chosen = mode == Mode::Create && !rights.choose_id;
    if chosen && data.get(schema.id).is_some_and(|id| !id.is_null()) {
        mistakes.push(chosen_id(schema.id));
    }
    for field in schema.fields {
        if let Some(value) = data.get(field.name) {
            inspect_field(field, value, field.name == schema.id, mistakes);
        }
    }
}

fn inspect_field(field: &Field, value: &Value, is_id: bool, mistakes: &mut Vec<Value>) {
    if field.readonly && !is_id {
        mistakes.push(readonly(field.name));
        return;
    }
    let fits = match (field.kind, value) {
        (_, Value::Null) => field.nullable || is_id || field.kind == Kind::Json,
        (Kind::Boolean, value) => value.is_boolean(),
        (Kind::Integer, value) => value.is_i64() || value.is_u64(),
        (Kind::Number, value) => value.is_number(),
        (Kind::String, value) => value.is_string(),
        (Kind::Json, _) => true,
    };
    if fits {
        rules::check(field, &FieldRef::from_json(value), mistakes);
    } else {
        let schema = format!("/properties/{}", fragment(field.name));
        mistakes.push(wrong_type(&format!("/{}", pointer(field.name)), &schema, field.kind.name()));
    }
}
