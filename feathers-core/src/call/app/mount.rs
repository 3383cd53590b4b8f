//! Mounts: a service with its hooks, publishers, listeners and options, before it runs.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::call::app::AppHandle;
use crate::call::app::methods::{hook_methods, publisher_methods};
use crate::call::hook::Hooks;
use crate::call::method::Method;
use crate::call::publish::{Publication, Publishers};
use crate::call::service::Service;

pub(crate) type Listener = Arc<dyn Fn(&Publication, &AppHandle) + Send + Sync>;

/// A service as it is mounted: its hooks, publishers, listeners and options.
pub struct Mount {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) hooks: Hooks,
    pub(crate) publishers: Publishers,
    pub(crate) listeners: Vec<(Arc<str>, Listener)>,
    pub(crate) methods: Option<Vec<Method>>,
    pub(crate) events: Vec<Arc<str>>,
    pub(crate) service_events: Option<Vec<Arc<str>>>,
    pub(crate) route_params: Vec<(Arc<str>, String)>,
}

/// What can be mounted: any service, or a [`Mount`] that is prepared already.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not a service",
    note = "put `#[service]` on an impl block with its methods, or serve a store such as `Memory::<Todo>::new()`"
)]
pub trait IntoMount {
    /// Makes the mount.
    fn into_mount(self) -> Mount;
}

impl<S: Service> IntoMount for S {
    fn into_mount(self) -> Mount {
        Mount::new(Arc::new(self))
    }
}

impl IntoMount for Mount {
    fn into_mount(self) -> Mount {
        self
    }
}

impl Mount {
    /// Wraps a shared service.
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self {
            service,
            hooks: Hooks::default(),
            publishers: Publishers::default(),
            listeners: Vec::new(),
            methods: None,
            events: Vec::new(),
            service_events: None,
            route_params: Vec::new(),
        }
    }

    hook_methods!("");
    publisher_methods!("all events of the service", "one event; it comes before the one for all");

    /// Runs on the server for every event of this name, also one that is not published.
    pub fn on_event(
        &mut self,
        event: &str,
        listener: impl Fn(&Publication, &AppHandle) + Send + Sync + 'static,
    ) -> &mut Self {
        self.listeners.push((event.into(), Arc::new(listener)));
        self
    }

    /// Names the methods that clients may call; the others stay callable from inside. None makes the service internal.
    pub fn methods<M: Into<Method>>(&mut self, methods: impl IntoIterator<Item = M>) -> &mut Self {
        self.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    /// Adds custom events, which the service emits by hand.
    pub fn events<E: Into<Arc<str>>>(&mut self, events: impl IntoIterator<Item = E>) -> &mut Self {
        self.events.extend(events.into_iter().map(Into::into));
        self
    }

    /// Names all events that are published, instead of the four standard and the custom ones.
    pub fn service_events<E: Into<Arc<str>>>(&mut self, events: impl IntoIterator<Item = E>) -> &mut Self {
        self.service_events = Some(events.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a constant to the route parameters of every call; a placeholder of the same name wins.
    pub fn route_param(&mut self, name: &str, value: &str) -> &mut Self {
        self.route_params.push((name.into(), value.to_owned()));
        self
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("service", &self.service).finish_non_exhaustive()
    }
}
