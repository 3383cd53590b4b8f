//! Dispatch: one call through the hooks to the service, and its events out.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::mem;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use smallvec::{SmallVec, smallvec};
use tracing::Instrument;

use crate::app::caller::without_caller;
use crate::app::registry::Mounted;
use crate::app::{Handle, Route};
use crate::blocking;
use crate::commit::Commit;
use crate::connection::{Connection, LoggingIn};
use crate::context::{Context, Http};
use crate::error::{Error, Result};
use crate::guard::outbound_error;
use crate::hook::run_levels;
use crate::id::Id;
use crate::log::Caller;
use crate::method::Method;
use crate::params::Params;
use crate::payload::Payload;
use crate::publish::{Cause, Publication};

/// A call as a transport has decoded it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where it goes.
    pub route: Route,
    /// The method.
    pub method: Method,
    /// The id, for methods that have one.
    pub id: Option<Id>,
    /// The data; `null` where there is none.
    pub data: Payload,
    /// Everything else. The values of placeholders are added from the route.
    pub params: Params,
}

/// The answer to a call, for a transport to encode.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply {
    /// The result.
    pub result: Payload,
    /// What clients get instead, if a hook has set it.
    pub dispatch: Option<Payload>,
    /// How the reply looks over HTTP.
    pub http: Http,
}

impl Reply {
    /// Returns what an HTTP client gets: the dispatch if it is set, even to `null`.
    pub fn body(&self) -> &Payload {
        self.dispatch.as_ref().unwrap_or(&self.result)
    }

    /// Returns what a socket client gets: the dispatch if it is set and not falsy, as in Feathers.
    pub fn ack(&self) -> &Payload {
        self.dispatch.as_ref().filter(|dispatch| !dispatch.is_falsy()).unwrap_or(&self.result)
    }
}

impl Handle {
    /// Runs a call: hooks, method, events.
    ///
    /// A call from outside (`params.provider` is set) reaches only the methods that clients may call.
    /// A panic in a hook or service is a 500 and harms nobody else.
    /// A call that may change something is never stopped half-way: if the caller goes away it is finished in the
    /// background. Where too many are, further ones from outside are a 503.
    pub fn call(&self, call: Call) -> impl Future<Output = Result<Reply>> + Send + use<> {
        self.run(call, None)
    }

    /// Runs a call as [`Handle::call`] does, and keeps something until it is finished, also in the background: what its
    /// transport counts it by.
    pub fn call_holding(&self, call: Call, held: Box<dyn Send>) -> impl Future<Output = Result<Reply>> + Send + use<> {
        self.run(call, Some(held))
    }

    fn run(&self, call: Call, held: Option<Box<dyn Send>>) -> impl Future<Output = Result<Reply>> + Send + use<> {
        // The call moves to the heap before the future is made, which is small then wherever it is put.
        let begun = self.begin(call, held);
        async move { begun?.await.unwrap_or_else(|_| Err(panicked())) }
    }

