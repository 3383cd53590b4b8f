//! Serde's attributes: what they say about the wire, which a record's data and schema must follow.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, LitStr, Token, parenthesized};

use crate::case;
use crate::errors::Errors;

/// What serde's attributes on the struct say.
#[derive(Default)]
pub(crate) struct Container {
    rename_all: Option<LitStr>,
    rename: Option<LitStr>,
}

impl Container {
    /// Returns the name that serde gives to the struct, if it is not its own.
    pub(super) fn name(&self) -> Option<String> {
        self.rename.as_ref().map(LitStr::value)
    }

    /// Returns the wire name of a field that has no name of its own.
    pub(super) fn rename(&self, field: &str) -> String {
        self.rename_all.as_ref().map_or_else(|| field.to_owned(), |rule| case::rename_field(&rule.value(), field))
    }
}

impl Container {
    /// Returns the word of a variant that has none of its own.
    pub(crate) fn rename_variant(&self, variant: &str) -> String {
        self.rename_all.as_ref().map_or_else(|| variant.to_owned(), |rule| case::rename_variant(&rule.value(), variant))
    }
}

/// What serde's attributes on a field say.
#[derive(Default)]
pub(super) struct OfField {
    pub(super) rename: Option<LitStr>,
    pub(super) aliases: Vec<LitStr>,
    pub(super) codec: Option<TokenStream>,
    pub(super) skip_serializing_if: bool,
    pub(super) default: bool,
}

/// Reads serde's attributes on the struct or the enum; `form` is what serde writes by itself.
pub(crate) fn container(attrs: &[Attribute], form: &str, errors: &mut Errors) -> Container {
    let mut container = Container::default();
    each(attrs, |meta| {
        match name(meta).as_str() {
            "rename_all" => container.rename_all = Some(one_name(meta, errors)?),
            "rename" => container.rename = Some(one_name(meta, errors)?),
            attribute @ ("tag" | "content" | "untagged" | "transparent" | "from" | "try_from" | "into" | "remote") => {
                errors.on(
                    &meta.path,
                    format!("serde's `{attribute}` changes the wire format, so that it is no longer {form}"),
                );
                skip(meta)?;
            }
            _ => skip(meta)?,
        }
        Ok(())
    });
    container
}

/// Reads serde's attributes on a field.
pub(super) fn field(attrs: &[Attribute], errors: &mut Errors) -> OfField {
    let mut field = OfField::default();
    each(attrs, |meta| {
        let path = &meta.path;
        match name(meta).as_str() {
            "rename" => field.rename = Some(one_name(meta, errors)?),
            "alias" => {
                field.aliases.push(meta.value()?.parse()?);
            }
            "with" | "serialize_with" | "deserialize_with" => {
                let with: LitStr = meta.value()?.parse()?;
                let codec = field.codec.take();
                let comma = codec.is_some().then(|| quote!(,));
                field.codec = Some(quote!(#codec #comma #path = #with));
            }
            "skip_serializing_if" => {
                field.skip_serializing_if = true;
                skip(meta)?;
            }
            "default" => {
                field.default = true;
                skip(meta)?;
            }
            "flatten" => errors.on(path, "a record names its fields, so that queries can be checked: `flatten` hides them"),
            attribute @ ("skip" | "skip_serializing" | "skip_deserializing") => errors.on(
                path,
                format!("serde's `{attribute}` keeps a field from the server too; `#[service(hidden)]` keeps it from clients, `#[service(server)]` keeps clients from setting it"),
            ),
            _ => skip(meta)?,
        }
        Ok(())
    });
    field
}

/// Reads serde's attributes on a variant of an enum: its own word.
pub(crate) fn variant(attrs: &[Attribute], errors: &mut Errors) -> Option<LitStr> {
    let mut word = None;
    each(attrs, |meta| {
        match name(meta).as_str() {
            "rename" => word = Some(one_name(meta, errors)?),
            attribute @ ("skip" | "skip_serializing" | "skip_deserializing" | "other" | "untagged") => {
                errors.on(
                    &meta.path,
                    format!(
                        "serde's `{attribute}` makes a variant no word of its own, and a record keeps each by its word"
                    ),
                );
                skip(meta)?;
            }
            _ => skip(meta)?,
        }
        Ok(())
    });
    word
}

/// Visits what stands in `#[serde(..)]`. What serde cannot read is serde's to report.
fn each(attrs: &[Attribute], mut visit: impl FnMut(&ParseNestedMeta) -> syn::Result<()>) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        let _reported_by_serde = attr.parse_nested_meta(|meta| visit(&meta));
    }
}

fn name(meta: &ParseNestedMeta) -> String {
    meta.path.get_ident().map(ToString::to_string).unwrap_or_default()
}

/// Reads the value of `rename` or `rename_all`, which a record has only one of for both directions.
fn one_name(meta: &ParseNestedMeta, errors: &mut Errors) -> syn::Result<LitStr> {
    if meta.input.peek(syn::token::Paren) {
        errors.on(&meta.path, "a record is written as it is read: give one name for both directions");
        skip(meta)?;
        return Err(meta.error("two names"));
    }
    meta.value()?.parse()
}

fn skip(meta: &ParseNestedMeta) -> syn::Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<TokenStream>()?;
    }
    Ok(())
}
