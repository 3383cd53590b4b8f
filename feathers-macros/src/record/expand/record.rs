//! The impl of `Record`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, ExprLit, Lit};

use super::{
    Names, computed, field_type, header, kind_of, normal_form, relations, reserved_name, runtime, schema, set,
    to_field, version,
};
use crate::record::model::{Field, Presence, Record};
use crate::types::{at, last_segment, option_of};

/// Writes a function for each default, so that the user's expression sees no local of ours.
pub(super) fn defaults(record: &Record) -> TokenStream {
    let functions = record.fields.iter().filter_map(|field| {
        let (ty, name) = (&field.ty, reserved_name("default", field));
        let value = match &field.attrs.default {
            Some(default) => default.expr.as_ref().map(|expr| default_value(field, expr)),
            None if field.presence() == Presence::Server && !field.attrs.is_set() => None,
            None => return None,
        };
        let value = value.unwrap_or_else(|| quote_spanned!(at(ty)=> <#ty as ::core::default::Default>::default()));
        Some(quote! {
            fn #name() -> #ty {
                #value
            }
        })
    });
    quote!(#(#functions)*)
}

/// A text literal may stand for a `String`.
fn default_value(field: &Field, expr: &Expr) -> TokenStream {
    match expr {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. })
            if last_segment(&field.ty).is_some_and(|ty| ty.ident == "String") =>
        {
            quote_spanned!(text.span()=> <::std::string::String as ::core::convert::From<&str>>::from(#text))
        }
        expr => quote!(#expr),
    }
}

/// Writes the impl of `Record`.
pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let Names { core, data, patch, draft, patch_draft, private, .. } = names;
    let ident = &record.ident;
    let schema = schema::expand(record, names);
    let values = record.fields.iter().enumerate().map(|(index, field)| {
        let name = &field.ident;
        let value = to_field(field, names, &quote!(&record.#name));
        quote!(#index => #value,)
    });
    let id = id_of(record, names, &quote!(self), false);
    let data_id = id_of(record, names, &quote!(data), true);
    let data_fields = data_fields(record, names);
    let created = construction(record, names, false);
    let replace = record.fields.iter().any(Field::is_kept).then(|| {
        let replaced = construction(record, names, true);
        quote! {
            fn replace(&self, data: Self::Draft, _name: &str, id: &#core::Id) -> #core::Result<Self> {
                #replaced
            }
        }
    });
    let changes = changes(record, names);
    let normal_forms = normal_form::expand(record, names);
    let setters = set::expand(record, names);
    let setters_of = set::accessor(record, names);
    let computed = computed::expand(record, names);
    let bump = version::bump(record, names);
    let applied = patchable(record).map(|(_, field)| {
        let (name, ty) = (&field.ident, &field.ty);
        quote_spanned! {at(ty)=>
            if let ::core::option::Option::Some(value) = &patch.#name {
                self.#name = ::core::clone::Clone::clone(value);
            }
        }
    });
    let limits = limits(record, names);
    let (related, id_type) = (relations::functions(record, names), id_type(record, names));
    let header = header(record, names, "Record");
    quote! {
        fn __feathers_field(record: &#ident, index: usize) -> #core::FieldRef<'_> {
            match index {
                #(#values)*
                _ => #core::FieldRef::Null,
            }
        }

        fn __feathers_limit(record: &mut #ident) {
            #(#limits)*
        }

        fn __feathers_schema() -> #core::Schema {
            #schema
        }

        #setters

        #header {
            type Data = #data;
            type Patch = #patch;
            type Draft = #draft;
            type PatchDraft = #patch_draft;

            #id_type

            fn schema() -> #core::Schema {
                __feathers_schema()
            }

            fn lookup<'a>(&'a self, path: &#core::FieldPath) -> #core::FieldRef<'a> {
                match path.index() {
                    ::core::option::Option::Some(index) => #private::lookup_inside(__feathers_field(self, index), path),
                    ::core::option::Option::None => #core::FieldRef::Null,
                }
            }

            fn field(&self, index: usize) -> #core::FieldRef<'_> {
                __feathers_field(self, index)
            }

            fn id(&self, _name: &str) -> ::core::option::Option<#core::Id> {
                #id
            }

            fn data_id(data: &Self::Draft, _name: &str) -> ::core::option::Option<#core::Id> {
                #data_id
            }

            fn data_fields(data: &Self::Draft) -> ::std::vec::Vec<(usize, #core::FieldRef<'_>)> {
                #data_fields
            }

            fn create(data: Self::Draft, _name: &str, id: &#core::Id) -> #core::Result<Self> {
                #created
            }

            #normal_forms

            #setters_of

            #computed

            #replace

            fn changes(patch: &Self::PatchDraft) -> ::std::vec::Vec<(usize, #core::FieldValue)> {
                #changes
            }

            fn apply(&mut self, _name: &str, patch: &Self::PatchDraft) -> #core::Result<()> {
                #bump
                #(#applied)*
                __feathers_limit(self);
                ::core::result::Result::Ok(())
            }

            #related
        }
    }
}

