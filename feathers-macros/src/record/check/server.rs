//! Checks of the fields that the server makes: what cannot stand beside `set`, `computed`, `version` and their like.

use proc_macro2::Span;

use crate::errors::Errors;
use crate::record::attributes::FieldAttrs;
use crate::record::model::Record;

/// Returns the attributes that make the value of a field, by name.
pub(super) fn named(attrs: &FieldAttrs) -> impl Iterator<Item = (&'static str, Option<Span>)> {
    let span = |value: &Option<crate::record::attributes::Value>| value.as_ref().map(|value| value.span);
    [
        ("set", span(&attrs.set)),
        ("set_on_change", span(&attrs.set_on_change)),
        ("created_at", attrs.created_at),
        ("updated_at", attrs.updated_at),
        ("computed", span(&attrs.computed)),
        ("version", attrs.version),
    ]
    .into_iter()
}

/// Finds the versions that a record cannot have.
pub(super) fn record(record: &Record, errors: &mut Errors) {
    let mut versions = record.fields.iter().filter_map(|field| Some((field, field.attrs.version?)));
    let Some((first, _)) = versions.next() else { return };
    for (_, span) in versions {
        errors.at(span, format!("a record has one version, and `{}` is it already", first.ident));
    }
}

/// Finds what stands beside an attribute that makes the value of the field.
pub(super) fn field(attrs: &FieldAttrs, errors: &mut Errors) {
    let mut makers = named(attrs).filter_map(|(name, span)| Some((name, span?)));
    let maker = makers.next();
    for (_, span) in makers {
        let first = maker.map_or("", |(name, _)| name);
        errors.at(span, format!("one attribute makes the value of a field, and `{first}` does already"));
    }
    if let (Some(span), true) = (attrs.immutable, attrs.is_server()) {
        errors.at(span, "`immutable` is for what clients set, and only the server sets this field: drop one of them");
    }
    let Some((maker, _)) = maker else { return };
    if let Some(default) = &attrs.default {
        errors.at(default.span, format!("`{maker}` makes the value, so that there is nothing for `default` to do"));
    }
    if !attrs.is_kept_by_store() {
        return;
    }
    let why = if attrs.computed.is_some() { "it is not stored" } else { "the store counts it" };
    let others = [("server", attrs.server), ("lowercase", attrs.lowercase), ("trim", attrs.trim)];
    for (name, span) in others.into_iter().filter_map(|(name, span)| Some((name, span?))) {
        errors.at(span, format!("`{name}` has nothing to do on a `{maker}` field: {why}"));
    }
    for rules in &attrs.rules {
        errors.at(rules.name.span(), format!("`{}` has nothing to do on a `{maker}` field: {why}", rules.name));
    }
    let keys = attrs.key_attributes().chain(attrs.references.as_ref().map(|reference| ("references", reference.span)));
    for (name, span) in keys {
        errors.at(span, format!("`{name}` has nothing to do on a `{maker}` field: {why}"));
    }
    if let (Some(span), Some(_)) = (attrs.json, attrs.version) {
        errors.at(span, "a version is a whole number, and no JSON");
    }
}
