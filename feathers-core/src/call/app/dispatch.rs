//! Dispatch: one call through the hooks to the service, and its events out.

use std::borrow::Cow;
use std::future::Future;
use std::mem;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use crate::call::app::registry::{Mounted, PublishedEvent};
use crate::call::app::relations::Relations;
use crate::call::app::running::{Finisher, Running};
use crate::call::app::{AppHandle, ResolvedRoute};
use crate::call::context::{Context, Http};
use crate::call::method::Method;
use crate::call::params::Params;
use crate::call::publish::{Cause, Publication, change_of};
use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::event::commit::Commit;
use crate::event::connection::Connection;
use crate::event::log::Caller;

/// A call as a transport has decoded it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Where it goes.
    pub route: ResolvedRoute,
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

impl AppHandle {
    /// Runs a call: hooks, method, events.
    ///
    /// A call from outside (`params.provider` is set) reaches only the methods that clients may call.
    /// A panic in a hook or service is a 500 and affects no other call.
    /// A call that may change something is never stopped half-way: if the caller goes away it is finished in the
    /// background. Where too many are, further ones from outside are a 503.
    pub fn call(&self, call: Call) -> impl Future<Output = Result<Reply>> + Send + use<> {
        self.run(call, None)
    }

    /// Runs a call as [`AppHandle::call`] does, and keeps something until it is finished, also in the background: what
    /// its transport counts it by.
    pub fn call_holding(&self, call: Call, held: Box<dyn Send>) -> impl Future<Output = Result<Reply>> + Send + use<> {
        self.run(call, Some(held))
    }

    // The call moves to the heap before the future is made, which is small then wherever it is put.
    fn run(&self, call: Call, held: Option<Box<dyn Send>>) -> Running {
        self.begin(call, held).unwrap_or_else(Running::refused)
    }

