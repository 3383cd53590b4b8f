//! Mounts: a service with its hooks, publishers, listeners and options, before it runs.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::app::Handle;
use crate::channel::IntoChannels;
use crate::hook::{AroundHook, Hook, Hooks, On};
use crate::method::Method;
use crate::publish::{Publication, Publisher, Publishers};
use crate::service::Service;

pub(crate) type Listener = Arc<dyn Fn(&Publication, &Handle) + Send + Sync>;

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

    /// Adds a hook before methods: `"all"`, `"create"`, `["create", "patch"]`.
    pub fn before(&mut self, on: impl Into<On>, hook: impl Hook) -> &mut Self {
        self.hooks.before.push((on.into(), Arc::new(hook)));
        self
    }

    /// Adds a hook after methods.
    pub fn after(&mut self, on: impl Into<On>, hook: impl Hook) -> &mut Self {
        self.hooks.after.push((on.into(), Arc::new(hook)));
        self
    }

    /// Adds a hook on errors of methods.
    pub fn error(&mut self, on: impl Into<On>, hook: impl Hook) -> &mut Self {
        self.hooks.error.push((on.into(), Arc::new(hook)));
        self
    }

    /// Adds a hook around methods.
    pub fn around(&mut self, on: impl Into<On>, hook: impl AroundHook) -> &mut Self {
        self.hooks.around.push((on.into(), Arc::new(hook)));
        self
    }

    /// Sets the publisher for all events of the service.
    pub fn publish<C: IntoChannels>(
        &mut self,
        publisher: impl Fn(&Publication, &Handle) -> C + Send + Sync + 'static,
    ) -> &mut Self {
        self.publishers.all = Some(Publisher::now(publisher));
        self
    }

    /// Sets the publisher for one event; it comes before the one for all.
    pub fn publish_event<C: IntoChannels>(
        &mut self,
        event: &str,
        publisher: impl Fn(&Publication, &Handle) -> C + Send + Sync + 'static,
    ) -> &mut Self {
        self.publishers.events.insert(event.into(), Publisher::now(publisher));
        self
    }

    /// Sets a publisher that waits for something; calls do not wait for it.
    pub fn publish_async<C, Fut>(
        &mut self,
        publisher: impl Fn(Publication, Handle) -> Fut + Send + Sync + 'static,
    ) -> &mut Self
    where
        C: IntoChannels + 'static,
        Fut: Future<Output = C> + Send + 'static,
    {
        self.publishers.all = Some(Publisher::later(publisher));
        self
    }

    /// Runs on the server for every event of this name, also one that is not published.
    pub fn on(&mut self, event: &str, listener: impl Fn(&Publication, &Handle) + Send + Sync + 'static) -> &mut Self {
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
