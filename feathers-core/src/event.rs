//! Events: what has changed, for whom, and its bytes on every wire format.

pub(crate) mod change;
pub(crate) mod channel;
pub(crate) mod commit;
pub(crate) mod commit_probe;
pub(crate) mod connection;
pub(crate) mod credentials;
pub(crate) mod headers;
pub(crate) mod log;
pub(crate) mod membership;
pub(crate) mod provider;
mod recent_name;
pub(crate) mod secret_headers;
pub(crate) mod store_id;
pub(crate) mod subscription;
pub(crate) mod visibility;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::data::error::Result;
use crate::data::payload::Payload;
use crate::event::channel::{Channel, Channels, Filter, Names};
use crate::event::connection::Connection;
use crate::event::log::{Entry, EntryTarget};
use crate::event::visibility::{Guard, Readers, View};

/// A published event in the log.
///
/// Thousands are kept, most of them never read again: it is small, and what many events have alike is shared. What is
/// looked at when it is forgotten comes first, since it has long left the caches then: one allocation, two cache lines.
#[derive(Debug)]
#[repr(C)]
pub struct Event {
    seq: u64,
    kind: Arc<EventKind>,
    targets: SmallVec<[Target; 1]>,
    body: Body,
}

/// What all events of one name of a service have alike.
#[derive(Debug)]
pub(crate) struct EventKind {
    /// The path of the service, as it is registered: `users/:userId/messages`, or `/` for the one at the root.
    pub(crate) path: Arc<str>,
    /// The name: `created`.
    pub(crate) name: Arc<str>,
    /// The fields of the service's records that never leave the server.
    pub(crate) hidden: Arc<[Arc<str>]>,
    /// Who may read the service, if it has rules.
    pub(crate) readers: Option<Arc<Readers>>,
}

/// Through which of its targets a connection gets an event, and what it gets.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) target: usize,
    /// `None` is the event as it is.
    pub(crate) view: Option<Arc<View>>,
}

impl EventKind {
    /// Names an event of the service at a path. Feathers calls the root `/`, and its clients listen to `/ created`.
    pub(crate) fn new(path: &Arc<str>, name: Arc<str>, hidden: Arc<[Arc<str>]>) -> Self {
        let path = if path.is_empty() { "/".into() } else { path.clone() };
        Self { path, name, hidden, readers: None }
    }

    /// Says who may read the service.
    pub(crate) fn readers(self, readers: Option<Arc<Readers>>) -> Self {
        Self { readers, ..self }
    }
}

impl Event {
    /// Makes an event that has no place yet; its payloads are written here, where no lock is held, and without what is
    /// hidden.
    ///
    /// Only the text is kept: what it was made of may be large, and has long been changed when the log forgets the
    /// event. Fails only if the type's own `Serialize` does.
    pub(crate) fn new(kind: Arc<EventKind>, payload: &Payload, channels: Channels) -> Result<Arc<Self>> {
        let body = |payload: &Payload| {
            let leaving = payload.clone().outbound(&kind.hidden)?;
            Ok(Body::new(Text::of(leaving.json()?)))
        };
        let mut targets = SmallVec::with_capacity(channels.len());
        for channel in channels {
            targets.push(Target::new(channel, payload, body)?);
        }
        let body = body(payload)?;
        Ok(Arc::new(Self { seq: 0, kind, targets, body }))
    }

    /// Makes an event of what a shared log has carried: valid JSON, and the channels, some with a text of their own.
    pub(crate) fn from_texts(
        kind: EventKind,
        json: &Bytes,
        channels: impl Iterator<Item = (Channel, Option<Bytes>)>,
    ) -> Arc<Self> {
        let target = |(channel, own): (Channel, Option<Bytes>)| {
            let names = channel.into_names();
            Target { names, own: Own::new(Vec::new(), own.map(|json| Body::new(Text::of(&json)))) }
        };
        let (targets, body) = (channels.map(target).collect(), Body::new(Text::of(json)));
        Arc::new(Self { seq: 0, kind: Arc::new(kind), targets, body })
    }

