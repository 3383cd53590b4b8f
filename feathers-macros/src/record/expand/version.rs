//! The version of a record: it counts the changes.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::Names;
use crate::record::model::{Field, Record};
use crate::types::at;

/// Returns the version of a new record.
pub(super) fn first(field: &Field, names: &Names) -> TokenStream {
    let (ty, private) = (&field.ty, &names.private);
    quote_spanned!(at(ty)=> <#ty as #private::Version>::FIRST)
}

/// Returns the version after that of `self`.
pub(super) fn next(field: &Field, names: &Names) -> TokenStream {
    let (ty, private, ident) = (&field.ty, &names.private, &field.ident);
    quote_spanned!(at(ty)=> <#ty as #private::Version>::next(&self.#ident)?)
}

/// Writes that `self` has another version; nothing where it has none.
pub(super) fn bump(record: &Record, names: &Names) -> TokenStream {
    let field = record.fields.iter().find(|field| field.attrs.version.is_some());
    let bump = field.map(|field| {
        let (ident, next) = (&field.ident, next(field, names));
        quote!(self.#ident = #next;)
    });
    quote!(#bump)
}
