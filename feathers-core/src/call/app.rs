//! The app: what is built before the start, and the handle to what runs after it.

mod abandoned;
mod build;
mod caller;
mod cascade;
mod dispatch;
mod handle;
mod methods;
mod mount;
mod registry;
mod relations;
mod running;
mod scope;
mod service;
mod task;
mod typed;
mod write;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Extensions, HeaderName};

pub use self::caller::caller_has_gone;
pub(crate) use self::cascade::tell_others;
pub use self::dispatch::{Call, Reply};
pub use self::handle::AppHandle;
use self::methods::{hook_methods, publisher_methods};
use self::mount::AnyMount;
pub use self::mount::{IntoMount, Mount};
pub(crate) use self::registry::{Mounted, PublishedEvent};
pub(crate) use self::relations::{InEvents, Resolved, Wanted};
pub use self::relations::{IntoPopulate, Populate};
pub(crate) use self::running::in_method;
pub use self::service::{ResolvedRoute, ServiceHandle, ServiceInfo};
pub use self::typed::{Page, TypedService};
pub use self::write::Write;
pub(crate) use self::write::WriteListener;
use crate::call::authenticator::{Authenticator, Login};
use crate::call::hook::Hooks;
use crate::call::publish::{Publication, Publishers};
use crate::data::error::Result;
use crate::event::connection::Connection;
use crate::event::log::{LogEngine, Retention};
use crate::event::membership::MembershipHistory;

/// An app that is being built: services, hooks, publishers, listeners.
///
#[doc = include_str!("app/app.md")]
#[derive(Default)]
pub struct App {
    mounts: Vec<(String, Box<dyn AnyMount>)>,
    nested: Vec<(String, Self)>,
    hooks: Hooks,
    publishers: Publishers,
    listeners: Listeners,
    event_listeners: Vec<(String, Arc<str>, mount::Listener)>,
    lifecycle: Lifecycles,
    extensions: Extensions,
    retention: Retention,
    gather: Duration,
    max_replay: Option<usize>,
    caller_percent: Option<u8>,
    max_abandoned_calls: Option<usize>,
    log: Option<Arc<dyn LogEngine>>,
    authenticator: Option<Arc<dyn Authenticator>>,
    history: Option<Arc<dyn MembershipHistory>>,
    secret_headers: Vec<HeaderName>,
    answer_grace: Option<Duration>,
}

/// Something that adds to an app: services, hooks, listeners, settings. Every function of `&mut App` is one.
pub trait Plugin {
    /// Adds it.
    fn configure(self, app: &mut App);
}

impl<F: FnOnce(&mut App)> Plugin for F {
    fn configure(self, app: &mut App) {
        self(app);
    }
}

impl App {
    /// Makes an empty app.
    pub fn new() -> Self {
        Self::default()
    }