    /// Returns the place in the log.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns the path of the service, as it is registered: `users/:userId/messages`, or `/` for the one at the root.
    pub fn path(&self) -> &Arc<str> {
        &self.kind.path
    }

    /// Returns the name: `created`.
    pub fn name(&self) -> &Arc<str> {
        &self.kind.name
    }

    /// Gives the event its place.
    pub(crate) fn set_seq(self: &mut Arc<Self>, seq: u64) {
        Arc::get_mut(self).expect("an event without a place is nobody else's yet").seq = seq;
    }

    /// Returns the names of all channels that the event is for.
    pub(crate) fn channels(&self) -> impl Iterator<Item = &Arc<str>> {
        self.targets.iter().flat_map(|target| &target.names)
    }

    /// Tells whether it is for all members of one channel, and for nothing else.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(&self.targets[..], [target] if target.names.len() == 1 && !target.is_filtered() && target.guard().is_none())
    }

    /// Returns the form that a shared log can carry; `None` if a channel has a filter, which is code.
    pub(crate) fn to_entry(&self) -> Option<Entry> {
        let targets = self.targets.iter().map(Target::to_entry).collect::<Option<Vec<_>>>()?;
        Some(Entry::new(self.path().clone(), self.name().clone(), self.body.to_bytes()).targets(targets))
    }

    /// Returns the size of the payloads in bytes, for the log's budget.
    pub(crate) fn size(&self) -> usize {
        let own = self.targets.iter().filter_map(Target::body).map(|body| body.json().len());
        let images = self.guard().map_or(0, |guard| guard.guarded().images());
        self.body.json().len() * (1 + images) + own.sum::<usize>()
    }

    /// Decides whether the event is for this connection now, and returns the target that it gets it through.
    ///
    /// The first channel that lists the connection wins, as in Feathers.
    pub(crate) fn target_for(&self, connection: &Connection) -> Option<Seen> {
        if self.kind.readers.is_some() {
            return self.sight_for(connection);
        }
        let target = self.targets.iter().position(|target| target.admits(connection, self.seq))?;
        Some(Seen { target, view: None })
    }

    /// Tells whether the event is kept back from this connection, and its client may count on it.
    pub(crate) fn is_kept_back(&self, connection: &Connection) -> bool {
        let keeps_back = |(number, target): (usize, &Target)| match target.guard() {
            Some(_) => target.keeps_back_guarded(self, number, connection),
            None => target.keeps_back(connection, self.seq),
        };
        self.targets.iter().enumerate().any(keeps_back) && self.target_for(connection).is_none()
    }

    /// Returns what a target gets: its own body, or the event's.
    pub(crate) fn body(&self, target: usize) -> &Body {
        self.targets.get(target).and_then(Target::body).unwrap_or(&self.body)
    }
}

/// One channel of an event.
#[derive(Debug)]
pub(crate) struct Target {
    names: Names,
    /// Boxed, since most have nothing of their own.
    own: Option<Box<Own>>,
}

/// What a channel has besides its names: filters, a payload if the publisher gave one, and the rules of the service.
struct Own {
    filters: Vec<Filter>,
    body: Option<Body>,
    guard: Option<Guard>,
}

impl Own {
    fn new(filters: Vec<Filter>, body: Option<Body>) -> Option<Box<Self>> {
        let nothing = filters.is_empty() && body.is_none();
        (!nothing).then(|| Box::new(Self { filters, body, guard: None }))
    }

    /// Asks the filters; one that panics keeps the event back from this connection.
    fn passes(&self, connection: &Connection, channels: &[Arc<str>]) -> bool {
        let pass = |filter: &Filter| {
            catch_unwind(AssertUnwindSafe(|| filter(connection))).unwrap_or_else(|_| {
                metrics::counter!(crate::metrics::FILTERS_FAILED).increment(1);
                tracing::error!(?channels, "a filter of a channel panicked, the event is not sent");
                false
            })
        };
        self.filters.iter().all(pass)
    }
}

