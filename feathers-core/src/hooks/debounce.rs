//! A hook for work that follows changes, once for many of them.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::call::app::AppHandle;
use crate::call::context::Context;
use crate::call::hook::Hook;
use crate::call::method::Method;
use crate::data::error::Result;
use crate::data::id::Id;

/// How many records one hook waits for at the same time.
const WAITING: usize = 10_000;

/// Runs work in the background when a record has not been changed for a while: an after hook, for an index, a mail or a
/// thumbnail.
///
/// Changes of one record that come meanwhile put it off, ten times as long at most; those of other records do not. The
/// work gets the id of the record, or `None` after a call without one. Calls do not wait for it, and its error is logged.
/// When the app stops it runs at once, and the shutdown waits for it. Past 10,000 records at the same time, the work for
/// further ones runs at once.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use std::time::Duration;
///
/// use feathers::hook::debounce;
/// use feathers::{App, AppHandle, Document, Id, Memory};
///
/// let mut app = App::new();
/// app.service("pages", Memory::<Document>::new()).after(
///     ["create", "patch"],
///     debounce(Duration::from_secs(5), async |app: AppHandle, id: Option<Id>| {
///         app.service("search")?.create(serde_json::json!({ "page": id }), ()).await?;
///         Ok(())
///     }),
/// );
/// ```
pub fn debounce<F, Fut>(quiet: Duration, work: F) -> Debounce
where
    F: Fn(AppHandle, Option<Id>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let work: Work = Arc::new(move |app, id| work(app, id).boxed());
    Debounce { quiet, work, waiting: Arc::default() }
}

type Work = Arc<dyn Fn(AppHandle, Option<Id>) -> BoxFuture<'static, Result<()>> + Send + Sync>;

/// Until when the work for each record waits: until then, and at most until the second.
type Waiting = Mutex<HashMap<Option<Id>, (Instant, Instant)>>;

/// The hook that [`debounce`] makes.
#[derive(Clone)]
pub struct Debounce {
    quiet: Duration,
    work: Work,
    waiting: Arc<Waiting>,
}

impl fmt::Debug for Debounce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debounce").field("quiet", &self.quiet).finish_non_exhaustive()
    }
}

impl Debounce {
    fn lock(&self) -> MutexGuard<'_, HashMap<Option<Id>, (Instant, Instant)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a change, and tells whether its work has to be begun.
    #[expect(clippy::ref_option, reason = "it is a key of the table")]
    fn note(&self, id: &Option<Id>) -> bool {
        let now = Instant::now();
        let mut waiting = self.lock();
        if let Some((until, most)) = waiting.get_mut(id) {
            *until = (now + self.quiet).min(*most);
            return false;
        }
        if waiting.len() < WAITING {
            waiting.insert(id.clone(), (now + self.quiet, now + self.quiet * 10));
        }
        true
    }

    /// Returns how long the work still waits; it no longer waits once it has begun.
    #[expect(clippy::ref_option, reason = "it is a key of the table")]
    fn begin(&self, id: &Option<Id>, now: bool) -> Option<Instant> {
        let mut waiting = self.lock();
        let until = waiting.get(id).map(|(until, _)| *until).filter(|until| !now && *until > Instant::now());
        if until.is_none() {
            waiting.remove(id);
        }
        until
    }

    async fn run_later(self, app: AppHandle, id: Option<Id>) {
        let mut stopping = app.is_stopping();
        while let Some(until) = self.begin(&id, stopping) {
            stopping = tokio::time::timeout_at(until, app.stopping()).await.is_ok();
        }
        if let Err(error) = (self.work)(app, id).await {
            tracing::error!(?error, "work after a change has failed");
        }
    }
}

#[async_trait]
impl Hook for Debounce {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        let id = match (&ctx.id, ctx.method(), &ctx.result) {
            (None, Method::Create, Some(made)) => {
                let field = ctx.service().schema().map_or("id", |schema| schema.id);
                made.value()?.get(field).and_then(|id| Id::from_json(id).ok().flatten())
            }
            (id, ..) => id.clone(),
        };
        if self.note(&id) {
            let app = ctx.app().detached();
            app.spawn(self.clone().run_later(app.clone(), id));
        }
        Ok(())
    }
}
