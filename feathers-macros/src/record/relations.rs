//! The attributes of relations: what may stand in `belongs_to(..)` and `has_many(..)`, and what cannot be.

use proc_macro2::{Ident, Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{LitInt, LitStr, Path, Token, Type, parenthesized};

use crate::attributes::{nearest, once, twice};
use crate::errors::Errors;
use crate::record::model::{Field, Record};
use crate::types::{argument_of, last_segment};

const BELONGS_TO: &str = "expected: `belongs_to(key)`, where `key` is the field of this record that holds the id of the \
                          related one; also `belongs_to(key, service = \"path\")`";
const HAS_MANY: &str = "expected: `has_many(key)`, where `key` is the field of the related record that holds the id of \
                        this one; also `limit = 100`, `sort = field` or `sort = desc(field)`, `total`, \
                        `service = \"path\"`, and for records between `through = Record, to = key`";
const LEFT_OUT: &str = "#[serde(default, skip_serializing_if = \"";

/// One of the two attributes.
pub(super) struct Relation {
    pub(super) name: Ident,
    /// The field that holds an id.
    pub(super) key: Ident,
    pub(super) service: Option<LitStr>,
    pub(super) limit: Option<LitInt>,
    pub(super) sort: Option<Sort>,
    pub(super) total: Option<Span>,
    /// The record between, and its field for the related one.
    pub(super) through: Option<Path>,
    pub(super) to: Option<Ident>,
}

/// The field of a related record by which they are sorted.
pub(super) struct Sort {
    pub(super) field: Ident,
    pub(super) descending: bool,
}

impl Relation {
    /// Tells whether the record has several.
    pub(super) fn is_many(&self) -> bool {
        self.name == "has_many"
    }

    fn new(name: &Ident, key: Ident) -> Self {
        let name = name.clone();
        Self { name, key, service: None, limit: None, sort: None, total: None, through: None, to: None }
    }
}

/// Reads `belongs_to(..)` or `has_many(..)` behind its name.
pub(super) fn read(slot: &mut Option<Relation>, name: &Ident, input: ParseStream) -> syn::Result<()> {
    let usage = if name == "has_many" { HAS_MANY } else { BELONGS_TO };
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(name.span(), usage));
    }
    let content;
    parenthesized!(content in input);
    let read = items(name, usage, &content);
    // What is left behind an error is no second error.
    content.parse::<TokenStream>()?;
    let relation = read?;
    if slot.as_ref().is_some_and(|other| other.name != *name) {
        return Err(syn::Error::new(name.span(), "a field is of one relation: `belongs_to` or `has_many`"));
    }
    once(slot, name, relation)
}

fn items(name: &Ident, usage: &str, input: ParseStream) -> syn::Result<Relation> {
    let wrong = |span: Span| syn::Error::new(span, usage);
    let key = input.call(Ident::parse_any).map_err(|_| wrong(name.span()))?;
    let mut relation = Relation::new(name, key);
    while !input.is_empty() {
        input.parse::<Token![,]>().map_err(|_| wrong(input.span()))?;
        if input.is_empty() {
            break;
        }
        let option = input.call(Ident::parse_any).map_err(|_| wrong(input.span()))?;
        item(&mut relation, &option, input).unwrap_or_else(|| Err(wrong(option.span())))?;
    }
    match (&relation.through, &relation.to) {
        (Some(path), None) => {
            let what = "say which field of the record between holds the id of the related one: `to = key`";
            Err(syn::Error::new_spanned(path, what))
        }
        (None, Some(to)) => {
            Err(syn::Error::new(to.span(), "`to` is a field of the record between: `through = Record, to = key`"))
        }
        _ => Ok(relation),
    }
}

