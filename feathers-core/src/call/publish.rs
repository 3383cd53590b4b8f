//! Publishers: which channels an event goes to.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::call::app::AppHandle;
use crate::call::method::Method;
use crate::call::params::Params;
use crate::data::error::Result;
use crate::data::id::Id;
use crate::data::payload::Payload;
use crate::data::record::Record;
use crate::event::change::Change;
use crate::event::channel::{Channels, IntoChannels};
use crate::event::log::Slot;
use crate::event::visibility::Audience;
use crate::event::{Event, EventKind};

/// An event on its way out: what publishers and listeners see.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Publication {
    /// The path of the service, as it is registered.
    pub path: Arc<str>,
    /// The name of the event.
    pub event: Arc<str>,
    /// The changed record, or the data of a custom event: all of it, whatever the caller selected and clients may see.
    pub data: Payload,
    /// The call that caused it; `None` for events emitted by hand, and for a record that went or changed with another one.
    pub call: Option<Arc<Cause>>,
    /// What the store has told of the record, where the service has rules.
    pub(crate) change: Option<Change>,
}

/// The call that caused an event.
#[derive(Debug)]
#[non_exhaustive]
pub struct Cause {
    /// The method.
    pub method: Method,
    /// The id.
    pub id: Option<Id>,
    /// The parameters, as the hooks left them.
    pub params: Params,
    /// The whole result, as `data` is; for a list it has one event per element.
    pub result: Payload,
}

impl Cause {
    pub(crate) fn new(method: Method, id: Option<Id>, params: Params, result: Payload) -> Arc<Self> {
        Arc::new(Self { method, id, params, result })
    }
}

type Sync = dyn Fn(&Publication, &AppHandle) -> Channels + Send + std::marker::Sync;
type Async = dyn Fn(Publication, AppHandle) -> BoxFuture<'static, Channels> + Send + std::marker::Sync;

/// Decides which channels an event goes to.
#[derive(Clone)]
pub(crate) enum Publisher {
    /// At once.
    Now(Arc<Sync>),
    /// After waiting for something, without holding up the call.
    Later(Arc<Async>),
}

impl Publisher {
    pub(crate) fn now<C: IntoChannels>(
        publisher: impl Fn(&Publication, &AppHandle) -> C + Send + std::marker::Sync + 'static,
    ) -> Self {
        Self::Now(Arc::new(move |publication, app| collect(publisher(publication, app))))
    }

    /// Shows the publisher the record: the one that the service has returned, or what its JSON stands for.
    pub(crate) fn of_records<R: Record, C: IntoChannels>(
        publisher: impl Fn(&R, &Publication, &AppHandle) -> C + Send + std::marker::Sync + 'static,
    ) -> Self {
        let publish =
            move |record: &R, publication: &Publication, app: &AppHandle| collect(publisher(record, publication, app));
        Self::Now(Arc::new(move |publication, app| match publication.data.downcast_ref::<R>() {
            Some(record) => publish(record, publication, app),
            None => match publication.data.decode::<R>() {
                Ok(record) => publish(&record, publication, app),
                Err(error) => {
                    tracing::debug!(?error, "what a publisher of records cannot read");
                    failed(publication, "the event's data is no record of its service, and it is not sent");
                    Channels::new()
                }
            },
        }))
    }

    pub(crate) fn later<C, Fut>(
        publisher: impl Fn(Publication, AppHandle) -> Fut + Send + std::marker::Sync + 'static,
    ) -> Self
    where
        C: IntoChannels + 'static,
        Fut: Future<Output = C> + Send + 'static,
    {
        Self::Later(Arc::new(move |publication, app| publisher(publication, app).map(collect).boxed()))
    }

