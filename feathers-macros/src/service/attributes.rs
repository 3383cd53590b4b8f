//! The arguments of `#[service(..)]` on an impl block and of `#[method(..)]` on its functions.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, LitStr, Member, Path, Token, Type, parse_quote};

use crate::attributes::{self, items};
use crate::errors::Errors;
use crate::service::model::Over;

items! {
    /// What may stand in `#[service(..)]` on an impl block.
    const SERVICE: ServiceArgs = "argument", "of `#[service]`";
    docs service_docs;
    "events" => |args, name, input| {
        let events = attributes::texts(name, input, "expected: `events(\"ringing\")`")?;
        attributes::once(&mut args.events, name, events)
    }, "`events(\"ringing\")`": "names the custom events that the service emits";
    "over" => |args, name, input| {
        input.parse::<Token![=]>()?;
        let field = input.parse().map_err(|error| syn::Error::new(error.span(), "expected a field: `over = records`"))?;
        attributes::once(&mut args.over, name, field)
    }, "`over = records`": "the field with a service, such as a store's, that answers the methods that the block has not";
    "record" => |args, name, input| {
        input.parse::<Token![=]>()?;
        attributes::once(&mut args.record, name, input.parse::<Type>()?)
    }, "`record = Ticket`": "the type of that service's records, for what `App::service` returns";
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
    over: Option<Member>,
    record: Option<Type>,
}

#[derive(Default)]
struct MethodArgs {
    name: Option<LitStr>,
}

/// What `#[service(..)]` says.
pub(super) struct Said {
    /// Where the framework is.
    pub(super) framework: Path,
    /// The custom events.
    pub(super) events: Vec<LitStr>,
    pub(super) over: Option<Over>,
}

/// Reads the arguments of `#[service(..)]`.
pub(super) fn of_service(arguments: TokenStream, errors: &mut Errors) -> Said {
    let mut args = ServiceArgs::default();
    attributes::read_list(arguments, errors, &mut |name, input| SERVICE.read_item(&mut args, name, input));
    if args.over.is_none()
        && let Some(record) = &args.record
    {
        errors.on(record, "`record` says of which type the records of the service in `over` are: name its field too");
    }
    Said {
        framework: args.framework.unwrap_or_else(|| parse_quote!(::feathers)),
        events: args.events.unwrap_or_default(),
        over: args.over.map(|field| Over { field, record: args.record }),
    }
}

/// Reads the argument of `#[method(..)]`: the name that clients call.
pub(super) fn of_method(attribute: &Attribute) -> syn::Result<LitStr> {
    attribute.parse_args_with(|input: ParseStream| {
        let mut args = MethodArgs::default();
        METHOD.read_item(&mut args, &input.call(Ident::parse_any)?, input)?;
        args.name.ok_or_else(|| input.error("expected: `name = \"..\"`"))
    })
}
