//! Codecs: serde's `with` on a field that data wraps in an `Option`, where it can no longer stand by itself.

use proc_macro2::TokenStream;
use quote::quote;

use super::{Names, reserved_name};
use crate::record::model::Record;

/// Returns serde's attributes for an `Option` of a field with a codec.
pub(super) fn of_present(field: &crate::record::model::Field, names: &Names) -> TokenStream {
    let read = format!("{}::{}", names.draft, reserved_name("read", field));
    let write = format!("{}::{}", names.draft, reserved_name("write", field));
    quote! {
        , default, deserialize_with = #read, serialize_with = #write,
        skip_serializing_if = "::core::option::Option::is_none"
    }
}

/// Writes a wrapper with the codec for each field that has one, and the functions that use it.
pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let Names { serde, draft, .. } = names;
    let serde_path = serde.to_string();
    let fields = record.fields.iter().filter_map(|field| field.codec.as_ref().map(|codec| (field, codec)));
    let wrappers = fields.map(|(field, codec)| {
        let (ty, wire) = (&field.ty, reserved_name("wire", field));
        let (read, write) = (reserved_name("read", field), reserved_name("write", field));
        quote! {
            #[derive(#serde::Serialize, #serde::Deserialize)]
            #[serde(crate = #serde_path, transparent)]
            #[allow(non_camel_case_types, reason = "it is named after the field")]
            struct #wire(#[serde(#codec)] #ty);

            impl #draft {
                fn #read<'de, D: #serde::Deserializer<'de>>(
                    deserializer: D,
                ) -> ::core::result::Result<::core::option::Option<#ty>, D::Error> {
                    let #wire(value) = #serde::Deserialize::deserialize(deserializer)?;
                    ::core::result::Result::Ok(::core::option::Option::Some(value))
                }

                fn #write<S: #serde::Serializer>(
                    value: &::core::option::Option<#ty>,
                    serializer: S,
                ) -> ::core::result::Result<S::Ok, S::Error> {
                    let value = ::core::option::Option::map(::core::clone::Clone::clone(value), #wire);
                    #serde::Serialize::serialize(&value, serializer)
                }
            }
        }
    });
    quote!(#(#wrappers)*)
}