    fn begin(&self, call: Call, held: Option<Box<dyn Send>>) -> Result<Running> {
        let Call { route, method, id, data, mut params } = call;
        params.check()?;
        if params.is_external() {
            data.vet()?;
        }
        let mounted = route.mounted();
        let chain = mounted.find_chain(&method).filter(|_| !params.is_external() || route.allows(&method));
        let Some(chain) = chain else {
            let path = mounted.path();
            return Err(Error::method_not_allowed(format!("Method '{method}' not allowed on service '{path}'")));
        };
        if params.has_rules() && mounted.access().is_some_and(|access| !access.has_rule(method.name())) {
            return Err(Error::forbidden(format!("You may not call '{method}'")));
        }
        if mounted.relations().is_some() {
            Relations::take(&mut params);
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
        // Hooks may choose another event, so the slots are taken whenever the call could publish anything.
        let is_published = |event: &str| mounted.published(event).is_some_and(PublishedEvent::has_audience);
        let cascades = || method == Method::Remove && mounted.is_referred();
        let publishes = !reads && (method.event().is_none_or(is_published) || cascades());
        let mut commit = if publishes { self.commit(&method, &data, &params)? } else { Commit::none() };
        if publishes && mounted.readers().is_some() {
            // The rules decide of the records before and after the change who sees its event.
            commit.record();
        }
        let span = tracing::debug_span!("call", service = mounted.path(), method = method.name());
        // A store tells the id that a client has chosen from one that a hook has made.
        let sent = (params.is_external()
            && (mounted.notes_sent() || method == Method::Create || mounted.access().is_some()))
        .then(|| data.clone());
        let finisher = (!reads).then(|| Finisher::new(self.clone(), mounted.clone(), address));
        // What may change something is finished past any deadline, with all that it calls.
        let app = if reads { self.clone() } else { self.detached() };
        let mut ctx = Context::new(app, route.into_mounted(), chain, (method, id, data), params, commit);
        ctx.note_sent(sent);
        Ok(Running::new(ctx, (held, logging_in), span, finisher))
    }

    /// Begins to take slots in the log for a call; a caller from outside that has too many is refused.
    fn commit(&self, method: &Method, data: &Payload, params: &Params) -> Result<Commit> {
        let caller = params.provider.map(|_| Caller::of(params.connection.as_ref(), params.address));
        if let Some(caller) = caller {
            let count = if *method == Method::Create { data.count()? } else { 1 };
            let size = || data.to_bytes().map_or(0, |json| json.len());
            self.log().admit(caller, count, size, self.caller_percent())?;
        }
        Ok(Commit::to(self.log(), caller))
    }

    /// Emits an event by hand: local listeners, then the publisher.
    pub(crate) fn emit(&self, mounted: &Arc<Mounted>, event: &str, data: Payload) {
        let published = mounted.published(event);
        let kind = mounted.kind(event, published);
        let (path, event, change) = (kind.path.clone(), kind.name.clone(), None);
        let publication = Publication { path, event, data, call: None, change };
        // What hears of it may go on for longer than the call.
        let app = self.detached();
        app.notify(mounted, &publication);
        if let Some(published) = published.filter(|event| event.has_audience()) {
            let dispatch = publication.data.clone();
            published.publish(publication, dispatch, &app, app.log().slot(None));
        }
    }

    pub(super) fn notify(&self, mounted: &Mounted, publication: &Publication) {
        for listener in mounted.listeners(&publication.event) {
            if std::panic::catch_unwind(AssertUnwindSafe(|| listener(publication, self))).is_err() {
                metrics::counter!(crate::metrics::LISTENERS_FAILED).increment(1);
                tracing::error!(path = %publication.path, event = %publication.event, "listener panicked");
            }
        }
    }
}

/// Makes the answer of a call whose hooks are over, and emits its events: one per element of a list, else one.
pub(super) fn finish_call(ctx: &mut Context, mounted: &Arc<Mounted>) -> Result<Reply> {
    let (result, dispatch) = (ctx.result.take().unwrap_or_default(), ctx.dispatch.take());
    let (http, selection) = (mem::take(&mut ctx.http), ctx.take_selection());
    let is_external = ctx.params.is_external();
    let seen = ctx.take_seen();
    let answer = |payload: Payload| {
        let payload = seen.screened(payload, mounted)?;
        let selected = match &selection {
            Some(selection) => selection.of(&payload, mounted.schema())?,
            None => payload,
        };
        let selected = seen.masked(selected, mounted)?;
        if is_external { selected.outbound(mounted.hidden()) } else { Ok(selected) }
    };
    // Custom events are emitted by hand.
    let event = ctx.event.take().filter(|event| !mounted.is_custom_event(event));
    let known = event.as_deref().and_then(|event| mounted.published(event));
    let published = known.filter(|event| event.has_audience());
    let is_heard = |event: &Cow<'_, str>| published.is_some() || mounted.listeners(event).next().is_some();
    let Some(event) = event.filter(is_heard) else {
        return Ok(Reply { result: answer(result)?, dispatch: dispatch.map(answer).transpose()?, http });
    };
    let reply = Reply { result: answer(result.clone())?, dispatch: dispatch.clone().map(answer).transpose()?, http };
    // Others may read other related records than the caller.
    let related = ctx.take_related();
    let (result, dispatch) = match &related {
        Some(related) => (related.of(&result)?, dispatch.as_ref().map(|dispatch| related.of(dispatch)).transpose()?),
        None => (result, dispatch),
    };
    // Events are of whole records, whatever the caller has selected or may see. Without that the answer is the same text,
    // and shared.
    let (safe, safe_result) = if selection.is_some() || seen.is_part() || related.is_some() {
        (dispatch.as_ref(), &result)
    } else {
        (reply.dispatch.as_ref(), &reply.result)
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
    let params = mem::take(&mut ctx.params);
    let cause = Cause::new(ctx.method().clone(), ctx.id.take(), params, result);
    let (app, kind) = (ctx.app(), mounted.kind(&event, known));
    let count = items.len();
    for (place, (data, dispatch)) in items.into_iter().enumerate() {
        let change = mounted
            .readers()
            .and_then(|readers| change_of(ctx.commit().changes(), (place, count), &data, readers.id()));
        let call = Some(cause.clone());
        let publication = Publication { path: kind.path.clone(), event: kind.name.clone(), data, call, change };
        app.notify(mounted, &publication);
        if let Some(published) = published
            && let Some(reservation) = ctx.commit().reserve(count)
        {
            published.publish(publication, dispatch, app, reservation.slot());
        }
    }
    if published.is_some() {
        // The service may have taken more slots than there are events, which would wait for them.
        ctx.commit().release();
        app.watch_log();
    }
    Ok(reply)
}
