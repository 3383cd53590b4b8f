//! The context of a call: what hooks read and change.

mod access;
mod inside;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use crate::call::app::{AppHandle, InEvents, Mounted, PublishedEvent, Wanted, Write, in_method, tell_others};
use crate::call::hook::{Hook, Phase, run_list};
use crate::call::method::Method;
use crate::call::params::Params;
use crate::call::service::Request;
use crate::data::error::{Error, Result};
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::data::rights::CallRights;
use crate::data::selection::Selection;
use crate::event::change::Change;
use crate::event::commit::Commit;
use crate::store::StoreContext;

/// How the reply looks over HTTP; sockets ignore it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Http {
    /// The status code instead of the usual one.
    pub status: Option<u16>,
    /// Extra headers; the values of one name are joined.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Where to go: sets `Location` and, without a status of its own, 303.
    pub location: Option<String>,
}

impl Http {
    /// Adds a header.
    ///
    /// # Errors
    /// A name or value that is no valid header: a 500.
    pub fn header(&mut self, name: &str, value: &str) -> Result<()> {
        self.headers.push((name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?));
        Ok(())
    }
}

/// What was the matter when a call failed, for error hooks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Original {
    /// The kind of hook that failed; `Around` for the method itself.
    pub phase: Phase,
    /// The result that there was already.
    pub result: Option<Payload>,
}

/// One call on its way through the hooks.
///
#[doc = include_str!("context.md")]
pub struct Context {
    app: AppHandle,
    service: Arc<Mounted>,
    method: Method,
    /// Which hooks the method has.
    chain: usize,
    phase: Phase,
    commit: Commit,
    aside: Option<Box<Aside>>,
    /// What the caller may do, where access rules count.
    rights: Option<Arc<CallRights>>,
    /// What the client has sent, before hooks changed it.
    sent: Option<Payload>,
    /// The id; `None` where the call has none.
    pub id: Option<Id>,
    /// The data; `null` where the call has none.
    pub data: Payload,
    /// Query, headers, connection.
    pub params: Params,
    /// The result, once there is one: whole records, whatever is hidden from the caller or not selected.
    pub result: Option<Payload>,
    /// What goes to clients instead of the result.
    pub dispatch: Option<Payload>,
    /// The error, in error hooks; taking it away swallows it.
    pub error: Option<Error>,
    /// The event that is emitted when the call succeeds; `None` emits none.
    pub event: Option<Cow<'static, str>>,
    /// How the reply looks over HTTP.
    pub http: Http,
}

/// What few calls have.
#[derive(Default)]
struct Aside {
    original: Option<Original>,
    /// What the caller has selected of the result; hooks see all of it.
    selection: Option<Selection>,
    deferred: Vec<Arc<dyn Hook>>,
    /// The records in the result that the caller may not read.
    unreadable: Vec<Id>,
    /// Whether no store has kept records from the result that the caller may not read.
    is_unscreened: bool,
    /// The related records of the events.
    related: Option<InEvents>,
}

impl Context {
    pub(crate) fn new(
        app: AppHandle,
        service: Arc<Mounted>,
        chain: usize,
        (method, id, data): (Method, Option<Id>, Payload),
        params: Params,
        commit: Commit,
    ) -> Self {
        let event = method.event().map(Cow::Borrowed);
        Self {
            app,
            service,
            method,
            chain,
            phase: Phase::Around,
            commit,
            aside: None,
            rights: None,
            sent: None,
            id,
            data,
            params,
            result: None,
            dispatch: None,
            error: None,
            event,
            http: Http::default(),
        }
    }

    /// Returns the app, for calls to other services. They have the deadline of this call, if it has one.
    ///
    /// Work that goes on after the call takes [`AppHandle::detached`] of it.
    pub fn app(&self) -> &AppHandle {
        &self.app
    }

