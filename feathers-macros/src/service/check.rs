//! Checks: names that cannot be, said at the name. Signatures have their own file.

pub(super) mod signature;

use std::collections::HashSet;

use crate::errors::Errors;
use crate::service::model::{Service, Standard};

const STANDARD_EVENTS: [&str; 4] = ["created", "updated", "patched", "removed"];

/// Finds the names that are wrong.
pub(super) fn service(service: &Service, errors: &mut Errors) {
    let mut names = HashSet::new();
    for method in &service.methods {
        let name = method.name.as_str();
        if method.standard.is_none() && Standard::named(name).is_some() {
            errors.at(method.name_span, format!("`{name}` is a standard method: name the function so"));
        } else if name.is_empty() || name.contains('\0') {
            errors.at(method.name_span, "a method needs a name that clients can call");
        } else if !names.insert(name) && method.cfgs.is_empty() {
            errors.at(method.name_span, format!("another method is called `{name}` already"));
        }
    }
    let mut events = HashSet::new();
    for event in &service.events {
        let name = event.value();
        if STANDARD_EVENTS.contains(&name.as_str()) {
            errors.at(event.span(), format!("`{name}` is a standard event, which every service has"));
        } else if name.is_empty() {
            errors.at(event.span(), "an event needs a name");
        } else if !events.insert(name.clone()) {
            errors.at(event.span(), format!("`{name}` stands twice"));
        }
    }
}