    fn begin(&self, call: Call, held: Option<Box<dyn Send>>) -> Result<Running> {
        let Call { route, method, id, data, mut params } = call;
        params.check()?;
        if params.is_external() {
            data.vet()?;
        }
        let mounted = route.mounted();
        let denied = params.is_external() && !route.allows(&method);
        if denied || mounted.chain(&method).is_none() {
            let path = mounted.path();
            return Err(Error::method_not_allowed(format!("Method '{method}' not allowed on service '{path}'")));
        }
        params.connection = params.connection.map(Connection::for_call);
        if params.is_external()
            && let Some(refusal) = params.connection.as_ref().and_then(Connection::refusal)
        {
            return Err(refusal);
        }
        let reads = matches!(method, Method::Find | Method::Get);
        let address = params.address;
        if !reads && params.is_external() {
            self.check_abandoned(address)?;
        }
        let logging_in = match &params.connection {
            Some(connection) if self.authentication_path() == Some(mounted.path()) => Some(connection.log_in()),
            Some(connection) => {
                connection.expect_no_login();
                None
            }
            None => None,
        };
        if route.params() != &params.route {
            for (name, value) in route.params().iter() {
                params.route.set(name, value);
            }
        }
        // Hooks may choose another event, so the places are taken whenever the call could publish anything.
        let publishes = !reads && method.event().is_none_or(|event| mounted.publisher(event).is_some());
        let commit = if publishes { self.commit(&method, &data, &params)? } else { Commit::none() };
        let span = tracing::debug_span!("call", service = mounted.path(), method = method.name());
        // A store tells the id that a client has chosen from one that a hook has made.
        let notes_sent = params.is_external() && (mounted.notes_sent() || method == Method::Create);
        let sent = notes_sent.then(|| data.to_bytes()).transpose()?;
        let mut ctx = Box::new(Context::new(self.clone(), mounted.clone(), method, id, data, params, commit));
        if let Some(sent) = sent {
            ctx.note_sent(sent);
        }
        // A span that nobody records costs nothing more.
        let work: BoxFuture<'static, _> = if span.is_disabled() {
            Box::pin(AssertUnwindSafe(through_hooks(ctx)).catch_unwind())
        } else {
            Box::pin(AssertUnwindSafe(through_hooks(ctx).instrument(span)).catch_unwind())
        };
        let finisher = (!reads).then(|| self.clone());
        let path = mounted.shared_path().clone();
        let began = tokio::time::Instant::now();
        Ok(Running { work: Some(work), finisher, path, began, address, held, _logging_in: logging_in })
    }

    /// Begins to take places in the log for a call; a caller from outside who has too many is refused.
    fn commit(&self, method: &Method, data: &Payload, params: &Params) -> Result<Commit> {
        let caller = Caller::of(params);
        if let Some(caller) = caller {
            let count = if *method == Method::Create { data.count()? } else { 1 };
            let size = || data.to_bytes().map_or(0, |json| json.len());
            self.log().admit(caller, count, size, self.caller_percent())?;
        }
        Ok(Commit::to(self.log(), caller))
    }

    /// Emits an event by hand: local listeners, then the publisher.
    pub(crate) fn emit(&self, mounted: &Arc<Mounted>, event: &str, data: Payload) {
        let kind = mounted.kind(event);
        let publication = Publication { path: kind.path.clone(), event: kind.name.clone(), data, call: None };
        self.notify(mounted, &publication);
        if let Some(publisher) = mounted.publisher(event) {
            let dispatch = publication.data.clone();
            publisher.publish(kind, publication, dispatch, self, self.log().place(None));
        }
    }

    fn notify(&self, mounted: &Mounted, publication: &Publication) {
        for listener in mounted.listeners(&publication.event) {
            if std::panic::catch_unwind(AssertUnwindSafe(|| listener(publication, self))).is_err() {
                metrics::counter!("feathers_listeners_failed_total").increment(1);
                tracing::error!(path = %publication.path, event = %publication.event, "listener panicked");
            }
        }
    }

    /// Emits the events of a successful call: one per element of a list, else one.
    fn emit_result(&self, mounted: &Arc<Mounted>, ctx: &mut Context) -> Result<Reply> {
        let (result, dispatch) = (ctx.result.take().unwrap_or_default(), ctx.dispatch.take());
        let selection = ctx.take_selection();
        let is_external = ctx.params.is_external();
        let answer = |payload: &Payload| {
            let selected = selection.as_ref().map(|selection| selection.of(payload, mounted.schema())).transpose()?;
            let selected = selected.as_ref().unwrap_or(payload);
            if is_external { selected.outbound(mounted.hidden()) } else { Ok(selected.clone()) }
        };
        let http = mem::take(&mut ctx.http);
        let reply = Reply { result: answer(&result)?, dispatch: dispatch.as_ref().map(answer).transpose()?, http };
        let Some(event) = ctx.event.as_deref() else { return Ok(reply) };
        if mounted.is_custom_event(event) {
            return Ok(reply);
        }
        let publisher = mounted.publisher(event);
        if publisher.is_none() && mounted.listeners(event).next().is_none() {
            return Ok(reply);
        }
        let kind = mounted.kind(event);
        // Events are of whole records, whatever the caller has selected. Without a selection the answer is the same
        // text, and shared.
        let (safe, safe_result) = match &selection {
            Some(_) => (dispatch.as_ref(), &result),
            None => (reply.dispatch.as_ref(), &reply.result),
        };
        let items: SmallVec<[_; 1]> = if let Some(items) = result.items()? {
            let safe = match safe.map(Payload::items).transpose()?.flatten() {
                Some(safe) if safe.len() == items.len() => safe,
                _ => safe_result.items()?.unwrap_or_default(),
            };
            items.into_iter().zip(safe).collect()
        } else {
            let safe = safe.filter(|dispatch| !dispatch.is_falsy()).unwrap_or(safe_result).clone();
            smallvec![(result.clone(), safe)]
        };
        let commit = ctx.commit().clone();
        let params = mem::take(&mut ctx.params);
        let cause = Cause::new(ctx.method().clone(), ctx.id.take(), params, result);
        let count = items.len();
        for (data, dispatch) in items {
            let publication =
                Publication { path: kind.path.clone(), event: kind.name.clone(), data, call: Some(cause.clone()) };
            self.notify(mounted, &publication);
            if let Some(publisher) = publisher
                && let Some(places) = commit.places(count)
            {
                publisher.publish(kind.clone(), publication, dispatch, self, places.place());
            }
        }
        if publisher.is_some() {
            self.watch_log();
        }
        Ok(reply)
    }
}