    /// Returns the path of the service, as it is registered.
    pub fn path(&self) -> &str {
        self.service.path()
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the kind of hook that runs now.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Returns how things were when the call failed, in error hooks.
    pub fn original(&self) -> Option<&Original> {
        self.aside.as_ref()?.original.as_ref()
    }

    /// Emits a custom event of this service, by hand and at once.
    pub fn emit(&self, event: &str, data: impl Into<Payload>) {
        self.app.emit(&self.service, event, data.into());
    }

    /// Defers a hook to right before the method, after all other before hooks of the service and of the apps around it.
    ///
    /// It is for work that costs much and that those may still refuse. If one of them sets the result, it does not run.
    pub fn defer(&mut self, hook: impl Hook) {
        self.aside().deferred.push(Arc::new(hook));
    }

    /// Has the store hand over what the call changes, for [`Context::changes`]; to be asked before the method.
    ///
    /// It costs a store in a database one more read for each change of many, so nothing is kept unless this is asked.
    pub fn record_changes(&mut self) {
        self.commit.record();
    }

    /// Returns what the call has changed, as it was before and as it is, once the method has run.
    ///
    /// It is empty unless [`Context::record_changes`] was asked before, and where the service has no store.
    pub fn changes(&self) -> &[Change] {
        self.commit.changes()
    }

    /// Asks the service whether it would take the call with this data, without making it.
    ///
    /// # Errors
    /// Why the service would not.
    pub async fn check(&self, data: Payload) -> Result<()> {
        self.service.service().check(self.request(data)).await
    }

    fn request(&self, data: Payload) -> Request<'_> {
        let path = self.service.path();
        let store = StoreContext::NONE
            .with_commit(&self.commit)
            .with_deadline(self.app.deadline())
            .with_caller(self.params.connection.as_ref());
        Request::new(&self.app, path, &self.method, self.id.clone(), data, &self.params, store)
            .with_sent(self.sent.as_ref())
            .with_rights(self.rights.as_deref())
    }

    pub(crate) fn service(&self) -> &Arc<Mounted> {
        &self.service
    }

    pub(crate) fn chain(&self) -> usize {
        self.chain
    }

    pub(crate) fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Notes what the client has sent.
    pub(crate) fn note_sent(&mut self, data: Option<Payload>) {
        self.sent = data;
    }

    /// Returns what the caller has selected, once the hooks are over.
    pub(crate) fn take_selection(&mut self) -> Option<Selection> {
        self.aside.as_mut()?.selection.take()
    }

    /// Reads the related records of the events, if there will be any.
    pub(crate) async fn read_related(&mut self) {
        let service = self.service.clone();
        let is_heard = |event: &str| {
            service.published(event).is_some_and(PublishedEvent::has_audience)
                || service.listeners(event).next().is_some()
        };
        if let Some(relations) = service.relations()
            && self.event.as_deref().is_some_and(is_heard)
        {
            let related = relations.for_events(self).await;
            self.aside().related = related;
        }
    }

    /// Returns the related records of the events.
    pub(crate) fn take_related(&mut self) -> Option<InEvents> {
        self.aside.as_mut()?.related.take()
    }

    /// Returns what the call populates. What it may not ask for is refused before anything is changed.
    fn wanted(&mut self) -> Result<Option<Arc<[Wanted]>>> {
        let wanted = self.service.relations().map_or(Ok(None), |relations| relations.wanted(&self.params));
        wanted.map_err(|error| self.failed_in(Phase::Around, error))
    }

    /// Asks for the records that conditions through relations mean.
    async fn resolve_filters(&mut self) -> Result<()> {
        let service = self.service.clone();
        let Some(relations) = service.relations() else { return Ok(()) };
        match relations.resolve(&self.params, &self.app).await {
            Ok(Some(resolved)) => drop(self.params.insert(resolved)),
            Ok(None) => {}
            Err(error) => return Err(self.failed_in(Phase::Around, error)),
        }
        Ok(())
    }

