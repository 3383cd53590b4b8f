//! Mounts: a service with its hooks, publishers, listeners and options, before it runs.

use std::any::{Any, TypeId};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::call::access::{Access, AccessRecord};
use crate::call::app::AppHandle;
use crate::call::app::methods::{hook_methods, publisher_methods};
use crate::call::app::relations::Spec;
use crate::call::hook::Hooks;
use crate::call::method::Method;
use crate::call::publish::{Publication, Publisher, Publishers};
use crate::call::service::Service;
use crate::data::record::Record;
use crate::data::rights::ServiceAccess;
use crate::event::channel::IntoChannels;

pub(crate) type Listener = Arc<dyn Fn(&Publication, &AppHandle) + Send + Sync>;

/// A service as it is mounted: its hooks, publishers, listeners and options.
///
#[doc = include_str!("mount.md")]
pub struct Mount<R = ()> {
    pub(super) parts: Parts,
    record: PhantomData<fn() -> R>,
}

/// What a mount consists of; nothing of it depends on the type of the records.
pub(crate) struct Parts {
    pub(crate) service: Arc<dyn Service>,
    pub(crate) hooks: Hooks,
    pub(crate) publishers: Publishers,
    pub(crate) listeners: Vec<(Arc<str>, Listener)>,
    pub(crate) methods: Option<Vec<Method>>,
    pub(crate) events: Vec<Arc<str>>,
    pub(crate) service_events: Option<Vec<Arc<str>>>,
    pub(crate) route_params: Vec<(Arc<str>, String)>,
    /// The access rules; more than one set of them is a mistake.
    pub(crate) access: Vec<Arc<dyn ServiceAccess>>,
    /// The type of the records.
    pub(crate) record: TypeId,
    /// What is said of their relations.
    pub(crate) relations: Option<Box<Spec>>,
}

/// A mount of any type of records, as an app keeps it.
pub(crate) trait AnyMount: Any + Send + Sync {
    fn into_parts(self: Box<Self>) -> Parts;
}

impl<R: 'static> AnyMount for Mount<R> {
    fn into_parts(self: Box<Self>) -> Parts {
        self.parts
    }
}

/// What can be mounted: any service, also a shared one, or a [`Mount`] that is prepared already.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    label = "not a service",
    note = "put `#[service]` on an impl block with its methods, or serve a store such as `Memory::<Todo>::new()`"
)]
pub trait IntoMount<R> {
    /// Makes the mount; `R` is the type of the service's records, `()` where it has none.
    fn into_mount(self) -> Mount<R>;
}

impl<S: Service> IntoMount<S::Record> for S {
    fn into_mount(self) -> Mount<S::Record> {
        Mount::of(Arc::new(self))
    }
}

impl<S: Service> IntoMount<S::Record> for Arc<S> {
    fn into_mount(self) -> Mount<S::Record> {
        Mount::of(self)
    }
}

impl<R> IntoMount<R> for Mount<R> {
    fn into_mount(self) -> Self {
        self
    }
}

impl Mount {
    /// Wraps a shared service whose type is not known, and so not that of its records.
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self::of(service)
    }
}

impl<R: 'static> Mount<R> {
    fn of(service: Arc<dyn Service>) -> Self {
        let parts = Parts {
            service,
            hooks: Hooks::default(),
            publishers: Publishers::default(),
            listeners: Vec::new(),
            methods: None,
            events: Vec::new(),
            service_events: None,
            route_params: Vec::new(),
            access: Vec::new(),
            record: TypeId::of::<R>(),
            relations: None,
        };
        Self { parts, record: PhantomData }
    }
}

impl<R> Mount<R> {
    pub(crate) fn into_parts(self) -> Parts {
        self.parts
    }

    fn hooks_mut(&mut self) -> &mut Hooks {
        &mut self.parts.hooks
    }

    fn publishers_mut(&mut self) -> &mut Publishers {
        &mut self.parts.publishers
    }

    hook_methods!("");
    publisher_methods!("all events of the service", "one event; it comes before the one for all");

    /// Sets the publisher for `created`, `updated`, `patched` and `removed`, which sees the record as its type.
    ///
    /// One for a single event comes before it, and it before the one for all events, which is left with the custom
    /// ones. An event that a hook has changed so that it is no such record any more is counted as a failed publisher,
    /// and is not sent.
    ///
    /// ```
    /// # use feathers_core::facade as feathers;
    /// use feathers::{App, Document, Memory};
    ///
    /// let mut app = App::new();
    /// app.service("messages", Memory::<Document>::new()).publish_record(|Document(message), _event, app| {
    ///     message.get("room").map(|room| app.channel(("rooms", room)))
    /// });
    /// ```
    pub fn publish_record<C: IntoChannels>(
        &mut self,
        publisher: impl Fn(&R, &Publication, &AppHandle) -> C + Send + Sync + 'static,
    ) -> &mut Self
    where
        R: Record,
    {
        self.parts.publishers.records = Some(Publisher::of_records(publisher));
        self
    }

    /// Sets who may do what with the records: see [`Access`].
    ///
    /// From then on every call from outside is refused for which there is no rule. Calls from inside have all rights,
    /// unless they are made [as the caller](crate::Params::as_caller).
    pub fn access<U>(&mut self, access: Access<R, U>) -> &mut Self
    where
        R: AccessRecord,
        U: DeserializeOwned + Send + Sync + 'static,
    {
        self.parts.access.push(Arc::new(access));
        self
    }

    /// Runs on the server for every event of this name, also one that is not published.
    pub fn on_event(
        &mut self,
        event: &str,
        listener: impl Fn(&Publication, &AppHandle) + Send + Sync + 'static,
    ) -> &mut Self {
        self.parts.listeners.push((event.into(), Arc::new(listener)));
        self
    }

    /// Names the methods that clients may call; the others stay callable from inside. None makes the service internal.
    pub fn methods<M: Into<Method>>(&mut self, methods: impl IntoIterator<Item = M>) -> &mut Self {
        self.parts.methods = Some(methods.into_iter().map(Into::into).collect());
        self
    }

    /// Adds custom events, which the service emits by hand.
    pub fn events<E: Into<Arc<str>>>(&mut self, events: impl IntoIterator<Item = E>) -> &mut Self {
        self.parts.events.extend(events.into_iter().map(Into::into));
        self
    }

    /// Names all events that are published, instead of the four standard and the custom ones.
    pub fn service_events<E: Into<Arc<str>>>(&mut self, events: impl IntoIterator<Item = E>) -> &mut Self {
        self.parts.service_events = Some(events.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a constant to the route parameters of every call; a placeholder of the same name wins.
    pub fn route_param(&mut self, name: &str, value: &str) -> &mut Self {
        self.parts.route_params.push((name.into(), value.to_owned()));
        self
    }
}

impl<R> fmt::Debug for Mount<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("service", &self.parts.service).finish_non_exhaustive()
    }
}
