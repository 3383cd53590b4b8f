//! Validation: from a payload to typed data, or to a 400 that lists every mistake the way Ajv does.
//!
//! Data that fits is decoded straight into its type, and then only the rules are left to check. Only when decoding
//! fails is the data looked at as JSON, to find all mistakes and name their places. Data is never coerced.

mod formats;
mod inspect;
mod rules;

use std::slice;

use serde_json::{Value, json};

use crate::data::data_type::DataType;
use crate::data::error::{Error, Result};
use crate::data::field::{FieldRef, FieldValue};
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::data::record::Record;
use crate::data::schema::{Field, Schema};
use crate::data::violation::{fragment, mistake, not_for_clients, pointer, unchangeable};

/// What the data is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// A new record.
    Create,
    /// A whole record in the place of another.
    Update,
    /// A change of some fields.
    Patch,
}

/// What the caller may set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rights<'a> {
    /// What the client has sent; what only the server sets must not come from there.
    pub(super) sent: Option<&'a Payload>,
    /// The id of a new record.
    pub(super) choose_id: bool,
}

/// Reads the data of a `create` or `update`.
pub(super) fn data<R: Record>(payload: &Payload, schema: &Schema, mode: Mode, rights: Rights<'_>) -> Result<R::Draft> {
    let mut data: R::Draft =
        payload.decode().map_err(|error| inspect::refuse(payload, schema, mode, rights, &error))?;
    R::normalise(&mut data);
    let chosen = mode == Mode::Create
        && !rights.choose_id
        && R::data_id(&data, schema.id).is_some_and(|id| has_sent_id(&id, schema.id, rights.sent));
    if chosen || needs_check(schema, mode, rights) {
        let mut mistakes = Vec::new();
        let fields = R::data_fields(&data);
        if mode == Mode::Create {
            let hidden = schema.fields.iter().enumerate().filter(|(_, field)| field.hidden && !field.optional);
            let missing = hidden.filter(|(index, _)| !fields.iter().any(|(own, _)| own == index));
            mistakes.extend(missing.map(|(_, field)| missing_field(field.name)));
        }
        if chosen {
            mistakes.push(chosen_id(schema.id));
        }
        for (index, value) in &fields {
            if let Some(field) = schema.fields.get(*index) {
                rules::check(field, value, &mut mistakes);
                check_sent::<R>(mode, (field, *index), value, payload, rights.sent, &mut mistakes)?;
            }
        }
        fail_on(mistakes)?;
    }
    Ok(data)
}

/// Reads the data of a `patch`; `sent` is what the client has sent.
pub(super) fn patch<R: Record>(payload: &Payload, schema: &Schema, sent: Option<&Payload>) -> Result<R::PatchDraft> {
    let rights = Rights { sent, choose_id: true };
    let mut patch: R::PatchDraft =
        payload.decode().map_err(|error| inspect::refuse(payload, schema, Mode::Patch, rights, &error))?;
    R::normalise_patch(&mut patch);
    if needs_check(schema, Mode::Patch, rights) {
        let mut mistakes = Vec::new();
        for (index, value) in R::changes(&patch) {
            if let Some(field) = schema.fields.get(index) {
                rules::check(field, &value.borrowed(), &mut mistakes);
                check_sent::<R>(Mode::Patch, (field, index), &value.borrowed(), payload, sent, &mut mistakes)?;
            }
        }
        fail_on(mistakes)?;
    }
    Ok(patch)
}

fn needs_check(schema: &Schema, mode: Mode, rights: Rights<'_>) -> bool {
    let from_client = rights.sent.is_some();
    let creates = mode == Mode::Create;
    schema.fields.iter().any(|field| {
        !field.rules.is_empty()
            || may_refuse(field)
            || from_client && is_denied(field, mode)
            || creates && field.hidden && !field.optional
    })
}