/// Reads one item behind the key; `None` if there is none of this name.
fn item(relation: &mut Relation, name: &Ident, input: ParseStream) -> Option<syn::Result<()>> {
    fn value<T: syn::parse::Parse>(slot: &mut Option<T>, name: &Ident, input: ParseStream) -> syn::Result<()> {
        input.parse::<Token![=]>()?;
        let value = input.parse()?;
        once(slot, name, value)
    }

    let many = relation.is_many();
    Some(match name.to_string().as_str() {
        "service" => value(&mut relation.service, name, input),
        "limit" if many => limit(relation, name, input),
        "sort" if many => sort(relation, name, input),
        "total" if many => once(&mut relation.total, name, name.span()),
        "through" if many => value(&mut relation.through, name, input),
        "to" if many => value(&mut relation.to, name, input),
        _ => return None,
    })
}

fn limit(relation: &mut Relation, name: &Ident, input: ParseStream) -> syn::Result<()> {
    input.parse::<Token![=]>()?;
    let limit: LitInt = input.parse()?;
    if !(1..=10_000).contains(&limit.base10_parse::<u64>()?) {
        return Err(syn::Error::new(limit.span(), "a record has from 1 to 10,000 related ones at most"));
    }
    once(&mut relation.limit, name, limit)
}

fn sort(relation: &mut Relation, name: &Ident, input: ParseStream) -> syn::Result<()> {
    input.parse::<Token![=]>()?;
    let field = input.call(Ident::parse_any)?;
    let sort = if input.peek(syn::token::Paren) {
        if field != "desc" {
            return Err(syn::Error::new(field.span(), "expected: `sort = field` or `sort = desc(field)`"));
        }
        let content;
        parenthesized!(content in input);
        Sort { field: content.call(Ident::parse_any)?, descending: true }
    } else {
        Sort { field, descending: false }
    };
    if relation.sort.is_some() {
        return Err(twice(name, name.span()));
    }
    relation.sort = Some(sort);
    Ok(())
}

/// Returns the name of the type that a field for related records has: `Related` of `Related<User>`.
pub(super) fn type_of(ty: &Type) -> Option<&'static str> {
    let name = &last_segment(ty)?.ident;
    ["Related", "RelatedMany"].into_iter().find(|known| name == known)
}

/// Returns the type of the related records, `User` of `Related<User>`, if the field is for such records.
pub(super) fn target(field: &Field) -> Option<&Type> {
    type_of(&field.ty).and_then(|_| argument_of(&field.ty))
}

/// Finds what is wrong with the relations of a record.
pub(super) fn check(record: &Record, errors: &mut Errors) {
    for field in &record.relations {
        let Some(relation) = &field.attrs.relation else {
            if field.attrs.is_relation() {
                continue;
            }
            let many = type_of(&field.ty) == Some("RelatedMany");
            let form = if many { "has_many(key)" } else { "belongs_to(key)" };
            errors.on(&field.ty, format!("say how the records belong together: `#[service({form})]`"));
            continue;
        };
        check_one(record, field, relation, errors);
    }
}

fn check_one(record: &Record, field: &Field, relation: &Relation, errors: &mut Errors) {
    let wanted = if relation.is_many() { "RelatedMany" } else { "Related" };
    if type_of(&field.ty) != Some(wanted) || target(field).is_none() {
        errors.on(&field.ty, format!("the type of a field with `{}` is `{wanted}<..>`", relation.name));
    } else if !field.left_out {
        let what =
            format!("it is left out of the record's JSON where it is absent: `{LEFT_OUT}{wanted}::is_absent\")]`");
        errors.on(&field.ident, what);
    }
    if let Some(name) = field.attrs.beside_relation() {
        errors.at(name.span(), format!("`{name}` is nothing for related records: they are not stored here"));
    }
    if !relation.is_many() && !record.fields.iter().any(|other| other.ident == relation.key) {
        let names: Vec<_> = record.fields.iter().map(|field| field.ident.unraw().to_string()).collect();
        let key = relation.key.unraw().to_string();
        let hint = nearest(&key, names.iter().map(String::as_str)).map_or_else(
            || format!("\nits fields are: `{}`", names.join("`, `")),
            |near| format!(", did you mean `{near}`?"),
        );
        errors.at(relation.key.span(), format!("`{}` has no field `{key}`{hint}", record.ident));
    }
}
