//! The arguments of `#[service(..)]` on an impl block and of `#[method(..)]` on its functions.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, LitStr, Path, Token, parse_quote};

use crate::attributes::{self, items};
use crate::errors::Errors;

items! {
    /// What may stand in `#[service(..)]` on an impl block.
    const SERVICE: ServiceArgs = "argument", "of `#[service]`";
    docs service_docs;
    "events" => |args, name, input| {
        let events = attributes::texts(name, input, "expected: `events(\"ringing\")`")?;
        attributes::once(&mut args.events, name, events)
    }, "`events(\"ringing\")`": "names the custom events that the service emits";
    "crate" => |args, name, input| {
        input.parse::<Token![=]>()?;
        attributes::once(&mut args.framework, name, input.call(Path::parse_mod_style)?)
    }, "`crate = path`": "where the framework is, if it is not `::feathers`";
}

items! {
    /// What may stand in `#[method(..)]`.
    const METHOD: MethodArgs = "argument", "of `#[method]`";
    docs method_docs;
    "name" => |args, name, input| {
        input.parse::<Token![=]>()?;
        attributes::once(&mut args.name, name, input.parse::<LitStr>()?)
    }, "`name = \"..\"`": "the name that clients call, instead of the function's in camel case";
}

#[derive(Default)]
struct ServiceArgs {
    framework: Option<Path>,
    events: Option<Vec<LitStr>>,
}

#[derive(Default)]
struct MethodArgs {
    name: Option<LitStr>,
}

/// Reads the arguments of `#[service(..)]`: where the framework is, and the custom events.
pub(super) fn of_service(arguments: TokenStream, errors: &mut Errors) -> (Path, Vec<LitStr>) {
    let mut args = ServiceArgs::default();
    attributes::read_list(arguments, errors, &mut |name, input| SERVICE.read_item(&mut args, name, input));
    (args.framework.unwrap_or_else(|| parse_quote!(::feathers)), args.events.unwrap_or_default())
}

/// Reads the argument of `#[method(..)]`: the name that clients call.
pub(super) fn of_method(attribute: &Attribute) -> syn::Result<LitStr> {
    attribute.parse_args_with(|input: ParseStream| {
        let mut args = MethodArgs::default();
        METHOD.read_item(&mut args, &input.call(Ident::parse_any)?, input)?;
        args.name.ok_or_else(|| input.error("expected: `name = \"..\"`"))
    })
}
