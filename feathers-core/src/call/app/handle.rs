//! The handle: a cheap pointer to the running app.

mod connections;
mod rights;

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use http::Extensions;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::call::app::abandoned::{Abandoned, Counted};
use crate::call::app::registry::{Mounted, Registry};
use crate::call::app::scope::Scope;
use crate::call::app::task::{Over, Task};
use crate::call::app::{
    IntoMount, Lifecycle, Lifecycles, Listeners, ResolvedRoute, ServiceHandle, ServiceInfo, TypedService,
};
use crate::call::authenticator::Authenticator;
use crate::call::hook::Hooks;
use crate::call::publish::Publishers;
use crate::call::route::Encoding;
use crate::data::error::{Error, Result};
use crate::data::record::Record;
use crate::event::channel::{Channel, Hub, IntoChannelNames};
use crate::event::connection::Connection;
use crate::event::log::EventLog;
use crate::event::membership::MembershipHistory;
use crate::event::secret_headers::SecretHeaders;

/// How long calls may take if no transport says.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// How long the shutdown waits for tasks to be dropped.
const DROPPING: Duration = Duration::from_millis(100);

/// A running app: looks up services, opens sessions, finds channels. Clones are the same app.
///
#[doc = include_str!("handle/handle.md")]
#[derive(Clone)]
pub struct AppHandle(Arc<Inner>, Scope);

struct Inner {
    registry: ArcSwap<Registry>,
    mounting: Mutex<()>,
    secrets: Mutex<HashMap<Arc<str>, Connection>>,
    hooks: Vec<(Hooks, Publishers)>,
    listeners: Listeners,
    authenticator: Option<Arc<dyn Authenticator>>,
    lifecycle: Lifecycles,
    extensions: Extensions,
    hub: Hub,
    log: EventLog,
    settings: Settings,
    /// After how many milliseconds calls and publishers whose callers do not wait for them are given up.
    call_limit: AtomicU64,
    connections: AtomicUsize,
    watching: AtomicBool,
    abandoned: Arc<Abandoned>,
    tasks: TaskTracker,
    stopping: CancellationToken,
    /// The shutdown has begun: a look that takes no lock, for what is done with each event.
    is_stopping: AtomicBool,
    /// The shutdown has waited for as long as it may.
    over: Arc<Over>,
}

/// What an app says of its connections.
pub(super) struct Settings {
    /// How many events a reconnecting client may have missed.
    pub(super) max_replay: Option<usize>,
    pub(super) caller_percent: u8,
    /// How long the answers of calls under way may take when the server ends a connection.
    pub(super) answer_grace: Duration,
    pub(super) secret_headers: SecretHeaders,
}

impl AppHandle {
    #[expect(clippy::too_many_arguments, reason = "each is of a type of its own, and there is one caller")]
    pub(super) fn new(
        registry: Registry,
        listeners: Listeners,
        lifecycle: Lifecycles,
        extensions: Extensions,
        (log, settings): (EventLog, Settings),
        hooks: Vec<(Hooks, Publishers)>,
        (authenticator, history): (Option<Arc<dyn Authenticator>>, Arc<dyn MembershipHistory>),
        abandoned: Abandoned,
    ) -> Self {
        let inner = Inner {
            registry: ArcSwap::from_pointee(registry),
            mounting: Mutex::default(),
            secrets: Mutex::default(),
            hooks,
            listeners,
            authenticator,
            lifecycle,
            extensions,
            hub: Hub::new(log.clone(), history),
            log,
            settings,
            call_limit: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            watching: AtomicBool::new(false),
            abandoned: Arc::new(abandoned),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            is_stopping: AtomicBool::new(false),
            over: Arc::default(),
        };
        Self(Arc::new(inner), Scope::default())
    }

