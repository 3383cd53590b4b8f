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
    pub(crate) fn new(path: Arc<str>, name: Arc<str>, payload: Payload, channels: Vec<Channel>) -> Arc<Self> {
        let targets: SmallVec<[Target; 1]> = channels.into_iter().map(Target::new).collect();
        let own = targets.iter().filter_map(|target| target.body.as_deref()).map(Body::payload);
        let size = own.chain([&payload]).map(|payload| payload.to_bytes().map_or(0, |json| json.len())).sum();
        Arc::new(Self { seq: 0, path, name, body: Body::new(payload), targets, size })
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
        let data = self.body.payload.to_bytes().ok()?;
        Some(Entry { key: rand::random(), path: self.path.clone(), event: self.name.clone(), data, targets })
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
    fn new(mut channel: Channel) -> Self {
        let body = channel.take_payload().map(Body::new).map(Box::new);
        Self { channel, body }
    }

    fn to_entry(&self) -> Option<EntryTarget> {
        let data = match &self.body {
            Some(body) => Some(body.payload.to_bytes().ok()?),
            None => None,
        };
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

/// A payload and its frames, one per wire format, each made once and shared.
#[derive(Debug)]
pub(crate) struct Body {
    payload: Payload,
    frames: [OnceLock<Bytes>; FRAMES],
}

const FRAMES: usize = 8;

impl Body {
    fn new(payload: Payload) -> Self {
        Self { payload, frames: [const { OnceLock::new() }; FRAMES] }
    }

    pub(crate) fn payload(&self) -> &Payload {
        &self.payload
    }

    pub(crate) fn frame(&self, key: &FrameKey, encode: impl FnOnce(&Payload) -> Result<Bytes>) -> Result<Bytes> {
        let Some(slot) = self.frames.get(key.index()) else { return encode(&self.payload) };
        if let Some(frame) = slot.get() {
            return Ok(frame.clone());
        }
        let frame = encode(&self.payload)?;
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
