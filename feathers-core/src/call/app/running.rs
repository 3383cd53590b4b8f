//! A call under way: what waits for it, what measures it, and what finishes it when its caller goes away.

use std::cell::Cell;
use std::future::{Future, poll_fn, ready};
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context as Waker, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, Span};

use crate::call::app::caller::{caller_has_gone, without_caller};
use crate::call::app::dispatch::finish_call;
use crate::call::app::registry::Mounted;
use crate::call::app::{AppHandle, Reply};
use crate::call::blocking::Watch;
use crate::call::context::Context;
use crate::call::hook::run_levels;
use crate::call::method::Method;
use crate::data::error::{Error, Result};
use crate::data::guard::outbound_error;
use crate::event::connection::LoggingIn;

/// A call under way.
pub(super) struct Running {
    work: Option<BoxFuture<'static, Result<Reply>>>,
    /// What finishes it when its caller goes away, if it may change something.
    finisher: Option<Finisher>,
}

/// What finishes a call whose caller has gone.
pub(super) struct Finisher {
    app: AppHandle,
    service: Arc<Mounted>,
    address: Option<IpAddr>,
    began: Instant,
}

/// What is kept until a call is finished, also in the background: what its transport counts it by, and the login that
/// it is.
pub(super) type Kept = (Option<Box<dyn Send>>, Option<LoggingIn>);

impl Running {
    pub(super) fn new(ctx: Context, kept: Kept, span: Span, finisher: Option<Finisher>) -> Self {
        let work = measured(ctx, kept);
        // A span that is not recorded costs nothing more.
        let work: BoxFuture<'static, _> =
            if span.is_disabled() { Box::pin(work) } else { Box::pin(work.instrument(span)) };
        Self { work: Some(work), finisher }
    }

    /// A call that does not begin.
    pub(super) fn refused(error: Error) -> Self {
        Self { work: Some(Box::pin(ready(Err(error)))), finisher: None }
    }
}

impl Future for Running {
    type Output = Result<Reply>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Waker<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else { return Poll::Ready(Err(Error::general("the call is over"))) };
        let result = std::task::ready!(work.as_mut().poll(cx));
        self.work = None;
        Poll::Ready(result)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(work) = self.work.take()
            && let Some(finisher) = self.finisher.take()
        {
            finisher.finish(Box::pin(without_caller(work)));
        }
    }
}

impl Finisher {
    pub(super) fn new(app: AppHandle, service: Arc<Mounted>, address: Option<IpAddr>) -> Self {
        Self { app, service, address, began: Instant::now() }
    }

    fn finish(self, work: BoxFuture<'static, Result<Reply>>) {
        let Self { app, service, address, began } = self;
        let counted = app.abandon(address);
        let finished = finish(work, began + app.call_limit(), service);
        app.spawn(finished.map(move |()| drop(counted)));
    }
}

/// Runs a call, makes a panic of its hooks or its method an error, and measures it.
#[expect(clippy::manual_async_fn, reason = "the future of an async function has its arguments twice")]
fn measured(mut ctx: Context, kept: Kept) -> impl Future<Output = Result<Reply>> + Send {
    async move {
        let (ctx, _kept) = (&mut ctx, &kept);
        let mounted = ctx.service().clone();
        let is_external = ctx.params.is_external();
        let mut watch = Watch::default();
        let caught = {
            let mut work = pin!(AssertUnwindSafe(through_hooks(ctx, &mounted)).catch_unwind());
            poll_fn(|cx| watch.poll(mounted.path(), || work.as_mut().poll(cx))).await
        };
        let result = caught.unwrap_or_else(|_| Err(Error::internal("panic in a hook or service")));
        if let Some(chain) = mounted.chain(ctx.chain()) {
            chain.meters(mounted.shared_path(), ctx.method()).record(result.is_ok(), watch.time());
        }
        if let Err(error) = &result
            && error.code() >= 500
        {
            log(error, mounted.path(), ctx.method());
        }
        if is_external { result.map_err(outbound_error) } else { result }
    }
}

/// Logs a call that the server has failed. What clients can bring about by the thousand is no error of the server: load
/// that is refused, and calls that are left alone. The metrics count both.
fn log(error: &Error, service: &str, method: &Method) {
    let method = method.name();
    if error.code() == 503 && (error.retry_after().is_some() || caller_has_gone()) {
        tracing::debug!(service, method, ?error, "call refused");
    } else {
        tracing::error!(service, method, ?error, "call failed");
    }
}

async fn through_hooks(ctx: &mut Context, mounted: &Arc<Mounted>) -> Result<Reply> {
    let Some(chain) = mounted.chain(ctx.chain()) else { return Err(Error::method_not_allowed("no such method")) };
    if ctx.has_rules() {
        Box::pin(ctx.check_access()).await?;
    }
    run_levels(ctx, &chain.levels).await?;
    if mounted.relations().is_some() {
        Box::pin(ctx.read_related()).await;
    }
    finish_call(ctx, mounted)
}

/// Finishes a call whose caller has gone. A hook that waits past the time of calls is given up; the method never is.
async fn finish(mut work: BoxFuture<'static, Result<Reply>>, until: Instant, service: Arc<Mounted>) {
    let mut time = pin!(sleep_until(until));
    let mut poll = |cx: &mut Waker<'_>| {
        METHOD_WAITS.set(false);
        if work.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        // Polled in any case, so that it wakes this task.
        let is_late = time.as_mut().poll(cx).is_ready();
        if is_late && !METHOD_WAITS.get() { Poll::Ready(false) } else { Poll::Pending }
    };
    if !poll_fn(&mut poll).await {
        metrics::counter!(crate::metrics::CALLS_GIVEN_UP).increment(1);
        tracing::error!(
            path = service.path(),
            "a hook waited for longer than calls may take, and the call is given up"
        );
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
