//! `#[derive(Service)]`: from a struct to a record, its data types and its schema.

pub(crate) mod attributes;
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
        let framework = attributes::framework(&input.attrs, errors);
        match parse::record(&input, &framework, errors) {
            Some(record) => {
                check::record(&record, errors);
                expand::record(&record)
            }
            None => expand::fallback(&input, &framework),
        }
    })
}