impl Target {
    fn new(channel: Channel, whole: &Payload, body: impl Fn(&Payload) -> Result<Body>) -> Result<Self> {
        let (names, filters, payload) = channel.into_parts(whole)?;
        let own = payload.as_ref().map(body).transpose()?;
        Ok(Self { names, own: Own::new(filters, own) })
    }

    fn to_entry(&self) -> Option<EntryTarget> {
        let channels = (!self.is_filtered()).then(|| self.names.to_vec())?;
        Some(EntryTarget::new(channels).data(self.body().map(Body::to_bytes)))
    }

    fn body(&self) -> Option<&Body> {
        self.own.as_ref()?.body.as_ref()
    }

    fn filters(&self) -> &[Filter] {
        self.own.as_ref().map_or(&[], |own| &own.filters)
    }

    /// Tells whether the event at this place is for the connection now.
    fn admits(&self, connection: &Connection, seq: u64) -> bool {
        let is_member = self.names.iter().any(|name| connection.is_member(name, seq));
        is_member && self.own.as_ref().is_none_or(|own| own.passes(connection, &self.names))
    }

    /// Tells whether the event at this place would be for the connection, if it had been a member for longer.
    fn keeps_back(&self, connection: &Connection, seq: u64) -> bool {
        self.names.iter().any(|name| connection.has_gap_at(name, seq))
            && self.own.as_ref().is_none_or(|own| own.passes(connection, &self.names))
    }

    pub(crate) fn is_filtered(&self) -> bool {
        !self.filters().is_empty()
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut own = f.debug_struct("Own");
        own.field("filters", &self.filters.len()).field("body", &self.body).field("guard", &self.guard).finish()
    }
}

/// The text of a payload and its frames, one per wire format, each made once and shared.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Body {
    /// Boxed when the first is made, since many an event is never sent.
    frames: OnceLock<Box<[OnceLock<Bytes>; FRAMES]>>,
    json: Text,
}

const FRAMES: usize = 8;

impl Body {
    fn new(json: Text) -> Self {
        Self { frames: OnceLock::new(), json }
    }

    pub(crate) fn of(json: &Bytes) -> Self {
        Self::new(Text::of(json))
    }

    pub(crate) fn json(&self) -> &[u8] {
        match &self.json {
            Text::Short(length, text) => text.get(..(*length).into()).unwrap_or_default(),
            Text::Shared(text) => text,
        }
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        match &self.json {
            Text::Short(..) => Bytes::copy_from_slice(self.json()),
            Text::Shared(text) => text.clone(),
        }
    }

    pub(crate) fn frame(&self, key: &WireFormat, encode: impl FnOnce() -> Result<Bytes>) -> Result<Bytes> {
        let Some(slot) = self.frames.get_or_init(Box::default).get(key.index()) else { return encode() };
        if let Some(frame) = slot.get() {
            return Ok(frame.clone());
        }
        let frame = encode()?;
        Ok(slot.get_or_init(|| frame).clone())
    }
}

/// The text of a payload. A short one, which most are, is in the memory of its event: nothing else is to be freed when
/// the event is forgotten, and the text of the answer to the call is the answer's own.
enum Text {
    Short(u8, [u8; SHORT]),
    Shared(Bytes),
}

/// The longest text that is in the memory of its event: as long as it can be in 192 bytes.
const SHORT: usize = 190;

impl Text {
    fn of(json: &Bytes) -> Self {
        let mut text = [0; SHORT];
        match (u8::try_from(json.len()), text.get_mut(..json.len())) {
            (Ok(length), Some(part)) => {
                part.copy_from_slice(json);
                Self::Short(length, text)
            }
            _ => Self::Shared(json.clone()),
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = match self {
            Self::Short(length, _) => (*length).into(),
            Self::Shared(text) => text.len(),
        };
        // The content may be private.
        write!(f, "Text({length} bytes)")
    }
}

/// Names a wire format, so that an event's frame in it is made once: one `static` per transport.
#[derive(Debug)]
pub struct WireFormat(OnceLock<usize>);

impl WireFormat {
    /// Makes a key.
    #[allow(clippy::new_without_default, reason = "a key is only useful as a static")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    fn index(&self) -> usize {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        *self.0.get_or_init(|| NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