    /// Returns a handle whose calls have a deadline, and what they call has it too. An earlier one that it has stays.
    ///
    /// A read that takes longer ends with a 408. A call that may change something is finished all the same, with all
    /// that it calls.
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self(self.0.clone(), self.1.until(deadline))
    }

    /// Returns the deadline of calls through this handle.
    pub fn deadline(&self) -> Option<Instant> {
        self.1.deadline()
    }

    /// Returns the app without a scope, for work that goes on after the call whose handle this is.
    pub fn detached(&self) -> Self {
        Self(self.0.clone(), Scope::default())
    }

    /// Returns a service for calls from inside the server.
    ///
    /// # Errors
    /// A path at which there is no service.
    pub fn service(&self, path: &str) -> Result<ServiceHandle> {
        let route = self
            .lookup(path, Encoding::Plain)?
            .filter(|route| route.id.is_none())
            .ok_or_else(|| Error::general(format!("Can not find service '{}'", crate::call::route::strip(path))))?;
        Ok(ServiceHandle { app: self.clone(), route })
    }

    /// Returns a service of typed records for calls from inside the server.
    ///
    /// # Errors
    /// A path at which there is no service.
    pub fn typed<R: Record>(&self, path: &str) -> Result<TypedService<R>> {
        Ok(TypedService::new(self.service(path)?))
    }

    /// Finds the service of a path, for transports; `None` if there is none.
    ///
    /// # Errors
    /// An id or placeholder that cannot be decoded: a 400.
    pub fn lookup(&self, path: &str, encoding: Encoding) -> Result<Option<ResolvedRoute>> {
        let found = self.0.registry.load().router.find(path, encoding)?;
        Ok(found.map(|found| {
            let mut params = found.params;
            for (name, value) in found.service.route_params() {
                if params.value(name).is_none() {
                    params.set(name.clone(), value.clone());
                }
            }
            ResolvedRoute { mounted: found.service, params, id: found.id }
        }))
    }

    /// Describes all services in the order of mounting.
    pub fn services(&self) -> Vec<ServiceInfo> {
        self.mounted().into_iter().map(ServiceInfo).collect()
    }

    /// Mounts another service while the app runs, and sets it up. The app's own hooks and publishers apply.
    ///
    /// # Errors
    /// A path that another service has, mistakes in the mount, and an error of the service's setup; it is not mounted
    /// then.
    pub async fn mount<R>(&self, path: &str, mount: impl IntoMount<R>) -> Result<()> {
        let path = Arc::<str>::from(crate::call::route::strip(path));
        let mounted = Mounted::new(&path, mount.into_mount().into_parts(), &self.0.hooks, &self.0.listeners.write)?;
        let service = mounted.service().clone();
        self.check_shared_log(&mounted)?;
        self.change_registry(|registry| {
            let mut registry = registry.clone();
            registry.insert(mounted)?;
            Ok(registry)
        })?;
        if let Err(error) = service.setup(&self.detached(), &path).await {
            self.change_registry(|registry| Ok(registry.without(&path)))?;
            return Err(error);
        }
        Ok(())
    }

    /// Takes a service away and tears it down; calls that are under way finish.
    ///
    /// # Errors
    /// A path at which there is no service, and an error of its teardown; it is gone all the same.
    pub async fn unmount(&self, path: &str) -> Result<()> {
        let path = crate::call::route::strip(path);
        let mounted = self
            .mounted()
            .into_iter()
            .find(|mounted| mounted.path() == path)
            .ok_or_else(|| Error::general(format!("Can not find service '{path}'")))?;
        self.change_registry(|registry| Ok(registry.without(path)))?;
        mounted.service().teardown(&self.detached(), path).await
    }

    fn change_registry(&self, change: impl FnOnce(&Registry) -> Result<Registry>) -> Result<()> {
        let _one_at_a_time = lock(&self.0.mounting);
        let changed = change(&self.0.registry.load())?;
        self.0.registry.store(Arc::new(changed));
        self.note_readers();
        Ok(())
    }

    /// Returns a channel, or a combined one for several names. It exists while it has members.
    pub fn channel(&self, names: impl IntoChannelNames) -> Channel {
        self.0.hub.channel(names)
    }

    /// Returns the names of all channels, sorted.
    pub fn channels(&self) -> Vec<Arc<str>> {
        self.0.hub.names()
    }

    /// Returns a setting that was put on the [`App`](crate::App).
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.extensions.get()
    }

    /// Returns a setting that was put on the [`App`](crate::App).
    ///
    /// # Errors
    /// There is none of the type, whose name is in the error: a 500.
    pub fn require<T: Send + Sync + 'static>(&self) -> Result<&T> {
        self.get().ok_or_else(|| Error::missing::<T>("app"))
    }

    /// Returns the headers of requests whose values are secret.
    pub fn secret_headers(&self) -> &SecretHeaders {
        &self.0.settings.secret_headers
    }

    /// Returns the event log.
    pub fn log(&self) -> &EventLog {
        &self.0.log
    }

    /// Returns the number of open connections.
    pub fn connections(&self) -> usize {
        self.0.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn max_replay(&self) -> Option<usize> {
        self.0.settings.max_replay
    }

    pub(crate) fn caller_percent(&self) -> u8 {
        self.0.settings.caller_percent
    }

    /// Says how long the transports let a call take: past that, a call whose caller has gone, and a publisher, may not
    /// wait any more. The longest counts; without one it is 30 seconds.
    pub fn allow_calls(&self, time: Duration) {
        let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.0.call_limit.fetch_max(time, Ordering::AcqRel);
    }

    pub(crate) fn call_limit(&self) -> Duration {
        match self.0.call_limit.load(Ordering::Acquire) {
            0 => CALL_LIMIT,
            millis => Duration::from_millis(millis),
        }
    }

    /// Runs a task that the shutdown waits for, and drops when it has waited long enough.
    ///
    /// It is polled when the shutdown begins, so that a future written by hand can look at [`AppHandle::is_stopping`]
    /// where an async function waits for [`AppHandle::stopping`].
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if tokio::runtime::Handle::try_current().is_ok() {
            self.0.tasks.spawn(Task::new(task, self.0.over.clone()));
        }
    }

    /// Fails if so many calls are under way whose callers have gone that there may be no more.
    pub(super) fn check_abandoned(&self, address: Option<IpAddr>) -> Result<()> {
        self.0.abandoned.check(address)
    }

    /// Counts a call whose caller has gone.
    pub(super) fn abandon(&self, address: Option<IpAddr>) -> Counted {
        self.0.abandoned.add(address)
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// Returns what is cancelled when the shutdown begins.
    pub(super) fn stop_signal(&self) -> CancellationToken {
        self.0.stopping.clone()
    }

    /// Waits for the beginning of the shutdown.
    pub async fn stopping(&self) {
        self.0.stopping.cancelled().await;
    }

    /// Tells whether the shutdown has begun.
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping.load(Ordering::Acquire)
    }

    /// Stops the app: ends every wait for [`AppHandle::stopping`], waits at most `patience` for calls and
    /// tasks to finish, and tears the services down, the last one mounted first.
    ///
    /// # Errors
    /// The first error of a teardown, after all others have been torn down.
    pub async fn shutdown(&self, patience: Duration) -> Result<()> {
        if self.0.stopping.is_cancelled() {
            self.0.tasks.wait().await;
            return Ok(());
        }
        self.0.log.flush();
        self.0.is_stopping.store(true, Ordering::Release);
        self.0.stopping.cancel();
        self.0.over.wake_all();
        self.0.tasks.close();
        if tokio::time::timeout(patience, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.0.tasks.len(), "shutting down, tasks that still run are dropped");
            self.0.over.set();
            // All but one that blocks its thread are gone at once.
            let _ = tokio::time::timeout(DROPPING, self.0.tasks.wait()).await;
        }
        let app = self.clone();
        let work = async move {
            let mut result = Ok(());
            for mounted in app.mounted().into_iter().rev() {
                if let Err(error) = mounted.service().teardown(&app, mounted.path()).await {
                    tracing::error!(path = mounted.path(), ?error, "teardown failed");
                    result = result.and(Err(error));
                }
            }
            result
        };
        Lifecycle::new(self.clone(), self.0.lifecycle.teardown.clone(), work.boxed()).run().await
    }

    /// Drops events that are too old, also where nothing happens.
    pub(super) fn watch_age(&self) {
        let (log, stopping) = (self.0.log.clone(), self.0.stopping.clone());
        self.spawn(async move {
            stopping.run_until_cancelled(log.watch_age()).await;
        });
    }

    pub(crate) fn mounted(&self) -> Vec<Arc<Mounted>> {
        self.0.registry.load().services.clone()
    }

    /// Starts a timer that gives up stale places in the log, for as long as something waits behind one.
    pub(crate) fn watch_log(&self) {
        if !self.0.log.has_waiting() || self.0.watching.swap(true, Ordering::AcqRel) {
            return;
        }
        let app = self.clone();
        self.spawn(async move {
            loop {
                let stopping = tokio::time::timeout(EventLog::SLOT_TIMEOUT / 4, app.stopping()).await.is_ok();
                if stopping || !app.0.log.give_up_stale() {
                    break;
                }
            }
            app.0.watching.store(false, Ordering::Release);
            // Something may have begun to wait since the last look, while this watch still counted as running.
            if !app.is_stopping() {
                app.watch_log();
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for AppHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppHandle").field("services", &**self.0.registry.load()).finish_non_exhaustive()
    }
}
