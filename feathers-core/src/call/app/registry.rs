//! The registry: all mounted services and the table of their paths, a snapshot that is swapped whole.

use std::any::TypeId;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::call::app::AppHandle;
use crate::call::app::mount::{Listener, Parts};
use crate::call::app::relations::Relations;
use crate::call::app::write::{Write, WriteListener};
use crate::call::hook::{Hooks, Level};
use crate::call::method::{Method, PROTECTED};
use crate::call::publish::{Publication, Publisher, Publishers, to_readers};
use crate::call::route::{Router, strip};
use crate::call::service::{Descriptor, Service};
use crate::data::error::{Error, Result};
use crate::data::guard;
use crate::data::payload::Payload;
use crate::data::rights::ServiceAccess;
use crate::data::schema::Schema;
use crate::event::EventKind;
use crate::event::log::Slot;
use crate::event::store_id::StoreId;
use crate::event::visibility::Readers;

#[derive(Clone, Default)]
pub(crate) struct Registry {
    pub(crate) router: Router<Arc<Mounted>>,
    /// In the order of mounting.
    pub(crate) services: Vec<Arc<Mounted>>,
}

/// A service that runs.
pub(crate) struct Mounted {
    path: Arc<str>,
    service: Arc<dyn Service>,
    descriptor: Descriptor,
    external: Vec<Method>,
    published: Vec<PublishedEvent>,
    /// The fields of the records that never leave the server.
    hidden: Arc<[Arc<str>]>,
    /// Who may read it, if it has rules.
    readers: Option<Arc<Readers>>,
    /// Whether records may have fields that clients may not set or change, so that what a client sends is noted.
    notes_sent: bool,
    access: Option<Arc<dyn ServiceAccess>>,
    /// The field that counts the changes of a record.
    version_field: Option<&'static str>,
    route_params: Vec<(Arc<str>, String)>,
    listeners: Vec<(Arc<str>, Listener)>,
    write_listeners: Vec<WriteListener>,
    /// The type of the records, `()` where it is not known.
    record: TypeId,
    relations: Option<Relations>,
    /// A few, so that comparing is quicker than hashing.
    chains: Vec<(Method, Chain)>,
}

/// An event that clients may get.
pub(crate) struct PublishedEvent {
    pub(crate) kind: Arc<EventKind>,
    /// What decides about its channels; the innermost publisher wins.
    pub(crate) publisher: Option<Publisher>,
}

impl PublishedEvent {
    /// Tells whether there are connections that may get it: by a publisher, or, of a record, by the service's rules.
    pub(crate) fn has_audience(&self) -> bool {
        let is_of_record = || Method::STANDARD_EVENTS.contains(&&*self.kind.name);
        self.publisher.is_some() || self.kind.readers.is_some() && is_of_record()
    }

    /// Puts the event in its slot in the log, for those whom the publisher names, else for all who may read it.
    pub(crate) fn publish(&self, publication: Publication, dispatch: Payload, app: &AppHandle, slot: Slot) {
        match &self.publisher {
            Some(publisher) => publisher.publish(self.kind.clone(), publication, dispatch, app, slot),
            None => to_readers(&self.kind, &publication, &dispatch, slot),
        }
    }
}

/// What a call of one method runs through.
pub(crate) struct Chain {
    /// Outermost first.
    pub(crate) levels: Vec<Level>,
    meters: OnceLock<Meters>,
}

/// The metrics of one method.
pub(crate) struct Meters {
    ok: metrics::Counter,
    failed: metrics::Counter,
    duration: metrics::Histogram,
}

impl Meters {
    pub(crate) fn record(&self, ok: bool, duration: Duration) {
        if ok { &self.ok } else { &self.failed }.increment(1);
        self.duration.record(duration.as_secs_f64());
    }
}

