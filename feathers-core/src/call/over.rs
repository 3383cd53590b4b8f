//! A service over another one: what `#[service(over = field)]` hands on.

use std::sync::Arc;

use crate::call::app::AppHandle;
use crate::call::service::{Descriptor, Service};
use crate::data::error::Result;

/// What the field of `over` may hold: a service, or a shared one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "the field of `over` is not a service",
    note = "`over` names a field that holds one, such as `Memory<Todo>`, `Crud<SqlStore<Todo>>`, or an `Arc` of it"
)]
pub trait Over {
    /// The service.
    type Inner: Service;

    /// Returns the service.
    fn inner(&self) -> &Self::Inner;
}

impl<S: Service> Over for S {
    type Inner = S;

    fn inner(&self) -> &S {
        self
    }
}

impl<S: Service> Over for Arc<S> {
    type Inner = S;

    fn inner(&self) -> &S {
        self
    }
}

/// Returns the service in a field.
pub fn inner<O: Over>(field: &O) -> &O::Inner {
    field.inner()
}

/// Returns the service in a field, whose records are of this type.
pub fn inner_of<R, O: Over<Inner: Service<Record = R>>>(field: &O) -> &O::Inner {
    field.inner()
}

/// Describes the service over another: its own methods, and those of the other that it does not override.
pub fn describe_over(inner: Descriptor, own: Descriptor) -> Descriptor {
    let mut all = inner;
    for method in own.methods {
        match all.methods.iter_mut().find(|known| known.method == method.method) {
            Some(known) => *known = method,
            None => all.methods.push(method),
        }
    }
    for event in own.events {
        if !all.events.contains(&event) {
            all.events.push(event);
        }
    }
    if !own.docs.is_empty() {
        all.docs = own.docs;
    }
    all
}

/// Tears both down, the one inside last and in any case.
///
/// # Errors
/// The first error.
pub async fn teardown_over<S: Service>(inner: &S, own: Result<()>, app: &AppHandle, path: &str) -> Result<()> {
    let last = inner.teardown(app, path).await;
    own.and(last)
}