    /// Resolves the channels and puts the event in its slot in the log.
    ///
    /// A panic, and a wait past the time that calls have, are counted and logged, and stop only this event.
    pub(crate) fn publish(
        &self,
        kind: Arc<EventKind>,
        publication: Publication,
        dispatch: Payload,
        app: &AppHandle,
        slot: Slot,
    ) {
        match self {
            Self::Now(publisher) => {
                let work = || finish(kind, &dispatch, publisher(&publication, app), publication.change.as_ref(), slot);
                if catch_unwind(AssertUnwindSafe(work)).is_err() {
                    failed(&publication, "publisher panicked, the event is not sent");
                }
            }
            Self::Later(publisher) => {
                let (publisher, handle, limit) = (publisher.clone(), app.clone(), app.call_limit());
                app.spawn(async move {
                    let work = async {
                        let call = publisher(publication.clone(), handle);
                        let channels = tokio::time::timeout(limit, call).await?;
                        finish(kind, &dispatch, channels, publication.change.as_ref(), slot);
                        Ok::<_, tokio::time::error::Elapsed>(())
                    };
                    match AssertUnwindSafe(work).catch_unwind().await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => failed(&publication, "publisher waited for too long, the event is not sent"),
                        Err(_) => failed(&publication, "publisher panicked, the event is not sent"),
                    }
                });
                app.watch_log();
            }
        }
    }
}

fn collect(channels: impl IntoChannels) -> Channels {
    let mut list = Channels::new();
    channels.extend_channels(&mut list);
    list
}

fn finish(kind: Arc<EventKind>, dispatch: &Payload, channels: Channels, change: Option<&Change>, slot: Slot) {
    if channels.is_empty() {
        return;
    }
    let event = match kind.readers {
        None => Event::new(kind, dispatch, channels),
        Some(_) => Event::told(&kind, dispatch, Audience::Members(channels), change, is_custom(&kind.name)),
    };
    fill(slot, event);
}

/// Puts an event of a service with rules, which has no publisher, in its slot: for all who may read it.
pub(crate) fn to_readers(kind: &Arc<EventKind>, publication: &Publication, dispatch: &Payload, slot: Slot) {
    let change = publication.change.as_ref();
    fill(slot, Event::told(kind, dispatch, Audience::Readers, change, is_custom(&kind.name)));
}

fn fill(slot: Slot, event: Result<Arc<Event>>) {
    match event {
        Ok(event) => slot.fill(event),
        Err(error) => tracing::error!(?error, "the event cannot be written and is not sent"),
    }
}

fn is_custom(event: &str) -> bool {
    !Method::STANDARD_EVENTS.contains(&event)
}

/// Returns which of the changes that a store has told is that of the record at a place, of so many.
///
/// One record is the one change. Of several, hooks may have changed the order, so that the ids count.
pub(crate) fn change_of(
    changes: &[Change],
    (place, count): (usize, usize),
    data: &Payload,
    id: &str,
) -> Option<Change> {
    if let ([change], 1) = (changes, count) {
        return Some(change.clone());
    }
    let own = data.value().ok()?.get(id).and_then(|id| Id::from_json(id).ok().flatten())?;
    let is_own = |change: &&Change| change.id().as_ref() == Some(&own);
    changes.get(place).filter(is_own).or_else(|| changes.iter().find(is_own)).cloned()
}

fn failed(publication: &Publication, what: &str) {
    metrics::counter!(crate::metrics::PUBLISHERS_FAILED).increment(1);
    tracing::error!(path = %publication.path, event = %publication.event, "{what}");
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Now",
            Self::Later(_) => "Later",
        })
    }
}

/// The publishers of a service or an app: one for all events, one for the records of a service, and one for each event
/// that has its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Publishers {
    pub(crate) all: Option<Publisher>,
    /// For the events of standard methods.
    pub(crate) records: Option<Publisher>,
    pub(crate) events: HashMap<Arc<str>, Publisher>,
}

impl Publishers {
    /// Returns the publisher for an event; one for the event comes before one for records, and that before one for all.
    pub(crate) fn publisher(&self, event: &str) -> Option<&Publisher> {
        let of_records = self.records.as_ref().filter(|_| Method::STANDARD_EVENTS.contains(&event));
        self.events.get(event).or(of_records).or(self.all.as_ref())
    }
}
