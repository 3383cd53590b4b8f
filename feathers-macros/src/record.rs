//! `#[derive(Service)]`: from a struct to a record, its data types and its schema.

pub(crate) mod attributes;
mod check;
pub(crate) mod constraints;
mod expand;
mod model;
mod parse;
mod relations;
mod rules;
pub(crate) mod serde;

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_quote};

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
        let attributes::RecordAttrs { framework, constraints } = attributes::record(&input.attrs, errors);
        let framework = framework.unwrap_or_else(|| parse_quote!(::feathers));
        match parse::record(&input, &framework, constraints, errors) {
            Some(record) => {
                check::record(&record, errors);
                expand::record(&record)
            }
            None => expand::fallback(&input, &framework),
        }
    })
}