impl Mounted {
    /// Checks a mount and makes it runnable; `around` are the hooks and publishers of the apps around it, outermost
    /// first. `writes` are the listeners for writes, with the paths of their services.
    pub(crate) fn new(
        path: &str,
        mount: Parts,
        around: &[(Hooks, Publishers)],
        writes: &[(String, WriteListener)],
    ) -> Result<Self> {
        let path = strip(path);
        let descriptor = mount.service.descriptor();
        if path.contains('\0') || path.split('/').any(|part| part.is_empty() && !path.is_empty() || part == ":") {
            return Err(Error::general(format!("'{path}' is not a valid service path.")));
        }
        if !descriptor.mistakes.is_empty() {
            let mistakes = descriptor.mistakes.iter().map(|mistake| format!("service '{path}': {mistake}"));
            return Err(Error::general(mistakes.collect::<Vec<_>>().join("\n")));
        }
        for info in &descriptor.methods {
            let name = info.method.name();
            if PROTECTED.contains(&name) {
                return Err(Error::general(format!(
                    "'{name}' on service '{path}' is not allowed as a custom method name"
                )));
            }
        }
        let all: Vec<Method> = descriptor.methods.iter().map(|info| info.method.clone()).collect();
        let external = mount.methods.unwrap_or_else(|| all.clone());
        if let Some(missing) = external.iter().find(|method| !all.contains(method)) {
            return Err(Error::general(format!("service '{path}' has no method '{missing}'")));
        }
        if let Some(missing) = mount.hooks.methods().find(|method| !all.contains(method)) {
            return Err(Error::general(format!(
                "a hook of service '{path}' is for '{missing}', which it does not have"
            )));
        }
        check_access(path, &mount.access, &descriptor)?;
        let access = mount.access.first().cloned();
        let mut custom: Vec<Arc<str>> = descriptor.events.clone();
        custom.extend(mount.events);
        let published = mount.service_events.unwrap_or_else(|| {
            Method::STANDARD_EVENTS.into_iter().map(Into::into).chain(custom.iter().cloned()).collect()
        });
        if let Some(unknown) = mount.publishers.events.keys().find(|event| !published.contains(event)) {
            return Err(Error::general(format!("'{unknown}' is not a valid service event")));
        }
        let relations = mount.relations.map(|spec| Relations::new(*spec)).transpose().map_err(|mistakes| {
            let mistakes = mistakes.iter().map(|mistake| format!("service '{path}': {mistake}"));
            Error::general(mistakes.collect::<Vec<_>>().join("\n"))
        })?;
        guard::prepare();
        descriptor.schema.iter().for_each(guard::know);
        let fields = descriptor.schema.iter().flat_map(|schema| schema.fields.iter());
        let hidden: Arc<[Arc<str>]> = fields.filter(|field| field.hidden).map(|field| field.name.into()).collect();
        let write_listeners =
            writes.iter().filter(|(own, _)| own == path).map(|(_, listener)| listener.clone()).collect();
        let path: Arc<str> = path.into();
        let id = descriptor.schema.as_ref().map_or("id", |schema| schema.id);
        let readers = access.clone().map(|access| Arc::new(Readers::new(&path, id, access)));
        let published = published.into_iter().map(|name| {
            let outer = around.iter().rev().map(|(_, publishers)| publishers);
            let who = std::iter::once(&mount.publishers).chain(outer).find_map(|own| own.publisher(&name)).cloned();
            let kind = EventKind::new(&path, name, hidden.clone()).readers(readers.clone());
            PublishedEvent { kind: Arc::new(kind), publisher: who }
        });
        let published = published.collect();
        let chains = all
            .iter()
            .map(|method| {
                let outer = around.iter().map(|(hooks, _)| hooks);
                let levels = outer.chain([&mount.hooks]).filter_map(|hooks| hooks.level(method)).collect();
                (method.clone(), Chain { levels, meters: OnceLock::new() })
            })
            .collect();
        let server_set = |schema: &Schema| schema.fields.iter().any(|field| field.server || field.immutable);
        // A service that says nothing of its records may have a store inside.
        let notes_sent = descriptor.schema.as_ref().is_none_or(server_set);
        let version = |schema: &Schema| Some(schema.fields.get(schema.version()?)?.name);
        let version_field = descriptor.schema.as_ref().and_then(version);
        Ok(Self {
            path,
            service: mount.service,
            descriptor: Descriptor { events: custom, ..descriptor },
            external,
            published,
            hidden,
            readers,
            notes_sent,
            access,
            version_field,
            route_params: mount.route_params,
            listeners: mount.listeners,
            write_listeners,
            record: mount.record,
            relations,
            chains,
        })
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn shared_path(&self) -> &Arc<str> {
        &self.path
    }

    pub(crate) fn service(&self) -> &Arc<dyn Service> {
        &self.service
    }

    pub(crate) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    pub(crate) fn external(&self) -> &[Method] {
        &self.external
    }

    pub(crate) fn schema(&self) -> Option<&Schema> {
        self.descriptor.schema.as_ref()
    }

    /// Returns the type of the records, `()` where it is not known.
    pub(crate) fn record(&self) -> TypeId {
        self.record
    }

    /// Returns what is populated, if anything is.
    pub(crate) fn relations(&self) -> Option<&Relations> {
        self.relations.as_ref()
    }

    pub(crate) fn notes_sent(&self) -> bool {
        self.notes_sent
    }

    pub(crate) fn version_field(&self) -> Option<&'static str> {
        self.version_field
    }

