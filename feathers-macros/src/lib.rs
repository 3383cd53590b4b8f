//! The derive for records and the attribute for services written by hand.

use proc_macro::TokenStream;

/// Makes a struct a record.
#[proc_macro_derive(Service, attributes(service))]
pub fn derive_service(_input: TokenStream) -> TokenStream {
    TokenStream::new()
}

/// Makes an impl block a service.
#[proc_macro_attribute]
pub fn service(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    item
}
