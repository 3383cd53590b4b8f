//! The typed names of the fields: one associated constant each.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::Names;
use crate::record::model::{Field, Record};

/// Writes the constants.
pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let (ident, vis, core) = (&record.ident, &record.vis, &names.core);
    let mut seen = HashSet::new();
    // What stands twice is reported by the checks.
    let fields = record.fields.iter().filter(|field| seen.insert(field.constant()));
    let constants = fields.map(|field| {
        let Field { ty, wire, .. } = field;
        let name = constant(field);
        let (docs, ty) = if field.attrs.computed.is_some() {
            (format!("The computed field `{wire}`, for masks and rules."), quote!(#core::query::Computed<#ty>))
        } else {
            (format!("The field `{wire}`, for conditions and rules."), quote!(#ty))
        };
        quote! {
            #[doc = #docs]
            #vis const #name: #core::TypedField<#ident, #ty> = #core::TypedField::new(#wire);
        }
    });
    quote! {
        #[allow(dead_code, private_interfaces, non_upper_case_globals, reason = "a constant for each field")]
        impl #ident {
            #(#constants)*
        }
    }
}

/// Returns the name of a field's constant, at the place of the field: one of the user's own with that name is then
/// reported beside it.
fn constant(field: &Field) -> Ident {
    Ident::new(&field.constant(), field.ident.span())
}
