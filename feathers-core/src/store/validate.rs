//! Validation: from a payload to typed data, or to a 400 that lists every mistake the way Ajv does.
//!
//! Data that fits is decoded straight into its type, and then only the rules are left to check. Only when decoding
//! fails is the data looked at as JSON, to find all mistakes and name their places. Data is never coerced.

mod formats;
mod inspect;
mod rules;

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::mistake::{fragment, mistake, pointer};
use crate::payload::Payload;
use crate::record::Record;
use crate::schema::{Field, Schema};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rights {
    /// Not what clients may not set.
    pub(super) external: bool,
    /// The id of a new record.
    pub(super) choose_id: bool,
}

/// Reads the data of a `create` or `update`.
pub(super) fn data<R: Record>(payload: &Payload, schema: &Schema, mode: Mode, rights: Rights) -> Result<R::Data> {
    let Rights { external, choose_id } = rights;
    let data: R::Data = payload.decode().map_err(|error| inspect::refuse(payload, schema, mode, rights, &error))?;
    let chosen = mode == Mode::Create && !choose_id && R::data_id(&data, schema.id).is_some();
    if chosen || needs_check(schema, external) {
        let mut mistakes = Vec::new();
        if chosen {
            mistakes.push(chosen_id(schema.id));
        }
        let fields = R::data_fields(&data);
        for (index, value) in &fields {
            if let Some(field) = schema.fields.get(*index) {
                rules::check(field, value, &mut mistakes);
                check_readonly(field, payload, external, &mut mistakes)?;
            }
        }
        fail_on(mistakes)?;
    }
    Ok(data)
}

/// Reads the data of a `patch`.
pub(super) fn patch<R: Record>(payload: &Payload, schema: &Schema, external: bool) -> Result<R::Patch> {
    let rights = Rights { external, choose_id: true };
    let patch: R::Patch =
        payload.decode().map_err(|error| inspect::refuse(payload, schema, Mode::Patch, rights, &error))?;
    if needs_check(schema, external) {
        let mut mistakes = Vec::new();
        for (index, value) in R::changes(&patch) {
            if let Some(field) = schema.fields.get(index) {
                rules::check(field, &value.borrowed(), &mut mistakes);
                check_readonly(field, payload, external, &mut mistakes)?;
            }
        }
        fail_on(mistakes)?;
    }
    Ok(patch)
}

fn needs_check(schema: &Schema, external: bool) -> bool {
    schema.fields.iter().any(|field| !field.rules.is_empty() || (external && field.readonly))
}

fn check_readonly(field: &Field, payload: &Payload, external: bool, mistakes: &mut Vec<Value>) -> Result<()> {
    // The value may be a default of the type, so what counts is whether the client has sent the field.
    if external && field.readonly && payload.value()?.get(field.name).is_some() {
        mistakes.push(readonly(field.name));
    }
    Ok(())
}

fn readonly(name: &str) -> Value {
    let schema = format!("/properties/{}", fragment(name));
    let instance = format!("/{}", pointer(name));
    mistake(&instance, &schema, "readOnly", json!({ "readOnly": true }), "must NOT be set")
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
