//! Relations: what the schema says of them, their types, and the checks that only the compiler can make.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::{Names, field_type};
use crate::record::model::{Field, Record};
use crate::record::relations::{Relation, target};
use crate::types::{at, moved};

/// The relations that can be expanded: their fields, attributes and the types of their records.
fn all(record: &Record) -> impl Iterator<Item = (&Field, &Relation, &syn::Type)> {
    record.relations.iter().filter_map(|field| Some((field, field.attrs.relation.as_ref()?, target(field)?)))
}

/// Returns what the schema has of them, as a call on it.
pub(super) fn in_schema(record: &Record, names: &Names) -> Option<TokenStream> {
    all(record).next()?;
    let core = &names.core;
    let relations = all(record).map(|(field, relation, target)| one(record, field, relation, target, names));
    Some(quote!(.relations({ const RELATIONS: &[#core::Relation] = &[#(#relations),*]; RELATIONS })))
}

fn one(record: &Record, field: &Field, relation: &Relation, target: &syn::Type, names: &Names) -> TokenStream {
    let core = &names.core;
    let kind = kind(record, relation, target, names);
    let service = relation.service.as_ref().map(|path| quote!(.service(#path)));
    let docs = Some(&field.docs).filter(|docs| !docs.is_empty()).map(|docs| quote!(.docs(#docs)));
    let wire = &field.wire;
    let schema = quote_spanned!(at(target)=> <#target as #core::Record>::schema);
    quote!(#core::Relation::new(#wire, #kind, #schema) #service #docs)
}

fn kind(record: &Record, relation: &Relation, target: &syn::Type, names: &Names) -> TokenStream {
    let core = &names.core;
    if !relation.is_many() {
        let key = record.fields.iter().find(|field| field.ident == relation.key);
        let key = key.map_or("", |field| field.wire.as_str());
        return quote!(#core::RelationKind::BelongsTo { key: #key });
    }
    let many = many(relation, target, core);
    if let (Some(between), Some(to)) = (&relation.through, &relation.to) {
        let (key, to) = (name_of(between, &relation.key), name_of(between, to));
        return quote!(#core::RelationKind::Through { key: #key, to: #to, many: #many });
    }
    let key = name_of(target, &relation.key);
    quote!(#core::RelationKind::HasMany { key: #key, many: #many })
}

fn many(relation: &Relation, target: &syn::Type, core: &TokenStream) -> TokenStream {
    let limit = relation.limit.as_ref().map(|limit| quote!(.limit(#limit)));
    let sort = relation.sort.as_ref().map(|sort| {
        let descending = sort.descending;
        let field = match &relation.through {
            Some(between) => name_of(between, &sort.field),
            None => name_of(target, &sort.field),
        };
        quote!(.sort(#field, #descending))
    });
    let total = relation.total.map(|_| quote!(.total()));
    quote!(#core::Many::new() #limit #sort #total)
}

/// Returns the constant that names a field of another record.
fn constant(of: &impl ToTokens, field: &Ident) -> TokenStream {
    let constant = Ident::new(&field.unraw().to_string().to_uppercase(), field.span());
    quote!(<#of>::#constant)
}

/// Returns the name on the wire of a field of another record: the compiler knows whether there is one.
fn name_of(of: &impl ToTokens, field: &Ident) -> TokenStream {
    let constant = constant(of, field);
    quote!(#constant.name())
}

/// Writes the functions of `Record` for them.
pub(super) fn functions(record: &Record, names: &Names) -> TokenStream {
    if all(record).next().is_none() {
        return TokenStream::new();
    }
    let Names { core, private, .. } = names;
    let types = all(record).enumerate().map(|(index, (_, relation, target))| {
        let of = |ty: TokenStream, span| {
            let core = moved(core, span);
            quote_spanned!(span=> <#ty as #core::Record>::record_type())
        };
        let record = of(quote!(#target), target.span());
        let between = relation.through.as_ref().map(|path| of(quote!(#path), path.span()));
        let between = between.map_or_else(
            || quote!(::core::option::Option::None),
            |between| quote!(::core::option::Option::Some(#between)),
        );
        quote! {
            #index => ::core::option::Option::Some(#private::RelatedTypes { record: #record, between: #between }),
        }
    });
    let fields = all(record).enumerate().map(|(index, (field, ..))| {
        let ident = &field.ident;
        quote!(#index => ::core::option::Option::Some(&mut self.#ident),)
    });
    quote! {
        fn related_types(relation: usize) -> ::core::option::Option<#private::RelatedTypes> {
            match relation {
                #(#types)*
                _ => ::core::option::Option::None,
            }
        }

        fn related_mut(&mut self, relation: usize) -> ::core::option::Option<&mut dyn #core::RelatedField> {
            match relation {
                #(#fields)*
                _ => ::core::option::Option::None,
            }
        }
    }
}

/// Writes the fields in a new record: all are absent.
pub(super) fn absent(record: &Record) -> TokenStream {
    let fields = record.relations.iter().map(|field| {
        let ident = &field.ident;
        let value = target(field)
            .map_or_else(|| quote!(::core::unreachable!()), |_| quote!(::core::default::Default::default()));
        quote!(#ident: #value,)
    });
    quote!(#(#fields)*)
}

/// Writes assertions that keys and ids are of the same type.
pub(super) fn checks(record: &Record, names: &Names) -> TokenStream {
    let Names { core, private, .. } = names;
    let own_id = record.id().map(|field| field_type(field, names, "KIND"));
    let own_id = own_id.map(|kind| quote!(::core::option::Option::Some(#kind)));
    let checks = all(record).flat_map(|(_, relation, target)| {
        let id = quote_spanned!(target.span()=> <#target as #core::Record>::ID_TYPE);
        let check = |key: &Ident, kind: TokenStream, id: &TokenStream, whose: &str| {
            let message = format!("`{key}` cannot hold the id of {whose} record: their types differ");
            quote_spanned! {key.span()=>
                const _: () = ::core::assert!(#private::is_key_of(#id, #kind), #message);
            }
        };
        let kind = |of: &dyn ToTokens, key: &Ident| {
            let constant = constant(&of, key);
            quote_spanned!(key.span()=> #private::kind_of(&#constant))
        };
        let key = &relation.key;
        let checks = match (&relation.through, &relation.to) {
            (Some(between), Some(to)) => {
                let own = own_id.as_ref().map(|id| check(key, kind(between, key), id, "this"));
                [own, Some(check(to, kind(between, to), &id, "the related"))]
            }
            _ if relation.is_many() => [own_id.as_ref().map(|id| check(key, kind(target, key), id, "this")), None],
            _ => {
                let own = record.fields.iter().find(|field| field.ident == *key);
                [own.map(|own| check(key, field_type(own, names, "KIND"), &id, "the related")), None]
            }
        };
        checks.into_iter().flatten()
    });
    quote!(#(#checks)*)
}
