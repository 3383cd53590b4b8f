//! Checks: what a record cannot be, said at the attribute that is wrong.

mod server;

use std::collections::HashMap;

use syn::LitInt;

use crate::errors::Errors;
use crate::record::constraints::Together;
use crate::record::model::{Field, Record};
use crate::record::relations;
use crate::types::option_of;

/// Finds everything that is wrong with a record.
pub(super) fn record(record: &Record, errors: &mut Errors) {
    ids(record, errors);
    names(record, errors);
    relations::check(record, errors);
    server::record(record, errors);
    for field in &record.fields {
        combinations(field, errors);
    }
    for together in &record.constraints {
        constraint(record, together, errors);
    }
}

/// Checks the names of the fields that are something together.
fn constraint(record: &Record, together: &Together, errors: &mut Errors) {
    for (index, name) in together.fields.iter().enumerate() {
        let Some(field) = record.field(name) else {
            let names: Vec<_> = record.fields.iter().map(|field| format!("`{}`", field.ident)).collect();
            errors.on(name, format!("no field is named `{name}`\nfields are: {}", names.join(", ")));
            continue;
        };
        if together.fields.iter().take(index).any(|earlier| earlier == name) {
            errors.on(name, format!("`{name}` stands twice"));
        } else if field.attrs.json.is_some() {
            errors.on(name, format!("`{}` compares values, and `{name}` is JSON", together.name));
        } else if field.attrs.id.is_some() && together.name == "unique" {
            errors.on(name, "no two records have the same id anyway");
        }
    }
}

fn ids(record: &Record, errors: &mut Errors) {
    let mut ids = record.fields.iter().filter_map(|field| field.attrs.id.map(|span| (field, span)));
    let Some((first, _)) = ids.next() else {
        match record.fields.iter().find(|field| field.wire == "id" || field.wire == "_id") {
            Some(field) => errors.on(
                &field.ident,
                format!("no field is the id: put `#[service(id)]` on `{}` if this is the one", field.ident),
            ),
            None => {
                errors.on(&record.ident, "no field is the id: put `#[service(id)]` on the field that names a record");
            }
        }
        return;
    };
    for (_, span) in ids {
        errors.at(span, format!("a record has one id, and `{}` is it already", first.ident));
    }
    if option_of(&first.ty).is_some() {
        errors.on(&first.ty, "a record always has its id: drop the `Option`; data may leave the id out anyway");
    }
}

fn names(record: &Record, errors: &mut Errors) {
    let mut seen: HashMap<&str, &Field> = HashMap::new();
    let mut constants: HashMap<String, &Field> = HashMap::new();
    for field in record.fields.iter().chain(&record.relations) {
        let wire = field.wire.as_str();
        if wire.is_empty() || wire.starts_with('$') || wire.contains('.') || wire.contains('\0') {
            errors.at(
                field.wire_span,
                format!("a query cannot name the field `{wire}`: it must not be empty, start with `$` or have a dot"),
            );
        }
        let constant = field.constant();
        if let Some(other) = constants.insert(constant.clone(), field) {
            errors.on(
                &field.ident,
                format!(
                    "`{}` and `{}` would both have the constant `{constant}`: rename one of them",
                    other.ident, field.ident
                ),
            );
        }
        match seen.get(wire) {
            Some(other) => {
                errors.at(field.wire_span, format!("`{wire}` is the name of the field `{}` already", other.ident));
            }
            None => {
                seen.insert(wire, field);
            }
        }
    }
}

fn combinations(field: &Field, errors: &mut Errors) {
    let attrs = &field.attrs;
    if let Some((choice, span)) = attrs.references.as_ref().map(|reference| &reference.on_delete)
        && choice == "SetNull"
        && option_of(&field.ty).is_none()
    {
        errors.at(*span, "`set_null` needs a field that can be `null`: make it an `Option`");
    }
    if attrs.id.is_some() {
        let others = [
            (
                "default",
                attrs.default.as_ref().map(|default| default.span),
                "the store makes an id where data has none",
            ),
            ("server", attrs.server, "the id never changes anyway"),
            ("immutable", attrs.immutable, "the id never changes anyway"),
            ("lowercase", attrs.lowercase, "it is compared as it is"),
            ("trim", attrs.trim, "it is compared as it is"),
            ("hidden", attrs.hidden, "clients need the id"),
            ("json", attrs.json, "it is a whole number, a text or a UUID"),
            ("scale", attrs.scale.as_ref().map(LitInt::span), "it is a whole number, a text or a UUID"),
            ("unique", attrs.unique.as_ref().map(|unique| unique.span), "no two records have the same id anyway"),
            ("index", attrs.index, "records are found by their id anyway"),
            (
                "references",
                attrs.references.as_ref().map(|reference| reference.span),
                "put the reference on a field of its own, which may be `unique`",
            ),
        ];
        let others =
            others.into_iter().chain(server::named(attrs).map(|(name, span)| (name, span, "the store makes it")));
        for (name, span, why) in others {
            if let Some(span) = span {
                errors.at(span, format!("an id cannot be `{name}`: {why}"));
            }
        }
        return;
    }
    server::field(attrs, errors);
    if attrs.json.is_some() {
        let references = attrs.references.as_ref().map(|reference| ("references", reference.span));
        for (name, span) in attrs.key_attributes().chain(references) {
            errors.at(span, format!("`{name}` compares values, and this field is JSON"));
        }
        for (name, span) in [("lowercase", attrs.lowercase), ("trim", attrs.trim)] {
            if let Some(span) = span {
                errors.at(span, format!("`{name}` is for texts, and this field is JSON"));
            }
        }
        for rules in &attrs.rules {
            let what = rules.applies_to.what();
            errors.at(rules.name.span(), format!("`{}` checks {what}, and this field is JSON", rules.name));
        }
        if let Some(scale) = &attrs.scale {
            errors.on(scale, "`scale` is of decimals, and this field is JSON");
        }
    }
}