    pub(crate) fn hidden(&self) -> &[Arc<str>] {
        &self.hidden
    }

    /// Returns the access rules, where the service has any.
    pub(crate) fn access(&self) -> Option<&Arc<dyn ServiceAccess>> {
        self.access.as_ref()
    }

    /// Returns who may read the service, if it has rules.
    pub(crate) fn readers(&self) -> Option<&Arc<Readers>> {
        self.readers.as_ref()
    }

    pub(crate) fn route_params(&self) -> &[(Arc<str>, String)] {
        &self.route_params
    }

    /// Returns where the chain of a method is.
    pub(crate) fn find_chain(&self, method: &Method) -> Option<usize> {
        self.chains.iter().position(|(own, _)| own == method)
    }

    pub(crate) fn chain(&self, place: usize) -> Option<&Chain> {
        self.chains.get(place).map(|(_, chain)| chain)
    }

    /// Tells whether a hook may set this event and have it emitted by the call itself.
    pub(crate) fn is_custom_event(&self, event: &str) -> bool {
        self.descriptor.events.iter().any(|custom| **custom == *event)
    }

    /// Returns an event that is published.
    pub(crate) fn published(&self, event: &str) -> Option<&PublishedEvent> {
        self.published.iter().find(|published| *published.kind.name == *event)
    }

    /// Returns what an event is, shared if it is one that is published.
    pub(crate) fn kind(&self, event: &str, published: Option<&PublishedEvent>) -> Arc<EventKind> {
        let kind = || EventKind::new(&self.path, event.into(), self.hidden.clone()).readers(self.readers.clone());
        let made = || Arc::new(kind());
        published.map_or_else(made, |published| published.kind.clone())
    }

    /// Tells the listeners of writes of a change; one that panics harms no other. Then the rules that look at these
    /// records are asked again.
    pub(crate) fn tell_of_write(&self, write: &Write<'_>, app: &AppHandle) {
        for listener in &self.write_listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(write, app))).is_err() {
                tracing::error!(path = self.path(), method = %write.method, "a listener for writes panicked");
            }
        }
        app.follow_rules(self.path());
    }

    /// Tells whether somewhere a record refers to those of this service, so that removing one can change others.
    pub(crate) fn is_referred(&self) -> bool {
        self.descriptor.store.as_ref().is_some_and(StoreId::is_referred)
    }

    pub(crate) fn listeners(&self, event: &str) -> impl Iterator<Item = &Listener> {
        self.listeners.iter().filter(move |(name, _)| **name == *event).map(|(_, listener)| listener)
    }
}

/// Refuses access rules that fit no method and no field, or that nothing would keep.
fn check_access(path: &str, all: &[Arc<dyn ServiceAccess>], descriptor: &Descriptor) -> Result<()> {
    let Some(access) = all.first() else { return Ok(()) };
    let methods: Vec<&str> = descriptor.methods.iter().map(|info| info.method.name()).collect();
    let mut mistakes = access.mistakes(descriptor.schema.as_ref(), &methods);
    if all.len() > 1 {
        mistakes.push("its access is set twice".to_owned());
    }
    let writes = descriptor.methods.iter().any(|info| info.keeps_access && info.method.event().is_some());
    if writes && access.has_write_rules() && !descriptor.checks_commits {
        mistakes
            .push("its store checks no commits (`Store::checks_commits`), which access rules for changes need".into());
    }
    if mistakes.is_empty() {
        return Ok(());
    }
    let mistakes = mistakes.iter().map(|mistake| format!("service '{path}': {mistake}"));
    Err(Error::general(mistakes.collect::<Vec<_>>().join("\n")))
}

impl Chain {
    /// Returns the metrics; they are looked up once, at the first call.
    pub(crate) fn meters(&self, path: &Arc<str>, method: &Method) -> &Meters {
        self.meters.get_or_init(|| {
            let (path, method) = (path.to_string(), method.to_string());
            let counter = |status: &'static str| {
                metrics::counter!(crate::metrics::CALLS, "service" => path.clone(), "method" => method.clone(), "status" => status)
            };
            Meters {
                ok: counter("ok"),
                failed: counter("error"),
                duration: metrics::histogram!(
                    crate::metrics::CALL_DURATION_SECONDS, "service" => path.clone(), "method" => method.clone()
                ),
            }
        })
    }
}

impl fmt::Debug for Mounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mounted").field("path", &self.path).field("methods", &self.external).finish_non_exhaustive()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.services).finish()
    }
}
