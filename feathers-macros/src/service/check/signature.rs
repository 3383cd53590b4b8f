//! Signatures: what a method may take. A wrong one is reported at its first wrong token, with the legal one.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    FnArg, GenericArgument, GenericParam, PatType, PathArguments, ReceiverKind, ReturnType, Safety, Signature, Type,
};

use crate::errors::Errors;
use crate::service::model::{Argument, Arguments, IdArgument, Standard};
use crate::types::{argument_of, is_reference_to, last_segment, option_of};

/// Reads the signature of a served method; `None` if it is wrong.
pub(in crate::service) fn method(
    signature: &Signature,
    standard: Option<Standard>,
    errors: &mut Errors,
) -> Option<Arguments> {
    read(signature, standard).map_err(|wrong| errors.push(wrong.with(&usage(signature, standard)))).ok()
}

/// Checks the signature of `setup` or `teardown`.
pub(in crate::service) fn lifecycle(signature: &Signature, errors: &mut Errors) -> Option<()> {
    let usage = format!("async fn {}(&self, app: &AppHandle, path: &str) -> Result<()>", signature.ident);
    let check = || {
        let arguments = common(signature)?;
        let [app, path] = arguments[..] else {
            return Err(Wrong::new(&signature.ident, "this takes the app and the path"));
        };
        for (argument, name) in [(app, "AppHandle"), (path, "str")] {
            if !is_reference_to(&argument.ty, name) {
                return Err(Wrong::new(&argument.ty, format!("this must be `&{name}`")));
            }
        }
        output(signature).map(drop)
    };
    check().map_err(|wrong: Wrong| errors.push(wrong.with(&usage))).ok()
}

/// Returns the legal signature.
fn usage(signature: &Signature, standard: Option<Standard>) -> String {
    let arguments = match standard {
        Some(Standard::Find) => "[..]",
        Some(Standard::Get) => "id: Id, [..]",
        Some(Standard::Create) => "data: T, [..]",
        Some(Standard::Update) => "id: Id, data: T, [..]",
        Some(Standard::Patch) => "id: Id or Option<Id>, data: T, [..]",
        Some(Standard::Remove) => "id: Id or Option<Id>, [..]",
        None => "[data: T], [..]",
    };
    format!(
        "async fn {}(&self, {arguments}) -> Result<..>\n\
         [..] are `&AppHandle`, `&Params`, `&Connection`, `Caller<User>`, `Route<T>` and types that implement `FromRequest`\n\
         `Request<'_>`, in place of id and data, is the whole call",
        signature.ident
    )
}

/// What is wrong with a signature, and the tokens that are.
struct Wrong {
    tokens: TokenStream,
    why: String,
}

impl Wrong {
    fn new(tokens: impl ToTokens, why: impl Into<String>) -> Self {
        Self { tokens: tokens.into_token_stream(), why: why.into() }
    }

    fn with(self, usage: &str) -> syn::Error {
        syn::Error::new_spanned(self.tokens, format!("{}\nexpected: {usage}", self.why))
    }
}

fn read(signature: &Signature, standard: Option<Standard>) -> Result<Arguments, Wrong> {
    let given = common(signature)?;
    let missing = |what: &str| Wrong::new(&signature.ident, format!("`{}` takes {what}", signature.ident));
    // By value, the id comes first and the data next, if the method has them; all else is taken from the call.
    let mut wants_id = standard.filter(|standard| standard.has_id());
    let mut wants_data = standard.is_none_or(Standard::has_data);
    let mut taken = Vec::new();
    if given.iter().any(|argument| is_request(&argument.ty)) {
        (wants_id, wants_data) = (None, false);
    }
    for argument in given {
        let ty = &argument.ty;
        if is_request(ty) {
            taken.push(Argument::Request);
        } else if is_of_call(ty) {
            taken.push(Argument::OfCall((**ty).clone()));
        } else if let Some(standard) = wants_id.take() {
            taken.push(Argument::Id(id(argument, standard)?));
        } else if std::mem::take(&mut wants_data) {
            if is_reference(ty) {
                return Err(Wrong::new(ty, "the data is taken by value"));
            }
            let data = (**ty).clone();
            taken.push(if standard.is_some() { Argument::Data(data) } else { Argument::DataOrCall(data) });
        } else {
            taken.push(Argument::OfCall((**ty).clone()));
        }
    }
    if wants_id.is_some() {
        return Err(missing("an id"));
    }
    if wants_data && standard.is_some() {
        return Err(missing("data"));
    }
    Ok(Arguments { taken, output: output(signature)? })
}

