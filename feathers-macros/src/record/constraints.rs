//! The attributes of constraints, from their tokens to what they say: `unique`, `index`, `references`.

use proc_macro2::{Ident, Span};
use syn::parse::{Parse, ParseStream};
use syn::{Path, Token};

use crate::attributes;

/// `unique` on a field.
pub(crate) struct Unique {
    pub(crate) span: Span,
    pub(crate) ignore_case: bool,
}

/// `unique(..)` or `index(..)` on the struct.
pub(crate) struct Together {
    pub(crate) name: Ident,
    pub(crate) fields: Vec<Ident>,
    pub(crate) ignore_case: Option<Span>,
}

/// `references(..)`.
pub(crate) struct Reference {
    pub(crate) span: Span,
    pub(crate) record: Path,
    /// The variant of the schema's `OnDelete`, and where it stands.
    pub(crate) on_delete: (Ident, Span),
}

/// What folds the case, in a list.
const IGNORE_CASE: &str = "ignore_case";

/// Reads `unique` or `unique(ignore_case)`.
pub(super) fn unique(name: &Ident, input: ParseStream) -> syn::Result<Unique> {
    let usage = "expected: `unique`, or `unique(ignore_case)`; several fields together stand on the struct";
    let span = name.span();
    if !input.peek(syn::token::Paren) && !input.peek(Token![=]) {
        return Ok(Unique { span, ignore_case: false });
    }
    attributes::brackets(name, input, usage, |content| {
        let word: Ident = content.parse().map_err(|error| syn::Error::new(error.span(), usage))?;
        if word == IGNORE_CASE {
            return Ok(Unique { span, ignore_case: true });
        }
        Err(syn::Error::new(word.span(), usage))
    })
}

/// Reads `unique(a, b)` or `index(a, b)` on the struct.
pub(super) fn together(name: &Ident, input: ParseStream, folds: bool) -> syn::Result<Together> {
    let also = if folds { ", or with `ignore_case` at the end" } else { "" };
    let usage =
        format!("expected: `{name}(a, b)`, with the names of fields{also}; for one field it stands on the field");
    let mut fields = attributes::brackets(name, input, &usage, |content| {
        let fields = content.parse_terminated(Ident::parse, Token![,]);
        Ok(fields.map_err(|error| syn::Error::new(error.span(), &usage))?.into_iter().collect::<Vec<_>>())
    })?;
    let last = fields.last().filter(|last| folds && *last == IGNORE_CASE).map(Ident::span);
    if last.is_some() {
        fields.pop();
    }
    if fields.len() < 2 {
        return Err(syn::Error::new(name.span(), usage));
    }
    Ok(Together { name: name.clone(), fields, ignore_case: last })
}

/// Reads `references(User)` or `references(User, on_delete = cascade)`.
pub(super) fn references(name: &Ident, input: ParseStream) -> syn::Result<Reference> {
    let usage = "expected: `references(User)`, or `references(User, on_delete = cascade)`";
    let choices = "expected: `on_delete = restrict`, `on_delete = cascade` or `on_delete = set_null`";
    attributes::brackets(name, input, usage, |content| {
        let record = content.call(Path::parse_mod_style).map_err(|error| syn::Error::new(error.span(), usage))?;
        let mut on_delete = (Ident::new("Restrict", name.span()), name.span());
        if content.parse::<Option<Token![,]>>()?.is_some() && !content.is_empty() {
            let word: Ident = content.parse().map_err(|error| syn::Error::new(error.span(), choices))?;
            if word != "on_delete" || !content.peek(Token![=]) {
                return Err(syn::Error::new(word.span(), choices));
            }
            content.parse::<Token![=]>()?;
            let choice: Ident = content.parse().map_err(|error| syn::Error::new(error.span(), choices))?;
            let variant = match choice.to_string().as_str() {
                "restrict" => "Restrict",
                "cascade" => "Cascade",
                "set_null" => "SetNull",
                _ => return Err(syn::Error::new(choice.span(), choices)),
            };
            on_delete = (Ident::new(variant, choice.span()), choice.span());
            content.parse::<Option<Token![,]>>()?;
        }
        Ok(Reference { span: name.span(), record, on_delete })
    })
}
