//! `#[service]`: from an impl block to a service.

pub(crate) mod attributes;
mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, ItemImpl};

use crate::errors::Errors;

/// Expands the attribute. The user's item comes first, and unchanged but for attributes.
pub(crate) fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    Errors::gather(|errors| {
        let mut block: ItemImpl = match syn::parse2(item.clone()) {
            Ok(block) => block,
            Err(error) => {
                errors.push(parse::wrong_item(&item, error));
                return item;
            }
        };
        let service = parse::service(arguments, &block, errors);
        parse::strip(&mut block);
        let generated = service.map(|service| {
            check::service(&service, errors);
            expand::service(&service)
        });
        quote! {
            #[allow(clippy::unused_async, reason = "every service method is async")]
            #block
            #generated
        }
    })
}

/// Tells a struct or enum from an item that is no item at all.
fn is_data(item: &Item) -> bool {
    matches!(item, Item::Struct(_) | Item::Enum(_) | Item::Union(_))
}
