//! `#[derive(Service)]`: from a struct to a record, its data types and its schema.

mod check;
mod expand;
mod model;
mod parse;
mod rules;
mod serde;

use proc_macro2::TokenStream;
use syn::DeriveInput;

use crate::errors::Errors;

/// Expands the derive.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    Errors::gather(|errors| {
        let input: DeriveInput = match syn::parse2(input) {
            Ok(input) => input,
            Err(error) => {
                errors.push(error);
                return TokenStream::new();
            }
        };
        match parse::record(&input, errors) {
            Some(record) => {
                check::record(&record, errors);
                expand::record(&record)
            }
            None => expand::fallback(&input, &parse::framework(&input.attrs, &mut Vec::new())),
        }
    })
}
