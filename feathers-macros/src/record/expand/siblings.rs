//! The data types: `TodoData` and `TodoPatch`.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Names, codec};
use crate::record::model::{Field, Presence, Record};
use crate::types::option_of;

pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let ident = &record.ident;
    let Names { data, patch, draft, patch_draft, .. } = names;
    let data = Pair {
        own: (
            data,
            format!(
                "What clients send to `create` and `update` of [`{ident}`]. A field that may be left out is an `Option`."
            ),
        ),
        draft: (
            draft,
            format!(
                "What hooks and the store have of a new [`{ident}`]: [`{data}`] with the fields that only the server sets."
            ),
        ),
        derives: quote!(),
        field: data_field,
        is_sent: Field::is_in_data,
    };
    let patch = Pair {
        own: (patch, format!("What clients send to `patch` of [`{ident}`]. `None` leaves a field as it is.")),
        draft: (
            patch_draft,
            format!(
                "What hooks and the store have of a patch of [`{ident}`]: [`{patch}`] with the fields that clients may not change."
            ),
        ),
        derives: quote!(::core::default::Default,),
        field: patch_field,
        is_sent: Field::is_in_patch,
    };
    let (data, patch) = (data.expand(record, names), patch.expand(record, names));
    quote!(#data #patch)
}

/// What clients send, and the draft that hooks and stores have of it.
struct Pair<'a> {
    own: (&'a Ident, String),
    draft: (&'a Ident, String),
    derives: TokenStream,
    field: fn(&Field, &Names) -> TokenStream,
    is_sent: fn(&Field) -> bool,
}

impl Pair<'_> {
    /// Writes both types; where clients may send every field they are one.
    fn expand(&self, record: &Record, names: &Names) -> TokenStream {
        let Self { own: (own, own_docs), draft: (draft, draft_docs), derives, .. } = self;
        let fields = |fields: &[&Field]| fields.iter().map(|field| (self.field)(field, names)).collect::<Vec<_>>();
        let all: Vec<_> = record.fields.iter().filter(|field| field.is_in_drafts()).collect();
        let (sent, kept): (Vec<&Field>, Vec<&Field>) = all.iter().partition(|field| (self.is_sent)(field));
        let own_type = sibling(record, names, own, own_docs, derives, fields(&sent).into_iter());
        if kept.is_empty() {
            let vis = &record.vis;
            let docs = format!("The same as [`{own}`]: clients may send every field.");
            return quote! {
                #own_type

                #[doc = #docs]
                #[allow(dead_code, reason = "it is there for hooks")]
                #vis type #draft = #own;
            };
        }
        let draft_type = sibling(record, names, draft, draft_docs, derives, fields(&all).into_iter());
        let (sent, kept) = (sent.iter().map(|field| &field.ident), kept.iter().map(|field| &field.ident));
        quote! {
            #own_type
            #draft_type

            #[automatically_derived]
            impl ::core::convert::From<#own> for #draft {
                fn from(data: #own) -> Self {
                    Self { #(#sent: data.#sent,)* #(#kept: ::core::option::Option::None,)* }
                }
            }
        }
    }
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
        Presence::Server => {
            let note = match (
                field.attrs.set_on_change.is_some() || field.attrs.updated_at.is_some(),
                field.attrs.is_set(),
            ) {
                (true, _) => "Clients cannot set it. `None` lets the server set it.",
                (false, true) => {
                    "Clients cannot set it. In `create`, `None` lets the server set it; `update` leaves it as it is."
                }
                (false, false) => {
                    "Clients cannot set it. `None` takes the default, and in `update` leaves it as it is."
                }
            };
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
        // Neither is in drafts.
        Presence::Version | Presence::Computed => TokenStream::new(),
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
            let who = if presence == Presence::Server { "Clients cannot set it. " } else { "" };
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
