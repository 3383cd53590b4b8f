//! Computed fields: made of the others when the record leaves the server.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::Names;
use crate::record::model::Record;
use crate::types::moved;

/// Writes what fills the computed fields in; nothing where there is none.
pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let fields: Vec<_> = record
        .fields
        .iter()
        .filter_map(|field| {
            let expr = &field.attrs.computed.as_ref()?.expr;
            let (ident, ty) = (&field.ident, &field.ty);
            let span = proc_macro2::Span::call_site().located_at(expr.span());
            let private = moved(&names.private, span);
            Some(quote_spanned! {span=>
                let value: #ty = #private::computed(&*self, #expr);
                self.#ident = value;
            })
        })
        .collect();
    if fields.is_empty() {
        return TokenStream::new();
    }
    quote! {
        const COMPUTES: bool = true;

        fn compute(&mut self) {
            #(#fields)*
        }
    }
}
