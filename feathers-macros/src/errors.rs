//! Errors: the sink that gathers every mistake, so that the user sees all of them at once.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

/// Gathers errors. One exists only inside [`Errors::gather`], so none can be forgotten.
pub(crate) struct Errors(Vec<syn::Error>);

impl Errors {
    /// Runs a pipeline and puts the errors that it has gathered behind its output.
    pub(crate) fn gather(expand: impl FnOnce(&mut Self) -> TokenStream) -> TokenStream {
        let mut errors = Self(Vec::new());
        let output = expand(&mut errors);
        let errors = errors.0.iter().map(syn::Error::to_compile_error);
        quote! { #output #(#errors)* }
    }

    /// Adds an error at a place.
    pub(crate) fn at(&mut self, span: Span, message: impl Display) {
        self.push(syn::Error::new(span, message));
    }

    /// Adds an error that underlines these tokens.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Adds an error.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.0.push(error);
    }
}
