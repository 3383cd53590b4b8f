//! The form of texts: `lowercase` and `trim`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::Names;
use crate::record::model::{Field, Presence, Record};
use crate::types::at;

/// Writes what brings the texts of a draft into their form; nothing where no field asks for it.
pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let core = &names.core;
    let fields: Vec<_> = record.fields.iter().filter(|field| is_asked_for(field)).collect();
    if fields.is_empty() {
        return TokenStream::new();
    }
    let value = Ident::new("value", Span::mixed_site());
    let in_data = fields.iter().map(|field| {
        let (name, one) = (&field.ident, one(field, names, &value));
        match field.presence() {
            Presence::Required | Presence::Nullable => quote! {{
                let #value = &mut draft.#name;
                #one
            }},
            _ => quote! {
                if let ::core::option::Option::Some(#value) = &mut draft.#name {
                    #one
                }
            },
        }
    });
    let in_patch = fields.iter().map(|field| {
        let (name, one) = (&field.ident, one(field, names, &value));
        quote! {
            if let ::core::option::Option::Some(#value) = &mut patch.#name {
                #one
            }
        }
    });
    quote! {
        fn normalise(draft: &mut <Self as #core::Record>::Draft) {
            #(#in_data)*
        }

        fn normalise_patch(patch: &mut <Self as #core::Record>::PatchDraft) {
            #(#in_patch)*
        }
    }
}

fn is_asked_for(field: &Field) -> bool {
    field.attrs.id.is_none()
        && field.is_in_drafts()
        && field.attrs.json.is_none()
        && (field.attrs.lowercase.is_some() || field.attrs.trim.is_some())
}

fn one(field: &Field, names: &Names, value: &Ident) -> TokenStream {
    let (ty, private) = (&field.ty, &names.private);
    let (lowercase, trim) = (field.attrs.lowercase.is_some(), field.attrs.trim.is_some());
    quote_spanned!(at(ty)=> <#ty as #private::Text>::normalise(#value, #lowercase, #trim);)
}