/// Writes of which type the id is.
fn id_type(record: &Record, names: &Names) -> Option<TokenStream> {
    let core = &names.core;
    let kind = kind_of(record.id()?, names);
    Some(quote! {
        const ID_TYPE: ::core::option::Option<#core::DataType> = ::core::option::Option::Some(#kind);
    })
}

fn id_of(record: &Record, names: &Names, owner: &TokenStream, optional: bool) -> TokenStream {
    let private = &names.private;
    let Some(field) = record.id() else { return quote!(::core::option::Option::None) };
    let (ident, to_field) = (&field.ident, field_type(field, names, "to_field"));
    let read = runtime(field, names, "field");
    if optional {
        quote! {
            match &#owner.#ident {
                ::core::option::Option::Some(id) => #private::id_of(#read(#to_field, id)),
                ::core::option::Option::None => ::core::option::Option::None,
            }
        }
    } else {
        quote!(#private::id_of(#read(#to_field, &#owner.#ident)))
    }
}

fn data_fields(record: &Record, names: &Names) -> TokenStream {
    let value = Ident::new("value", Span::mixed_site());
    let pushes = record.fields.iter().enumerate().map(|(index, field)| {
        let name = &field.ident;
        match field.presence() {
            Presence::Required | Presence::Nullable => {
                let field = to_field(field, names, &quote!(&data.#name));
                quote!(fields.push((#index, #field));)
            }
            Presence::Version | Presence::Computed => TokenStream::new(),
            Presence::Id | Presence::Defaulted | Presence::Server | Presence::Hidden => {
                let field = to_field(field, names, &quote!(#value));
                quote! {
                    if let ::core::option::Option::Some(#value) = &data.#name {
                        fields.push((#index, #field));
                    }
                }
            }
        }
    });
    let count = record.fields.len();
    quote! {
        let mut fields = ::std::vec::Vec::with_capacity(#count);
        #(#pushes)*
        fields
    }
}

/// Writes the making of a record of data; a record that replaces another keeps what clients may not set or see, where
/// the data leaves it out.
fn construction(record: &Record, names: &Names, replacing: bool) -> TokenStream {
    let fields = record.fields.iter().map(|field| {
        let Field { ident, ty, .. } = field;
        let default = reserved_name("default", field);
        let value = match field.presence() {
            Presence::Id => {
                let (kind, from_field) = (field_type(field, names, "KIND"), field_type(field, names, "from_field"));
                let id_field = runtime(field, names, "id_field");
                quote!(#id_field(id, #kind, #from_field)?)
            }
            Presence::Computed => quote_spanned!(at(ty)=> ::core::default::Default::default()),
            Presence::Version if replacing => version::next(field, names),
            Presence::Version => version::first(field, names),
            // What it has is checked before, so that data either leaves it out or has the same value.
            Presence::Required | Presence::Nullable if replacing && field.is_kept() => quote_spanned! {at(ty)=>
                ::core::clone::Clone::clone(&self.#ident)
            },
            _ if replacing && field.is_kept() => quote_spanned! {at(ty)=>
                ::core::option::Option::unwrap_or_else(data.#ident, || ::core::clone::Clone::clone(&self.#ident))
            },
            Presence::Server if field.attrs.default.is_none() && field.attrs.is_set() => {
                let (private, wire) = (&names.private, &field.wire);
                let given = if option_of(ty).is_some() {
                    quote!(::core::option::Option::or(data.#ident, ::core::option::Option::Some(::core::option::Option::None)))
                } else {
                    quote!(data.#ident)
                };
                quote!(#private::required(#given, #wire)?)
            }
            Presence::Defaulted | Presence::Server => {
                quote!(::core::option::Option::unwrap_or_else(data.#ident, #default))
            }
            Presence::Hidden if option_of(ty).is_some() => quote!(::core::option::Option::flatten(data.#ident)),
            Presence::Hidden => {
                let (private, wire) = (&names.private, &field.wire);
                quote!(#private::required(data.#ident, #wire)?)
            }
            Presence::Required | Presence::Nullable => quote!(data.#ident),
        };
        quote!(#ident: #value)
    });
    let unchanged = replacing.then(|| unchanged(record, names));
    let absent = relations::absent(record);
    quote! {
        #unchanged
        let mut record = Self { #(#fields,)* #absent };
        __feathers_limit(&mut record);
        ::core::result::Result::Ok(record)
    }
}

/// Writes the comparison of what data has of each immutable field with what the record has.
fn unchanged(record: &Record, names: &Names) -> TokenStream {
    let private = &names.private;
    let value = Ident::new("value", Span::mixed_site());
    let checks = record.fields.iter().enumerate().filter(|(_, field)| field.attrs.immutable.is_some());
    let checks = checks.map(|(index, field)| {
        let (name, wire) = (&field.ident, &field.wire);
        let given = to_field(field, names, &quote!(#value));
        let check = quote!(#private::unchanged(#wire, &#given, &__feathers_field(self, #index))?;);
        match field.presence() {
            Presence::Required => quote! {{
                let #value = &data.#name;
                #check
            }},
            Presence::Nullable => quote! {{
                let #value = &data.#name;
                if ::core::option::Option::is_some(#value) {
                    #check
                }
            }},
            _ => quote! {
                if let ::core::option::Option::Some(#value) = &data.#name {
                    #check
                }
            },
        }
    });
    quote!(#(#checks)*)
}

/// Writes what cuts off of each field what is finer than stores keep.
fn limits(record: &Record, names: &Names) -> Vec<TokenStream> {
    let fields = record.fields.iter().filter(|field| field.attrs.json.is_none());
    let limits = fields.map(|field| {
        let (name, kind) = (&field.ident, kind_of(field, names));
        let limit_precision = field_type(field, names, "limit_precision");
        let limit = runtime(field, names, "limit");
        quote!(#limit(#limit_precision, &mut record.#name, #kind);)
    });
    limits.collect()
}

fn patchable(record: &Record) -> impl Iterator<Item = (usize, &Field)> {
    let fields = record.fields.iter().enumerate();
    fields.filter(|(_, field)| field.attrs.id.is_none() && field.is_in_drafts())
}

fn changes(record: &Record, names: &Names) -> TokenStream {
    let value = Ident::new("value", Span::mixed_site());
    let pushes: Vec<_> = patchable(record)
        .map(|(index, field)| {
            let (name, field) = (&field.ident, to_field(field, names, &quote!(#value)));
            quote! {
                if let ::core::option::Option::Some(#value) = &patch.#name {
                    changes.push((#index, #field.into_owned()));
                }
            }
        })
        .collect();
    if pushes.is_empty() {
        return quote!(::std::vec::Vec::new());
    }
    quote! {
        let mut changes = ::std::vec::Vec::new();
        #(#pushes)*
        changes
    }
}