    /// Returns the fields that the caller may not see.
    pub(crate) fn withheld(&self) -> &[Arc<str>] {
        self.rights.as_ref().map_or(&[], |rights| &rights.read.hidden)
    }

    /// Populates what the method has returned.
    async fn populated(&mut self, result: Payload, wanted: &[Wanted]) -> Result<Payload> {
        let service = self.service.clone();
        let Some(relations) = service.relations() else { return Ok(result) };
        let populated = relations.populate(self, result, wanted).await;
        populated.map_err(|error| self.failed_in(Phase::Around, error))
    }

    fn aside(&mut self) -> &mut Aside {
        self.aside.get_or_insert_default()
    }

    pub(crate) fn enter(&mut self, phase: Phase) -> Phase {
        std::mem::replace(&mut self.phase, phase)
    }

    pub(crate) fn leave(&mut self, outer: Phase) {
        self.phase = outer;
    }

    /// Calls the method, unless a hook has set the result already, and calls the write listeners.
    pub(crate) async fn run_method(&mut self) -> Result<()> {
        let mut by_hook = self.result.is_some();
        if !by_hook {
            if let Some(aside) = &mut self.aside
                && !aside.deferred.is_empty()
            {
                let hooks = std::mem::take(&mut aside.deferred);
                Box::pin(run_list(self, &hooks, Phase::Before)).await?;
            }
            // What was deferred may stand for the service.
            by_hook = self.result.is_some();
            if !by_hook {
                self.call_service().await?;
            }
        }
        self.note_unreadable(by_hook);
        if !matches!(self.method, Method::Find | Method::Get) {
            self.tell_of_write();
        }
        Ok(())
    }

    fn tell_of_write(&self) {
        let Some(result) = &self.result else { return };
        let write = Write {
            path: self.path(),
            method: &self.method,
            id: self.id.as_ref(),
            data: &self.data,
            params: &self.params,
            result,
        };
        self.service.tell_of_write(&write, &self.app);
    }

    async fn call_service(&mut self) -> Result<()> {
        let service = self.service.clone();
        if service.relations().is_some() {
            Box::pin(self.resolve_filters()).await?;
        }
        let wanted = self.wanted()?;
        let outcome = in_method(service.service().call(self.request(self.data.clone()))).await;
        if !self.commit.others().is_empty() {
            tell_others(&self.app, &self.commit, &self.params);
        }
        match outcome {
            Ok(mut result) => {
                // A store has taken the places of the events at its commit; without one this is the best moment.
                if self.commit.is_open() && self.event.is_some() {
                    self.commit.reserve(result.count()?);
                }
                if let Some(wanted) = wanted {
                    result = Box::pin(self.populated(result, &wanted)).await?;
                }
                if let Some(selection) = Selection::take(&mut result) {
                    self.aside().selection = Some(selection);
                }
                self.result = Some(result);
                Ok(())
            }
            Err(error) => Err(self.failed_in(Phase::Around, error)),
        }
    }

    /// Notes where an error came from, once.
    pub(crate) fn failed_in(&mut self, phase: Phase, error: Error) -> Error {
        if self.original().is_none() {
            self.aside().original = Some(Original { phase, result: self.result.take() });
        }
        error
    }

    pub(crate) fn set_failed(&mut self, error: Error) {
        self.error = Some(error);
        self.result = None;
    }

    /// Decides what the error hooks have made of the error.
    pub(crate) fn settle(&mut self, thrown: Option<Error>) -> Result<()> {
        let error = match (thrown, self.error.take()) {
            (Some(thrown), _) => thrown,
            (None, Some(error)) if self.result.is_none() => error,
            (None, _) => {
                self.aside().original = None;
                self.result.get_or_insert(Payload::NULL);
                return Ok(());
            }
        };
        self.result = None;
        Err(error)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("path", &self.path())
            .field("method", &self.method)
            .field("phase", &self.phase)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
