//! Parsing: from the user's impl block to the model.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::{ImplItem, ImplItemFn, Item, ItemImpl, Meta};

use crate::attributes::nearest;
use crate::errors::Errors;
use crate::service::attributes::{self, Said};
use crate::service::check::signature;
use crate::service::model::{Lifecycle, Method, Service, Standard};
use crate::{case, docs};

/// Says which attribute belongs on an item that is no impl block.
pub(super) fn wrong_item(item: &TokenStream, error: syn::Error) -> syn::Error {
    match syn::parse2::<Item>(item.clone()) {
        Ok(data) if super::is_data(&data) => syn::Error::new(
            Span::call_site(),
            "`#[service]` goes on an impl block\n\
             for a record, write `#[derive(Service)]` on the struct, and `#[service(..)]` on its fields or below the derive",
        ),
        Ok(_) => syn::Error::new(Span::call_site(), "`#[service]` goes on an impl block"),
        Err(_) => error,
    }
}

/// Takes our own attributes off the block.
pub(super) fn strip(block: &mut ItemImpl) {
    for item in &mut block.items {
        if let ImplItem::Fn(function) = item {
            function.attrs.retain(|attr| !attr.path().is_ident("method"));
        }
    }
}

/// Reads the block; `None` if it is no inherent impl.
pub(super) fn service(arguments: TokenStream, block: &ItemImpl, errors: &mut Errors) -> Option<Service> {
    let Said { framework, events, over } = attributes::of_service(arguments, errors);
    if let Some((path, _)) = &block.trait_ {
        errors.on(path, "`#[service]` goes on an impl block of the type itself, not of a trait");
        return None;
    }
    let mut service = Service {
        ty: (*block.self_ty).clone(),
        generics: block.generics.clone(),
        docs: docs::of(&block.attrs),
        framework,
        events,
        over,
        methods: Vec::new(),
        setup: None,
        teardown: None,
    };
    let mut wrong = 0;
    for item in &block.items {
        match item {
            ImplItem::Fn(function) => wrong += usize::from(self::function(&mut service, function, errors).is_none()),
            item => {
                wrong += 1;
                errors.on(item, "a `#[service]` block holds only methods: move this to another impl block");
            }
        }
    }
    if service.methods.is_empty() && service.over.is_none() && wrong == 0 {
        errors.on(
            &block.self_ty,
            format!("this service has no methods: write one of {}, or one with `#[method]`", list(&Standard::NAMES)),
        );
    }
    Some(service)
}

/// Reads one function into the service; `None` if something is wrong with it.
fn function(service: &mut Service, function: &ImplItemFn, errors: &mut Errors) -> Option<()> {
    let ident = &function.sig.ident;
    let name = ident.unraw().to_string();
    let cfgs: Vec<_> = function.attrs.iter().filter(|attr| attr.path().is_ident("cfg")).cloned().collect();
    let attribute = function.attrs.iter().find(|attr| attr.path().is_ident("method"));
    let standard = Standard::named(&name);
    if attribute.is_none() && (name == "setup" || name == "teardown") {
        signature::lifecycle(&function.sig, errors)?;
        let lifecycle = Some(Lifecycle { ident: ident.clone(), cfgs });
        if name == "setup" {
            service.setup = lifecycle;
        } else {
            service.teardown = lifecycle;
        }
        return Some(());
    }
    let (wire, wire_span) = match (attribute, standard) {
        (None, None) => {
            errors.on(ident, not_served(&name));
            return None;
        }
        (Some(attribute), Some(_)) => {
            errors.on(attribute, format!("`{name}` is a standard method and needs no `#[method]`"));
            (name, ident.span())
        }
        (None, Some(_)) => (name, ident.span()),
        (Some(attribute), None) if matches!(attribute.meta, Meta::Path(_)) => (case::method_name(&name), ident.span()),
        (Some(attribute), None) => {
            let given = attributes::of_method(attribute).map_err(|error| errors.push(error)).ok()?;
            (given.value(), given.span())
        }
    };
    let arguments = signature::method(&function.sig, standard, errors)?;
    service.methods.push(Method {
        ident: ident.clone(),
        name: wire,
        name_span: wire_span,
        standard,
        docs: docs::of(&function.attrs),
        cfgs,
        arguments,
    });
    Some(())
}

fn not_served(name: &str) -> String {
    let meant = nearest(name, Standard::NAMES).map(|near| format!(", did you mean `{near}`?"));
    format!(
        "`{name}` is no service method{}\n\
         a `#[service]` block holds only what is served: {}, or a method with `#[method]`\n\
         put `#[method]` above it to serve it, or move it to another impl block",
        meant.unwrap_or_default(),
        list(&Standard::NAMES),
    )
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
