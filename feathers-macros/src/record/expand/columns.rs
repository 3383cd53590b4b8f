//! The impl of `Columns`: from the values of a database row to a record.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{Names, field_type, header, relations, reserved_name, runtime};
use crate::record::model::{Field, Record};
use crate::types::at;

/// Writes the impl of `Columns`.
pub(super) fn expand(record: &Record, names: &Names) -> TokenStream {
    let Names { core, private, .. } = names;
    let fields = record.fields.iter().map(|field| {
        let Field { ident, ty, wire, .. } = field;
        if field.attrs.computed.is_some() {
            return quote_spanned!(at(ty)=> #ident: ::core::default::Default::default());
        }
        let next = quote!(::core::iter::Iterator::next(&mut values));
        match (field.attrs.json, &field.codec) {
            (None, _) => {
                let from_field = field_type(field, names, "from_field");
                let column = runtime(field, names, "column");
                quote!(#ident: #column(#wire, #next, #from_field)?)
            }
            (Some(_), None) => {
                quote!(#ident: #private::column(#wire, #next, |value| #private::from_json_field::<#ty>(&value))?)
            }
            (Some(_), Some(_)) => {
                let wrapper = reserved_name("wire", field);
                quote!(#ident: #private::column(#wire, #next, |value| #private::from_json_field::<#wrapper>(&value))?.0)
            }
        }
    });
    let absent = relations::absent(record);
    let header = header(record, names, "Columns");
    quote! {
        #header {
            fn from_columns(values: ::std::vec::Vec<#core::FieldValue>) -> #core::Result<Self> {
                let mut values = ::core::iter::IntoIterator::into_iter(values);
                ::core::result::Result::Ok(Self { #(#fields,)* #absent })
            }
        }
    }
}