/// Tells whether a type is written as the whole call: `Request<'_>`.
fn is_request(ty: &Type) -> bool {
    let lifetime = |arguments: &PathArguments| match arguments {
        PathArguments::AngleBracketed(given) => matches!(given.args.first(), Some(GenericArgument::Lifetime(_))),
        _ => false,
    };
    last_segment(ty).is_some_and(|last| last.ident == "Request" && lifetime(&last.arguments))
}

/// Tells whether a type is written as one of those that are taken from every call.
fn is_of_call(ty: &Type) -> bool {
    let known = |ty: &Type| {
        ["AppHandle", "Params", "Connection"].iter().any(|name| is_reference_to(ty, name))
            || argument_of(ty).is_some()
                && last_segment(ty).is_some_and(|last| last.ident == "Caller" || last.ident == "Route")
    };
    known(ty) || option_of(ty).is_some_and(known)
}

fn id(argument: &PatType, standard: Standard) -> Result<IdArgument, Wrong> {
    let ty = &argument.ty;
    if is_reference(ty) {
        return Err(Wrong::new(ty, "the id is taken by value"));
    }
    match option_of(ty) {
        Some(inner) if standard.has_optional_id() => Ok(IdArgument { ty: inner.clone(), optional: true }),
        Some(_) => Err(Wrong::new(ty, "calls of this method always have an id")),
        None => Ok(IdArgument { ty: (**ty).clone(), optional: false }),
    }
}

/// Checks what all methods have in common, and returns the arguments after `&self`.
fn common(signature: &Signature) -> Result<Vec<&PatType>, Wrong> {
    if signature.asyncness.is_none() {
        return Err(Wrong::new(signature.fn_token, "a service method is `async`"));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        return Err(Wrong::new(token, "a service method is not `unsafe`: clients call it"));
    }
    if let Some(parameter) =
        signature.generics.params.iter().find(|parameter| !matches!(parameter, GenericParam::Lifetime(_)))
    {
        return Err(Wrong::new(parameter, "a service method is not generic: a call does not say its types"));
    }
    let mut arguments = Vec::new();
    let mut receiver = false;
    for argument in &signature.inputs {
        match argument {
            FnArg::Receiver(given) => {
                receiver = true;
                if !matches!(given.kind, ReceiverKind::Reference(_, _, None)) {
                    return Err(Wrong::new(given, "calls run side by side and share the service: take `&self`"));
                }
            }
            FnArg::Typed(given) => {
                if let Type::ImplTrait(ty) = &*given.ty {
                    return Err(Wrong::new(ty, "a service method is not generic: a call does not say its types"));
                }
                arguments.push(given);
            }
        }
    }
    if !receiver {
        return Err(Wrong::new(&signature.ident, "a service method takes `&self`"));
    }
    Ok(arguments)
}

fn output(signature: &Signature) -> Result<Type, Wrong> {
    match &signature.output {
        ReturnType::Default => Err(Wrong::new(&signature.ident, "a service method returns a `Result`")),
        ReturnType::Type(_, ty) => match last_segment(ty) {
            Some(segment) if segment.ident.to_string().ends_with("Result") => Ok((**ty).clone()),
            _ => Err(Wrong::new(ty, "a service method returns a `Result`")),
        },
    }
}

fn is_reference(ty: &Type) -> bool {
    matches!(ty, Type::Reference(_))
}
