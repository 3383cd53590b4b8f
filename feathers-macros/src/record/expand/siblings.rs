//! The data types: `TodoData` and `TodoPatch`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Names, codec};
use crate::record::model::{Field, Presence, Record};
use crate::types::option_of;

pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let ident = &record.ident;
    let data_docs =
        format!("What `create` and `update` of [`{ident}`] take. A field that may be left out is an `Option`.");
    let patch_docs = format!("What `patch` of [`{ident}`] takes. `None` leaves a field as it is.");
    let data_fields = record.fields.iter().map(|field| data_field(field, names));
    let patch_fields = record.fields.iter().map(|field| patch_field(field, names));
    let data = sibling(record, names, &names.data, &data_docs, &quote!(), data_fields);
    let patch = sibling(record, names, &names.patch, &patch_docs, &quote!(::core::default::Default,), patch_fields);
    quote!(#data #patch)
}

fn sibling(
    record: &Record,
    names: &Names,
    ident: &Ident,
    docs: &str,
    derives: &TokenStream,
    fields: impl Iterator<Item = TokenStream>,
) -> TokenStream {
    let serde = &names.serde;
    let serde_path = serde.to_string();
    let vis = &record.vis;
    quote! {
        #[doc = #docs]
        #[derive(
            ::core::fmt::Debug, ::core::clone::Clone, #derives #serde::Serialize, #serde::Deserialize
        )]
        #[serde(crate = #serde_path, deny_unknown_fields)]
        #[allow(private_interfaces, clippy::option_option, reason = "the fields are public as the struct is; null is no absence")]
        #vis struct #ident {
            #(#fields)*
        }
    }
}

fn data_field(field: &Field, names: &Names) -> TokenStream {
    let skip = skip();
    let (ty, codec) = (&field.ty, field.codec.as_ref().map(|codec| quote!(, #codec)));
    let optional = quote!(::core::option::Option<#ty>);
    match field.presence() {
        Presence::Readonly => {
            let note = "Clients cannot set it. `None` takes the default, and in `update` leaves it as it is.";
            member(field, &optional, &present(field, names), note)
        }
        Presence::Hidden => {
            let create = if option_of(ty).is_some() { "In `create`, `None` is `null`" } else { "`create` needs it" };
            let note = format!("{create}; `update` leaves it as it is where it is `None`.");
            member(field, &optional, &present(field, names), &note)
        }
        Presence::Required => member(field, &quote!(#ty), &quote!(#codec), ""),
        Presence::Nullable => member(field, &quote!(#ty), &quote!(#codec, default, #skip), ""),
        Presence::Defaulted => {
            let update = if field.is_kept() { ", and in `update` leaves it as it is" } else { "" };
            let note = format!("`None` takes the default{update}.");
            member(field, &optional, &present(field, names), &note)
        }
        Presence::Id => {
            let note = "`None` lets the store make one. `update` ignores it.";
            let serde = if codec.is_some() { present(field, names) } else { quote!(, default, #skip) };
            member(field, &optional, &serde, note)
        }
    }
}

fn patch_field(field: &Field, names: &Names) -> TokenStream {
    let ty = &field.ty;
    match field.presence() {
        Presence::Id => {
            let private = &names.private;
            let ignored = quote!(#private::Ignored);
            let serde = quote!(, default, skip_serializing);
            let member =
                member_with_docs(field, &ignored, &serde, "Ignored: an id never changes. It may be sent along.");
            quote!(#[allow(dead_code, reason = "it is only there to be accepted")] #member)
        }
        presence => {
            let null = option_of(ty).map_or("", |_| ", `Some(None)` sets it to `null`");
            let who = if presence == Presence::Readonly { "Clients cannot set it. " } else { "" };
            let note = format!("{who}`None` leaves it as it is{null}.");
            member(field, &quote!(::core::option::Option<#ty>), &present(field, names), &note)
        }
    }
}

/// Serde's attributes for an `Option` that is `None` where the field is left out, and `Some` where it is there, even as
/// `null`.
fn present(field: &Field, names: &Names) -> TokenStream {
    if field.codec.is_some() {
        return codec::of_present(field, names);
    }
    let skip = skip();
    let some = format!("{}::some", names.private);
    quote!(, default, deserialize_with = #some, #skip)
}

fn member(field: &Field, ty: &TokenStream, serde: &TokenStream, note: &str) -> TokenStream {
    let docs = if field.docs.is_empty() { format!("The value of `{}`.", field.wire) } else { field.docs.clone() };
    let docs = if note.is_empty() { docs } else { format!("{docs}\n\n{note}") };
    member_with_docs(field, ty, serde, &docs)
}

fn member_with_docs(field: &Field, ty: &TokenStream, serde: &TokenStream, docs: &str) -> TokenStream {
    let Field { ident, wire, aliases, .. } = field;
    quote! {
        #[doc = #docs]
        #[serde(rename = #wire #(, alias = #aliases)* #serde)]
        pub #ident: #ty,
    }
}

/// Serde's attribute to leave a `None` out, so that what is written can be read again.
fn skip() -> TokenStream {
    quote!(skip_serializing_if = "::core::option::Option::is_none")
}