/// Tells whether a client may not set a field: only the server does, or it does not change any more.
///
/// The record that an `update` replaces is not known here: it refuses another value for an `immutable` field itself.
fn is_denied(field: &Field, mode: Mode) -> bool {
    field.server || mode == Mode::Patch && field.immutable
}

/// Tells whether a value that could be read may be one that no store keeps. JSON has no numbers that are not finite.
fn may_refuse(field: &Field) -> bool {
    field.data_type.is_bounded() && field.data_type != DataType::Number
}

/// Refuses a field that the client may not set, if the client's own value is still there after the hooks.
///
/// A list of several records is looked at as a whole: hooks may have changed their order.
fn check_sent<R: Record>(
    mode: Mode,
    (field, index): (&Field, usize),
    value: &FieldRef<'_>,
    payload: &Payload,
    sent: Option<&Payload>,
    mistakes: &mut Vec<Value>,
) -> Result<()> {
    let Some(sent) = sent.filter(|_| is_denied(field, mode)) else { return Ok(()) };
    let records = match sent.value()? {
        Value::Array(records) => records.as_slice(),
        one => slice::from_ref(one),
    };
    let now: Vec<&Value> = payload.value()?.as_object().map(|data| field.values_in(data).collect()).unwrap_or_default();
    // A hook may have read the data and written it again, so that the same value looks different.
    let same = |sent: &Value| {
        now.contains(&sent) || reread::<R>(field, index, sent).is_some_and(|sent| sent.borrowed() == *value)
    };
    if records.iter().filter_map(Value::as_object).flat_map(|record| field.values_in(record)).any(same) {
        mistakes.push(denied(field));
    }
    Ok(())
}

/// Reads one value of a field as the record does.
fn reread<R: Record>(field: &Field, index: usize, value: &Value) -> Option<FieldValue> {
    let mut patch: R::PatchDraft = Payload::from(json!({ field.name: value })).decode().ok()?;
    R::normalise_patch(&mut patch);
    R::changes(&patch).into_iter().find(|(own, _)| *own == index).map(|(_, value)| value)
}

/// Tells whether the client has sent this id: one that a hook has made is none of the client's choice.
fn has_sent_id(id: &Id, name: &str, sent: Option<&Payload>) -> bool {
    let Some(sent) = sent.and_then(|sent| sent.value().ok()) else { return false };
    let records = sent.as_array().map_or_else(|| slice::from_ref(sent), Vec::as_slice);
    // A number and its text are the same id.
    let is = |own: Id| own.to_string() == id.to_string();
    records.iter().any(|record| Id::from_json(&record[name]).ok().flatten().is_some_and(is))
}

/// Tells whether the client has sent a field.
fn has_sent(field: &Field, sent: Option<&Payload>) -> bool {
    let sent = sent.and_then(|sent| sent.value().ok());
    let has = |record: &Value| record.as_object().is_some_and(|record| field.values_in(record).next().is_some());
    sent.is_some_and(|sent| sent.as_array().map_or_else(|| has(sent), |records| records.iter().any(has)))
}

/// Makes the item for a field that is not there.
fn missing_field(name: &str) -> Value {
    let message = format!("must have required property '{name}'");
    mistake("", "", "required", json!({ "missingProperty": name }), message)
}

/// Makes the item for a field that the client may not set, or not any more.
fn denied(field: &Field) -> Value {
    if field.server { not_for_clients(field.name) } else { unchangeable(field.name) }
}

/// Makes the item for an id that the client may not choose.
fn chosen_id(name: &str) -> Value {
    let schema = format!("/properties/{}", fragment(name));
    let message = "must NOT be set: the service makes its ids, unless it says `.client_ids(true)`";
    mistake(&format!("/{}", pointer(name)), &schema, "readOnly", json!({ "readOnly": true }), message)
}

fn fail_on(mistakes: Vec<Value>) -> Result<()> {
    if mistakes.is_empty() { Ok(()) } else { Err(Error::validation(mistakes)) }
}
