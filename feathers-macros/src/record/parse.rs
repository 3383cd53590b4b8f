//! Parsing: from the user's struct to the model.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Path, Token, parse_quote};

use crate::docs;
use crate::errors::Errors;
use crate::record::model::{Default, Field, FieldAttrs, Record};
use crate::record::{rules, serde};
use crate::words;

const FIELD_WORDS: [&str; 10] =
    ["id", "default", "readonly", "hidden", "json", "length", "range", "email", "url", "one_of"];

/// Reads the struct; `None` if it has not the shape of a record.
pub(super) fn record(input: &DeriveInput, errors: &mut Errors) -> Option<Record> {
    let mut wrong = Vec::new();
    let framework = framework(&input.attrs, &mut wrong);
    for error in wrong {
        errors.push(error);
    }
    let fields = fields(input, errors)?;
    if !input.generics.params.is_empty() {
        errors.on(&input.generics, "a record has no generic parameters: its schema is one table, one wire format");
        return None;
    }
    let container = serde::container(&input.attrs, errors);
    let fields = fields
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
                words: field_words(&field.attrs, errors),
                docs: docs::of(&field.attrs),
                ty: field.ty.clone(),
                wire,
                wire_span: serde.rename.map_or(ident.span(), |name| name.span()),
                aliases: serde.aliases,
                codec: serde.codec,
                ident,
            })
        })
        .collect();
    let ident = input.ident.clone();
    let written = container.name().unwrap_or_else(|| ident.unraw().to_string());
    Some(Record { ident, written, vis: input.vis.clone(), docs: docs::of(&input.attrs), framework, fields })
}

/// Reads where the framework is, and collects what is wrong with the words on the struct.
pub(super) fn framework(attrs: &[Attribute], wrong: &mut Vec<syn::Error>) -> Path {
    let mut path = None;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("service")) {
        let read = attr.parse_args_with(|input: ParseStream| {
            let word = input.call(Ident::parse_any)?;
            if word == "crate" {
                input.parse::<Token![=]>()?;
                words::once(&mut path, &word, input.call(Path::parse_mod_style)?)?;
                return input.parse::<Option<Token![,]>>().map(drop);
            }
            Err(if FIELD_WORDS.contains(&word.to_string().as_str()) {
                syn::Error::new(word.span(), format!("`{word}` belongs on a field, not on the struct"))
            } else {
                words::unknown("word on a record", &word, &["crate"])
            })
        });
        wrong.extend(read.err());
    }
    path.unwrap_or_else(|| parse_quote!(::feathers))
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
            errors.at(data.enum_token.span, format!("{what}; an enum can be a field of one, with `#[service(json)]`"));
        }
        Data::Union(data) => errors.at(data.union_token.span, what),
    }
    None
}

fn field_words(attrs: &[Attribute], errors: &mut Errors) -> FieldAttrs {
    let mut words = FieldAttrs::default();
    words::read(attrs, "service", errors, |word, input| field_word(&mut words, word, input));
    words
}

fn field_word(words: &mut FieldAttrs, word: &Ident, input: ParseStream) -> syn::Result<()> {
    let span = word.span();
    match word.to_string().as_str() {
        "id" => flag(&mut words.id, word, input, span),
        "readonly" => flag(&mut words.readonly, word, input, span),
        "hidden" => flag(&mut words.hidden, word, input, span),
        "json" => flag(&mut words.json, word, input, span),
        "default" => {
            if input.peek(syn::token::Paren) {
                return Err(input.error("expected: `default` or `default = expression`"));
            }
            let expr = match input.parse::<Option<Token![=]>>()? {
                Some(_) => Some(input.parse::<Expr>()?),
                None => None,
            };
            words::once(&mut words.default, word, Default { span, expr })
        }
        "length" | "range" | "email" | "url" | "one_of" => {
            let rules = rules::parse(word, input)?;
            if words.rules.iter().any(|known| known.word == *word) {
                return Err(words::twice(word, span));
            }
            words.rules.push(rules);
            Ok(())
        }
        "crate" => Err(syn::Error::new(span, "`crate` belongs on the struct, not on a field")),
        "rename" => Err(syn::Error::new(span, "a field is renamed by serde: `#[serde(rename = \"..\")]`")),
        _ => Err(words::unknown("word on a field", word, &FIELD_WORDS)),
    }
}

/// Sets a word that has no value.
fn flag(slot: &mut Option<Span>, word: &Ident, input: ParseStream, span: Span) -> syn::Result<()> {
    if input.peek(Token![=]) || input.peek(syn::token::Paren) {
        return Err(input.error(format!("`{word}` has no value")));
    }
    words::once(slot, word, span)
}
