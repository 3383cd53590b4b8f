//! Expansion: the code of a record. One file a generated thing.

mod codec;
mod columns;
mod computed;
mod constraints;
mod fields;
mod normal_form;
mod record;
mod relations;
mod schema;
mod set;
mod siblings;
mod version;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Path};

use crate::record::model::{Field, Record};
use crate::types::{at, ends, moved};

/// Writes the data types and the impls of a record.
pub(super) fn record(record: &Record) -> TokenStream {
    let names = Names::new(record);
    let siblings = siblings::expand(record, &names);
    let codecs = codec::expand(record, &names);
    let checks = schema::checks(record, &names);
    let constraint_checks = constraints::checks(record, &names);
    let identified = constraints::identified(record, &names);
    let related = relations::checks(record, &names);
    let defaults = record::defaults(record);
    let record_impl = record::expand(record, &names);
    let columns_impl = columns::expand(record, &names);
    let constants = fields::expand(record, &names);
    let described = schema::described(record, &names);
    let registration = registration(record, &names);
    quote! {
        #siblings
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, reason = "generated code")]
        const _: () = {
            #codecs
            #checks
            #constraint_checks
            #related
            #defaults
            #record_impl
            #columns_impl
            #constants
            #described
            #identified
            #registration
        };
    }
}

/// Makes the record known to the guard of hidden fields, before anything is mounted.
fn registration(record: &Record, names: &Names) -> TokenStream {
    let (private, ident, written) = (&names.private, &record.ident, &record.written);
    let as_typed = record.fields.iter().all(|field| field.codec.is_none());
    quote! {
        #private::inventory::submit! {
            #private::Registered {
                type_name: ::core::any::type_name::<#ident>,
                name: #written,
                schema: __feathers_schema,
                writes_as_typed: #as_typed,
            }
        }
    }
}

/// Writes an impl that does nothing, so that a struct of the wrong shape is reported once and not at every use.
pub(super) fn fallback(input: &DeriveInput, framework: &Path) -> TokenStream {
    if !input.generics.params.is_empty() || matches!(input.data, Data::Union(_)) {
        return TokenStream::new();
    }
    let (core, private) = (quote!(#framework::__private::core), quote!(#framework::__private));
    let ident = &input.ident;
    let never = quote!(::core::unreachable!());
    quote! {
        #[automatically_derived]
        impl #core::Record for #ident {
            type Data = #private::Ignored;
            type Patch = #private::Ignored;
            type Draft = #private::Ignored;
            type PatchDraft = #private::Ignored;
            fn schema() -> #core::Schema { #never }
            fn lookup<'a>(&'a self, _: &#core::FieldPath) -> #core::FieldRef<'a> { #never }
            fn field(&self, _: usize) -> #core::FieldRef<'_> { #never }
            fn id(&self, _: &str) -> ::core::option::Option<#core::Id> { #never }
            fn data_id(_: &Self::Draft, _: &str) -> ::core::option::Option<#core::Id> { #never }
            fn data_fields(_: &Self::Draft) -> ::std::vec::Vec<(usize, #core::FieldRef<'_>)> { #never }
            fn create(_: Self::Draft, _: &str, _: &#core::Id) -> #core::Result<Self> { #never }
            fn changes(_: &Self::PatchDraft) -> ::std::vec::Vec<(usize, #core::FieldValue)> { #never }
            fn apply(&mut self, _: &str, _: &Self::PatchDraft) -> #core::Result<()> { #never }
        }

        #[automatically_derived]
        impl #core::Columns for #ident {
            fn from_columns(_: ::std::vec::Vec<#core::FieldValue>) -> #core::Result<Self> { #never }
        }
    }
}

/// The names that generated code needs.
struct Names {
    core: TokenStream,
    private: TokenStream,
    serde: TokenStream,
    data: Ident,
    patch: Ident,
    draft: Ident,
    patch_draft: Ident,
}

impl Names {
    fn new(record: &Record) -> Self {
        let framework = &record.framework;
        Self {
            core: quote!(#framework::__private::core),
            private: quote!(#framework::__private),
            serde: quote!(#framework::__private::serde),
            data: record.data(),
            patch: record.patch(),
            draft: record.draft(),
            patch_draft: record.patch_draft(),
        }
    }
}

/// Writes the head of an impl.
///
/// The bounds repeat what the trait asks for anyway: a derive that the struct lacks is then one error at its name, not
/// one at each function of the impl.
fn header(record: &Record, names: &Names, name: &str) -> TokenStream {
    let ident = &record.ident;
    let span = ident.span();
    let (core, serde) = (moved(&names.core, span), moved(&names.serde, span));
    let name = Ident::new(name, span);
    let header = quote_spanned! {span=>
        impl #core::#name for #ident
        where
            #ident: ::core::clone::Clone,
            #ident: #serde::Serialize,
            #ident: #serde::de::DeserializeOwned,
    };
    quote! {
        #[automatically_derived]
        #[allow(trivial_bounds, unused_variables, reason = "bounds make better errors; a record may be only an id")]
        #header
    }
}

/// Returns a name inside generated code that no name of the user's can mean.
fn reserved_name(what: &str, field: &Field) -> Ident {
    format_ident!("__feathers_{}_{}", what, field.ident, span = proc_macro2::Span::call_site())
}

/// Returns the code that reads a field's value for comparing and storing from a reference to it.
fn to_field(field: &Field, names: &Names, reference: &TokenStream) -> TokenStream {
    let ty = &field.ty;
    let private = &names.private;
    match (field.attrs.json, &field.codec) {
        (None, _) => {
            let to_field = field_type(field, names, "to_field");
            let read = runtime(field, names, "field");
            quote!(#read(#to_field, #reference))
        }
        (Some(_), None) => quote_spanned!(at(ty)=> #private::to_json_field::<#ty>(#reference)),
        // What is stored is what is on the wire.
        (Some(_), Some(_)) => {
            let wire = reserved_name("wire", field);
            quote_spanned!(at(ty)=> #private::to_json_field(&#wire(::core::clone::Clone::clone(#reference))))
        }
    }
}

/// Returns an item of the field's type as a field type: `<T as FieldType>::KIND`.
fn field_type(field: &Field, names: &Names, item: &str) -> TokenStream {
    let ty = &field.ty;
    let span = ty.span();
    let (core, item) = (moved(&names.core, span), Ident::new(item, span));
    quote_spanned!(span=> <#ty as #core::FieldType>::#item)
}

/// Returns the type of the field, as clients see it.
fn kind_of(field: &Field, names: &Names) -> TokenStream {
    let kind = field_type(field, names, "KIND");
    match &field.attrs.scale {
        Some(scale) => {
            let private = &names.private;
            quote!(#private::scaled(#kind, #scale))
        }
        None => kind,
    }
}

/// Returns a function of the runtime, at the place of the field's type.
///
/// Its span is that of the whole type, so that the compiler reports a mistake in the type once.
fn runtime(field: &Field, names: &Names, function: &str) -> TokenStream {
    let (first, last) = ends(&field.ty);
    let (private, function) = (moved(&names.private, first), Ident::new(function, last));
    let separator = quote_spanned!(last=> ::);
    quote!(#private #separator #function)
}