async fn through_hooks(mut ctx: Box<Context>) -> Result<Reply> {
    let started = Instant::now();
    let mounted = ctx.service().clone();
    let is_external = ctx.params.is_external();
    let Some(chain) = mounted.chain(ctx.method()) else { return Err(Error::method_not_allowed("no such method")) };
    let result = match run_levels(&mut ctx, &chain.levels).await {
        Ok(()) => ctx.app().clone().emit_result(&mounted, &mut ctx),
        Err(error) => Err(error),
    };
    chain.meters(mounted.shared_path(), ctx.method()).record(result.is_ok(), started.elapsed());
    if let Err(error) = &result
        && error.code() >= 500
    {
        tracing::error!(service = mounted.path(), method = ctx.method().name(), ?error, "call failed");
    }
    if is_external { result.map_err(outbound_error) } else { result }
}

fn panicked() -> Error {
    tracing::error!("a hook or service panicked");
    Error::internal("panic in a hook or service")
}

/// A call under way.
struct Running {
    work: Option<BoxFuture<'static, Caught>>,
    /// Who finishes it when its caller goes away, if it may change something.
    finisher: Option<Handle>,
    path: Arc<str>,
    began: tokio::time::Instant,
    address: Option<IpAddr>,
    /// What is kept until it is finished.
    held: Option<Box<dyn Send>>,
    _logging_in: Option<LoggingIn>,
}

/// What a call has come to; `Err` is a panic.
type Caught = std::thread::Result<Result<Reply>>;

impl Future for Running {
    type Output = Caught;

    fn poll(mut self: Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        let Self { work, path, .. } = &mut *self;
        let Some(work) = work else { return Poll::Ready(Ok(Err(Error::general("the call is over")))) };
        let result = std::task::ready!(blocking::watch(path, || work.as_mut().poll(cx)));
        self.work = None;
        Poll::Ready(result)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let (Some(work), Some(app)) = (self.work.take(), &self.finisher) {
            let work = Box::pin(without_caller(work));
            let kept = (app.abandon(self.address), self.held.take());
            let finished = finish(work, self.began + app.call_limit(), self.path.clone());
            app.spawn(finished.map(move |()| drop(kept)));
        }
    }
}

/// Finishes a call whose caller has gone. A hook that waits past the time of calls is given up; the method never is.
async fn finish(mut work: BoxFuture<'static, Caught>, until: tokio::time::Instant, path: Arc<str>) {
    let mut time = pin!(tokio::time::sleep_until(until));
    let mut poll = |cx: &mut std::task::Context<'_>| {
        METHOD_WAITS.set(false);
        if work.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        // Polled in any case, so that it wakes this task.
        let is_late = time.as_mut().poll(cx).is_ready();
        if is_late && !METHOD_WAITS.get() { Poll::Ready(false) } else { Poll::Pending }
    };
    if !poll_fn(&mut poll).await {
        metrics::counter!("feathers_calls_given_up_total").increment(1);
        tracing::error!(%path, "a hook waited for longer than calls may take, and the call is given up");
    }
}

thread_local! {
    /// Whether what was polled last on this thread waits in a method, and not in a hook.
    static METHOD_WAITS: Cell<bool> = const { Cell::new(false) };
}

/// Runs a method, and notes where it waits.
pub(crate) async fn in_method<T>(method: impl Future<Output = T>) -> T {
    let mut method = pin!(method);
    poll_fn(|cx| {
        let polled = method.as_mut().poll(cx);
        if polled.is_pending() {
            METHOD_WAITS.set(true);
        }
        polled
    })
    .await
}
