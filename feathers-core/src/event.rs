//! Events: what has changed, for whom, and its bytes on every wire format.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::channel::Channel;
use crate::connection::Connection;
use crate::error::Result;
use crate::log::{Entry, EntryTarget};
use crate::payload::Payload;
use crate::publish::Channels;

/// A published event in the log.
#[derive(Debug)]
pub struct Event {
    seq: u64,
    path: Arc<str>,
    name: Arc<str>,
    body: Body,
    targets: SmallVec<[Target; 1]>,
    size: usize,
}

impl Event {
    /// Makes an event that has no place yet; its payloads are written here, where no lock is held.
    ///
    /// Only the text is kept: what it was made of may be large, and has long been changed when the log forgets the event.
    /// Fails only if the type's own `Serialize` does.
    pub(crate) fn new(path: Arc<str>, name: Arc<str>, payload: &Payload, channels: Channels) -> Result<Arc<Self>> {
        let targets = channels.into_iter().map(Target::new).collect::<Result<_>>()?;
        Ok(Self::assemble(path, name, payload.to_bytes()?, targets))
    }

    /// Makes an event of what a shared log has carried: valid JSON, and the channels, some with a text of their own.
    pub(crate) fn from_texts(
        path: Arc<str>,
        name: Arc<str>,
        json: Bytes,
        channels: impl Iterator<Item = (Channel, Option<Bytes>)>,
    ) -> Arc<Self> {
        let target = |(channel, own): (_, Option<Bytes>)| Target { channel, body: own.map(Body::new).map(Box::new) };
        Self::assemble(path, name, json, channels.map(target).collect())
    }

    fn assemble(path: Arc<str>, name: Arc<str>, json: Bytes, targets: SmallVec<[Target; 1]>) -> Arc<Self> {
        let own = targets.iter().filter_map(|target| target.body.as_ref()).map(|body| body.json.len());
        let size = json.len() + own.sum::<usize>();
        Arc::new(Self { seq: 0, path, name, body: Body::new(json), targets, size })
    }

    /// Returns the place in the log.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Returns the path of the service, as it is registered: `users/:userId/messages`.
    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// Returns the name: `created`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Gives the event its place.
    pub(crate) fn set_seq(self: &mut Arc<Self>, seq: u64) {
        Arc::get_mut(self).expect("an event without a place is nobody else's yet").seq = seq;
    }

    pub(crate) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Returns the form that a shared log can carry; `None` if a channel has a filter, which is code.
    pub(crate) fn to_entry(&self) -> Option<Entry> {
        let targets = self.targets.iter().map(Target::to_entry).collect::<Option<Vec<_>>>()?;
        let (path, event, data) = (self.path.clone(), self.name.clone(), self.body.json.clone());
        Some(Entry { key: rand::random(), path, event, data, targets })
    }

    /// Returns the size of the payloads in bytes, for the log's budget.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Decides whether the event is for this connection now, and returns the target that it gets it through.
    ///
    /// The first channel that lists the connection wins, as in Feathers.
    pub(crate) fn target_for(&self, connection: &Connection) -> Option<usize> {
        self.targets.iter().position(|target| target.channel.admits(connection, self.seq))
    }

    /// Returns what a target gets: its own body, or the event's.
    pub(crate) fn body(&self, target: usize) -> &Body {
        self.targets.get(target).and_then(|target| target.body.as_deref()).unwrap_or(&self.body)
    }
}

/// One channel of an event, with its own payload if the publisher gave one.
#[derive(Debug)]
pub(crate) struct Target {
    channel: Channel,
    /// Boxed, since most have none.
    body: Option<Box<Body>>,
}

impl Target {
    fn new(mut channel: Channel) -> Result<Self> {
        let own = channel.take_payload().map(|payload| payload.to_bytes()).transpose()?;
        let body = own.map(Body::new).map(Box::new);
        Ok(Self { channel, body })
    }

    fn to_entry(&self) -> Option<EntryTarget> {
        let data = self.body.as_ref().map(|body| body.json.clone());
        Some(EntryTarget { channels: self.channel.plain_names()?, data })
    }

    pub(crate) fn names(&self) -> &[Arc<str>] {
        self.channel.all_names()
    }

    pub(crate) fn is_filtered(&self) -> bool {
        self.channel.is_filtered()
    }

    pub(crate) fn announce(&self, event: &Event) {
        self.channel.announce(event.seq);
    }
}

/// The text of a payload and its frames, one per wire format, each made once and shared.
#[derive(Debug)]
pub(crate) struct Body {
    json: Bytes,
    /// Boxed when the first is made, since many an event is never sent.
    frames: OnceLock<Box<[OnceLock<Bytes>; FRAMES]>>,
}

const FRAMES: usize = 8;

impl Body {
    fn new(json: Bytes) -> Self {
        Self { json, frames: OnceLock::new() }
    }

    pub(crate) fn json(&self) -> &Bytes {
        &self.json
    }

    pub(crate) fn frame(&self, key: &FrameKey, encode: impl FnOnce() -> Result<Bytes>) -> Result<Bytes> {
        let Some(slot) = self.frames.get_or_init(Box::default).get(key.index()) else { return encode() };
        if let Some(frame) = slot.get() {
            return Ok(frame.clone());
        }
        let frame = encode()?;
        Ok(slot.get_or_init(|| frame).clone())
    }
}

/// Names a wire format, so that an event's frame in it is made once: one `static` per transport.
#[derive(Debug)]
pub struct FrameKey(OnceLock<usize>);

impl FrameKey {
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
