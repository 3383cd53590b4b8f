//! The start: from an [`App`] that is built to a [`AppHandle`] to what runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::HeaderName;

use crate::call::app::abandoned::{self, Abandoned};
use crate::call::app::handle::Settings;
use crate::call::app::registry::{Mounted, Registry};
use crate::call::app::{App, AppHandle, Lifecycle, Lifecycles, Listeners};
use crate::call::hook::Hooks;
use crate::call::publish::Publishers;
use crate::call::route::strip;
use crate::data::error::{Error, Result};
use crate::event::log::{BridgeHost, EventLog, LogBridge, backfill};
use crate::event::membership::RecentMemberships;
use crate::event::secret_headers::SecretHeaders;

/// Everything of a tree of nested apps, laid flat.
#[derive(Default)]
struct Flat {
    registry: Registry,
    listeners: Listeners,
    lifecycle: Lifecycles,
    secret_headers: Vec<HeaderName>,
    errors: Vec<String>,
}

/// How long events are batched at most.
const LONGEST_WINDOW: Duration = Duration::from_millis(1);
/// Which part of the log one caller may fill.
const CALLER_PERCENT: u8 = 25;

/// How long the answers of calls under way may take when the server ends a connection.
const ANSWER_GRACE: Duration = Duration::from_secs(2);

pub(super) async fn start(mut app: App) -> Result<AppHandle> {
    if app.gather > LONGEST_WINDOW {
        let (window, most) = (app.gather, LONGEST_WINDOW);
        return Err(Error::general(format!(
            "events are batched for {most:?} at most, and `batch_window` says {window:?}"
        )));
    }
    let kept = u64::try_from(app.retention.count).unwrap_or(u64::MAX);
    let caller_percent = app.caller_percent.unwrap_or(CALLER_PERCENT);
    if caller_percent > 100 {
        return Err(Error::general(format!("`caller_percent` is at most 100, and not {caller_percent}")));
    }
    let (log, max_replay) = (EventLog::new(app.retention, app.gather), app.max_replay);
    let answer_grace = app.answer_grace.unwrap_or(ANSWER_GRACE);
    let shared = app.log.take();
    let abandoned = Abandoned::new(app.max_abandoned_calls.unwrap_or(abandoned::DEFAULT));
    let extensions = std::mem::take(&mut app.extensions);
    let authenticator = app.authenticator.take();
    let history = app.history.take().unwrap_or_else(|| Arc::new(RecentMemberships::default()));
    let around = vec![(app.hooks.clone(), app.publishers.clone())];
    let mut flat = Flat::default();
    flat.add("", app, &[]);
    flat.check_relations();
    if !flat.errors.is_empty() {
        return Err(Error::general(flat.errors.join("\n")));
    }
    let secret_headers = SecretHeaders::new(flat.secret_headers);
    let settings = Settings { max_replay, caller_percent, answer_grace, secret_headers };
    let handle = AppHandle::new(
        flat.registry,
        flat.listeners,
        flat.lifecycle.clone(),
        extensions,
        (log, settings),
        around,
        (authenticator, history),
        abandoned,
    );
    handle.start_readers(shared.is_some())?;
    if let Some(shared) = shared {
        let (bridge, tasks) = LogBridge::new(shared.clone());
        let bounds = shared.bounds().await?;
        // The past that is kept here is read first, so that clients of other processes can go on from it.
        let from = bounds.head.saturating_sub(kept).max(bounds.oldest);
        handle.log().share(bridge, bounds, from);
        let host = BridgeHost { hub: handle.hub().clone(), stopping: handle.stop_signal() };
        backfill(&host, &*shared).await?;
        if let Some(bridge) = handle.log().bridge() {
            let (writing, reading) = tasks.start(&host, bridge);
            handle.spawn(writing);
            handle.spawn(reading);
        }
    }
    handle.watch_age();
    let work = {
        let handle = handle.clone();
        async move {
            for mounted in handle.mounted() {
                mounted.service().setup(&handle, mounted.path()).await?;
            }
            Ok(())
        }
    };
    Lifecycle::new(handle.clone(), flat.lifecycle.setup, work.boxed()).run().await?;
    Ok(handle)
}

impl Flat {
    fn add(&mut self, prefix: &str, app: App, outer: &[(Hooks, Publishers)]) {
        let mut around = outer.to_vec();
        around.push((app.hooks, app.publishers));
        self.secret_headers.extend(app.secret_headers);
        self.listeners.connect.extend(app.listeners.connect);
        self.listeners.disconnect.extend(app.listeners.disconnect);
        self.listeners.login.extend(app.listeners.login);
        self.listeners.logout.extend(app.listeners.logout);
        // Before the services, which are all below this prefix.
        let writes = app.listeners.write.into_iter();
        self.listeners.write.extend(writes.map(|(path, listener)| (join(prefix, &path), listener)));
        self.lifecycle.setup.extend(app.lifecycle.setup);
        self.lifecycle.teardown.extend(app.lifecycle.teardown);
        for (path, mount) in app.mounts {
            let mut mount = mount.into_parts();
            let listeners = app.event_listeners.iter().filter(|(own, ..)| own == strip(&path));
            mount.listeners.extend(listeners.map(|(_, event, listener)| (event.clone(), listener.clone())));
            let path = join(prefix, &path);
            match Mounted::new(&path, mount, &around, &self.listeners.write) {
                Ok(mounted) => {
                    if let Err(error) = self.registry.insert(mounted) {
                        self.errors.push(error.to_string());
                    }
                }
                Err(error) => self.errors.push(error.to_string()),
            }
        }
        for (path, app) in app.nested {
            self.add(&join(prefix, &path), app, &around);
        }
    }

    /// Looks whether each related record has a service.
    fn check_relations(&mut self) {
        let services = &self.registry.services;
        for mounted in services {
            let mut mistakes = Vec::new();
            if let Some(relations) = mounted.relations() {
                relations.check(services, &mut mistakes);
            }
            self.errors.extend(mistakes.iter().map(|mistake| format!("service '{}': {mistake}", mounted.path())));
        }
    }
}

impl Registry {
    /// Adds a service; a path that is taken is an error.
    pub(super) fn insert(&mut self, mounted: Mounted) -> Result<()> {
        let mounted = std::sync::Arc::new(mounted);
        if !self.router.insert(mounted.path(), mounted.clone()) {
            return Err(Error::general(format!("Path '{}' is mounted twice", mounted.path())));
        }
        self.services.push(mounted);
        Ok(())
    }

    /// Returns the registry without a path.
    pub(super) fn without(&self, path: &str) -> Self {
        let mut rest = Self::default();
        for mounted in self.services.iter().filter(|mounted| mounted.path() != path) {
            rest.router.insert(mounted.path(), mounted.clone());
            rest.services.push(mounted.clone());
        }
        rest
    }
}

fn join(prefix: &str, path: &str) -> String {
    match (strip(prefix), strip(path)) {
        ("", path) => path.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, path) => format!("{prefix}/{path}"),
    }
}
