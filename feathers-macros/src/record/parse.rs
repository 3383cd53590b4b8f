//! Parsing: from the user's struct to the model.

use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Path};

use crate::docs;
use crate::errors::Errors;
use crate::record::attributes::FieldAttrs;
use crate::record::constraints::Together;
use crate::record::model::{Field, Record};
use crate::record::{relations, serde};

/// Reads the struct; `None` if it has not the shape of a record.
pub(super) fn record(
    input: &DeriveInput,
    framework: &Path,
    constraints: Vec<Together>,
    errors: &mut Errors,
) -> Option<Record> {
    let fields = fields(input, errors)?;
    if !input.generics.params.is_empty() {
        errors.on(&input.generics, "a record has no generic parameters: its schema is one table, one wire format");
        return None;
    }
    let container = serde::container(&input.attrs, "the fields of the record", errors);
    let mut fields: Vec<Field> = fields
        .named
        .iter()
        .filter_map(|field| {
            let ident = field.ident.clone()?;
            let serde = serde::field(&field.attrs, errors);
            let wire = match &serde.rename {
                Some(name) => name.value(),
                None => container.rename(&ident.unraw().to_string()),
            };
            Some(Field {
                attrs: FieldAttrs::read(&field.attrs, errors),
                docs: docs::of(&field.attrs),
                ty: field.ty.clone(),
                wire,
                wire_span: serde.rename.map_or(ident.span(), |name| name.span()),
                aliases: serde.aliases,
                codec: serde.codec,
                left_out: serde.skip_serializing_if && serde.default,
                ident,
            })
        })
        .collect();
    // What is not stored stands behind what is, so that a store has the fields up to there.
    fields.sort_by_key(|field: &Field| field.attrs.computed.is_some());
    let ident = input.ident.clone();
    let written = container.name().unwrap_or_else(|| ident.unraw().to_string());
    let (vis, framework) = (input.vis.clone(), framework.clone());
    let is_relation = |field: &Field| field.attrs.is_relation() || relations::type_of(&field.ty).is_some();
    let (relations, fields) = fields.into_iter().partition(is_relation);
    Some(Record { ident, written, vis, docs: docs::of(&input.attrs), framework, fields, relations, constraints })
}

/// Returns the named fields, or says what a record is.
fn fields<'a>(input: &'a DeriveInput, errors: &mut Errors) -> Option<&'a syn::FieldsNamed> {
    let what = "a record is a struct with named fields";
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(fields),
            Fields::Unnamed(fields) => errors.on(fields, what),
            Fields::Unit => errors.on(&input.ident, what),
        },
        Data::Enum(data) => {
            errors.at(data.enum_token.span, format!("{what}; an enum can be a field of one: with `#[derive(FieldType)]`, or with `#[service(json)]` if it has data"));
        }
        Data::Union(data) => errors.at(data.union_token.span, what),
    }
    None
}