    /// Mounts a service under a path, such as `todos` or `users/:userId/messages`, and returns it for adding hooks,
    /// publishers and options. It knows the type of the records, if the service has any.
    pub fn service<R: 'static>(&mut self, path: &str, service: impl IntoMount<R>) -> &mut Mount<R> {
        let (_, mount) = self.mounts.push_mut((path.to_owned(), Box::new(service.into_mount())));
        let mount: &mut dyn Any = &mut **mount;
        match mount.downcast_mut() {
            Some(mount) => mount,
            None => unreachable!("it was just put there"),
        }
    }

    /// Mounts all services of another app under a prefix. Its hooks run inside this app's, its publishers are asked
    /// before this app's, and its listeners join this app's.
    pub fn nest(&mut self, prefix: &str, app: Self) -> &mut Self {
        self.nested.push((prefix.to_owned(), app));
        self
    }

    /// Runs a plugin, such as a function that adds services and hooks.
    pub fn configure(&mut self, plugin: impl Plugin) -> &mut Self {
        plugin.configure(self);
        self
    }

    /// Sets the authenticator of new connections; without one they are anonymous.
    pub fn authenticator(&mut self, authenticator: impl Authenticator) -> &mut Self {
        self.authenticator = Some(Arc::new(authenticator));
        self
    }

    /// Sets how long the answers of calls under way may take when the server ends a connection, instead of 2 seconds.
    ///
    /// The connection gets no events in that time, and new calls of its client are a 401. When the time is over it is
    /// closed without the answers that are missing.
    pub fn answer_grace(&mut self, grace: Duration) -> &mut Self {
        self.answer_grace = Some(grace);
        self
    }

    /// Names a header of requests that holds a secret of its own, besides those that every app has.
    ///
    /// Its values are shown in no log, and answers to requests with it are kept by no cache.
    pub fn secret_header(&mut self, name: HeaderName) -> &mut Self {
        self.secret_headers.push(name);
        self
    }

    /// Puts a setting on the app, in the place of an earlier one of its type; [`AppHandle::get`] reads it.
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, setting: T) -> &mut Self {
        self.extensions.insert(setting);
        self
    }

    /// Returns the setting of this type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions.get()
    }

    /// Takes out the setting of this type.
    pub fn remove<T: Clone + Send + Sync + 'static>(&mut self) -> Option<T> {
        self.extensions.remove()
    }

    /// Sets how much of the past the event log keeps.
    pub fn retention(&mut self, retention: Retention) -> &mut Self {
        self.retention = retention;
        self
    }

    /// Sets how many percent of the event log the events of one caller may fill, in number and in bytes, instead of 25.
    ///
    /// Past that, a call from outside that would push out events of others before their time is a 429 with
    /// `Retry-After`. So no client takes the events of others that they reconnect for. Where the log has room, no call
    /// is refused. A caller is the subject of its connection, else an address. 100 sets no bound; calls from inside
    /// have none.
    pub fn caller_percent(&mut self, percent: u8) -> &mut Self {
        self.caller_percent = Some(percent);
        self
    }

    /// Sets how long the log waits for more events before it announces one, a millisecond at most: what comes meanwhile
    /// leaves in one write.
    ///
    /// It is for apps with many events a second to the same connections, each of which gets them up to two milliseconds
    /// later then, as timers have steps of one. Without it only events leave together that are there already.
    /// Answers to calls on a realtime connection wait with the events that come before them.
    pub fn batch_window(&mut self, window: Duration) -> &mut Self {
        self.gather = window;
        self
    }

    /// Sends events through a log outside the process, for an app that several processes serve.
    ///
    /// The start fails if the log cannot be reached. Filters of channels cannot go through it: use channels of their
    /// own.
    ///
    /// ```
    /// # use feathers_core::facade as feathers;
    /// use feathers::App;
    /// use feathers_testing::SharedLog;
    ///
    /// let log = SharedLog::new(); // in tests; a real one is outside the process
    /// let (mut one, mut other) = (App::new(), App::new());
    /// one.event_log(log.clone());
    /// other.event_log(log);
    /// ```
    pub fn event_log(&mut self, log: impl LogEngine) -> &mut Self {
        self.log = Some(Arc::new(log));
        self
    }

    /// Sets what remembers since when subjects have been in channels, instead of
    /// [`RecentMemberships::default`](crate::RecentMemberships).
    pub fn membership_history(&mut self, history: impl MembershipHistory) -> &mut Self {
        self.history = Some(Arc::new(history));
        self
    }

    /// Sets how many events a reconnecting client may have missed; past that it gets a reset instead of a replay.
    ///
    /// There is no limit by default: whatever the log keeps is replayed.
    pub fn max_replay(&mut self, events: usize) -> &mut Self {
        self.max_replay = Some(events);
        self
    }

    /// Sets how many calls may be under way whose callers have gone, instead of 1,024. They are finished in the
    /// background; past the bound, new calls from outside that may change something are a 503 that says when to try
    /// again. One address may have a quarter of them; the server's own machine has no such limit.
    pub fn max_abandoned_calls(&mut self, calls: usize) -> &mut Self {
        self.max_abandoned_calls = Some(calls);
        self
    }

    fn hooks_mut(&mut self) -> &mut Hooks {
        &mut self.hooks
    }

    fn publishers_mut(&mut self) -> &mut Publishers {
        &mut self.publishers
    }

    hook_methods!(" of all services");
    publisher_methods!(
        "the events of all services that have none of their own",
        "one event of all services that have none of their own"
    );

    /// Runs on the server for every event of this name of the service at this path, wherever that is mounted on this
    /// app, also one that is not published.
    pub fn on_event(
        &mut self,
        path: &str,
        event: &str,
        listener: impl Fn(&Publication, &AppHandle) + Send + Sync + 'static,
    ) -> &mut Self {
        let path = crate::call::route::strip(path).to_owned();
        self.event_listeners.push((path, event.into(), Arc::new(listener)));
        self
    }

    /// Runs after every successful call of the service at this path but `find` and `get`, before the after hooks. What
    /// they change in the result and in the event makes no difference.
    ///
    /// It is for state that must follow the records, such as permissions. The service may be one of a nested app, and
    /// may be mounted later. A before hook that sets the result stands for the service. The listener must not wait, and
    /// a call does not fail by its panic.
    pub fn on_write(
        &mut self,
        path: &str,
        listener: impl Fn(&Write<'_>, &AppHandle) + Send + Sync + 'static,
    ) -> &mut Self {
        let path = crate::call::route::strip(path).to_owned();
        self.listeners.write.push((path, Arc::new(listener)));
        self
    }

    /// Runs for every new connection, before it gets events.
    pub fn on_connect(&mut self, listener: impl Fn(&Connection, &AppHandle) + Send + Sync + 'static) -> &mut Self {
        self.listeners.connect.push(Arc::new(move |connection, app| {
            listener(&connection, &app);
            std::future::ready(()).boxed()
        }));
        self
    }

    /// Runs for every new connection and is waited for before it gets events.
    pub fn on_connect_async<Fut: Future<Output = ()> + Send + 'static>(
        &mut self,
        listener: impl Fn(Connection, AppHandle) -> Fut + Send + Sync + 'static,
    ) -> &mut Self {
        self.listeners.connect.push(Arc::new(move |connection, app| listener(connection, app).boxed()));
        self
    }

    /// Runs when a connection has ended and has left all channels.
    pub fn on_disconnect(&mut self, listener: impl Fn(&Connection, &AppHandle) + Send + Sync + 'static) -> &mut Self {
        self.listeners.disconnect.push(Arc::new(move |connection, app| {
            listener(&connection, &app);
            std::future::ready(()).boxed()
        }));
        self
    }

    /// Runs when a connection has ended and has left all channels. What it waits for, it waits for in the background;
    /// the shutdown waits for it.
    pub fn on_disconnect_async<Fut: Future<Output = ()> + Send + 'static>(
        &mut self,
        listener: impl Fn(Connection, AppHandle) -> Fut + Send + Sync + 'static,
    ) -> &mut Self {
        self.listeners.disconnect.push(Arc::new(move |connection, app| listener(connection, app).boxed()));
        self
    }

    /// Runs after a successful login from outside.
    pub fn on_login(&mut self, listener: impl Fn(&Login, &AppHandle) + Send + Sync + 'static) -> &mut Self {
        self.listeners.login.push(Arc::new(move |login, app| {
            listener(&login, &app);
            std::future::ready(()).boxed()
        }));
        self
    }

    /// Runs after a successful login from outside and is waited for: the answer comes after it, and so do the events
    /// that a client has missed.
    pub fn on_login_async<Fut: Future<Output = ()> + Send + 'static>(
        &mut self,
        listener: impl Fn(Login, AppHandle) -> Fut + Send + Sync + 'static,
    ) -> &mut Self {
        self.listeners.login.push(Arc::new(move |login, app| listener(login, app).boxed()));
        self
    }

    /// Runs after a successful logout from outside; the connection has left all channels already.
    pub fn on_logout(&mut self, listener: impl Fn(&Login, &AppHandle) + Send + Sync + 'static) -> &mut Self {
        self.listeners.logout.push(Arc::new(move |logout, app| {
            listener(&logout, &app);
            std::future::ready(()).boxed()
        }));
        self
    }

    /// Runs after a successful logout from outside and is waited for: the answer comes after it. The connection has
    /// left all channels already.
    pub fn on_logout_async<Fut: Future<Output = ()> + Send + 'static>(
        &mut self,
        listener: impl Fn(Login, AppHandle) -> Fut + Send + Sync + 'static,
    ) -> &mut Self {
        self.listeners.logout.push(Arc::new(move |logout, app| listener(logout, app).boxed()));
        self
    }

    /// Runs around the setup of all services.
    pub fn around_setup<Fut: Future<Output = Result<()>> + Send + 'static>(
        &mut self,
        hook: impl Fn(AppHandle, Lifecycle) -> Fut + Send + Sync + 'static,
    ) -> &mut Self {
        self.lifecycle.setup.push(Arc::new(move |app, next| hook(app, next).boxed()));
        self
    }

    /// Runs around the teardown of all services.
    pub fn around_teardown<Fut: Future<Output = Result<()>> + Send + 'static>(
        &mut self,
        hook: impl Fn(AppHandle, Lifecycle) -> Fut + Send + Sync + 'static,
    ) -> &mut Self {
        self.lifecycle.teardown.push(Arc::new(move |app, next| hook(app, next).boxed()));
        self
    }

    /// Checks everything, sets the services up in the order of mounting, and returns the running app.
    ///
    /// # Errors
    /// All mistakes in the building, in one error: paths that collide, hooks for methods that a service does not have,
    /// options that fit no other. Then the first error of a setup; what was set up before it is torn down.
    pub async fn start(self) -> Result<AppHandle> {
        build::start(self).await
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("services", &self.mounts.iter().map(|(path, _)| path).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

type ConnectionListener = Arc<dyn Fn(Connection, AppHandle) -> BoxFuture<'static, ()> + Send + Sync>;
type AuthListener = Arc<dyn Fn(Login, AppHandle) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Clone, Default)]
struct Listeners {
    connect: Vec<ConnectionListener>,
    disconnect: Vec<ConnectionListener>,
    login: Vec<AuthListener>,
    logout: Vec<AuthListener>,
    /// With the whole path of the service.
    write: Vec<(String, WriteListener)>,
}

type LifecycleHook = Arc<dyn Fn(AppHandle, Lifecycle) -> BoxFuture<'static, Result<()>> + Send + Sync>;

#[derive(Clone, Default)]
struct Lifecycles {
    setup: Vec<LifecycleHook>,
    teardown: Vec<LifecycleHook>,
}

/// The rest of a setup or teardown, for a hook around it.
pub struct Lifecycle {
    app: AppHandle,
    hooks: Vec<LifecycleHook>,
    index: usize,
    work: BoxFuture<'static, Result<()>>,
}

impl Lifecycle {
    fn new(app: AppHandle, hooks: Vec<LifecycleHook>, work: BoxFuture<'static, Result<()>>) -> Self {
        Self { app, hooks, index: 0, work }
    }

    /// Runs the rest.
    ///
    /// # Errors
    /// That of a hook further in, or of the setup or teardown itself.
    pub async fn run(mut self) -> Result<()> {
        match self.hooks.get(self.index).cloned() {
            None => self.work.await,
            Some(hook) => {
                self.index += 1;
                hook(self.app.clone(), self).await
            }
        }
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifecycle").finish_non_exhaustive()
    }
}
