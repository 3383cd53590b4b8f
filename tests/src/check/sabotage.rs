//! Sabotage: ways to break the stream, so that it shows whether the checker sees it.
//!
//! Four of them are done on the wire, to the frames of WebSockets; two are done by the server's own app.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One way to break the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A frame with an event is lost on its way to one reader.
    Drop,
    /// A frame with an event comes twice.
    Double,
    /// Two frames with events are swapped.
    Swap,
    /// A reset is not sent.
    SilentReset,
    /// The app publishes some events to no channel.
    Unpublished,
    /// The app publishes an event for a call that fails.
    Phantom,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Drop, Self::Double, Self::Swap, Self::SilentReset, Self::Unpublished, Self::Phantom];

    const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Double => "double",
            Self::Swap => "swap",
            Self::SilentReset => "silent-reset",
            Self::Unpublished => "unpublished",
            Self::Phantom => "phantom",
        }
    }
}

impl FromStr for Sabotage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|way| way.name() == text).ok_or_else(|| format!("there is no sabotage '{text}'"))
    }
}

impl fmt::Display for Sabotage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How many events go by unharmed between two that do not.
const EVERY: u64 = 40;

/// What flows from the server to one client. Everything but the frames of a WebSocket passes as it is.
#[derive(Debug)]
pub(super) struct Filter {
    way: Sabotage,
    events: Arc<AtomicU64>,
    state: State,
    waiting: Vec<u8>,
    /// The frame that goes after the next one.
    late: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    Frames,
    Other,
}

impl Filter {
    /// Filters for one connection; `events` is what all connections have seen.
    pub(super) fn new(way: Sabotage, events: Arc<AtomicU64>) -> Self {
        Self { way, events, state: State::Head, waiting: Vec::new(), late: None }
    }

    /// Takes what has come, and returns what is forwarded.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        self.waiting.extend_from_slice(bytes);
        if self.state == State::Head {
            let Some(end) = find(&self.waiting, b"\r\n\r\n") else { return out };
            self.state = if self.waiting.starts_with(b"HTTP/1.1 101") { State::Frames } else { State::Other };
            if self.state == State::Frames {
                out.extend(self.waiting.drain(..end + 4));
            }
        }
        if self.state == State::Other {
            out.append(&mut self.waiting);
            return out;
        }
        while let Some(length) = frame_length(&self.waiting) {
            let frame: Vec<u8> = self.waiting.drain(..length).collect();
            self.frame(frame, &mut out);
        }
        out
    }

    fn frame(&mut self, frame: Vec<u8>, out: &mut Vec<u8>) {
        let has = |text: &str| find(&frame, text.as_bytes()).is_some();
        let event = has("42[\"items ") || has("\"$event\"");
        let reset = has("42[\"reset\"") || has("\"$reset\"");
        let chosen = event && self.events.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1;
        match self.way {
            Sabotage::Drop if chosen => {}
            Sabotage::SilentReset if reset => {}
            Sabotage::Double if chosen => out.extend(frame.repeat(2)),
            Sabotage::Swap if chosen && self.late.is_none() => self.late = Some(frame),
            _ => {
                out.extend(frame);
                if event && let Some(late) = self.late.take() {
                    out.extend(late);
                }
            }
        }
    }
}

/// Returns the length of the first frame, if all of it is there. The frames of a server have no mask.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let (head, length) = match *bytes.get(1)? & 0x7F {
        126 => (4, u64::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, u64::from(short)),
    };
    let whole = head + usize::try_from(length).ok()?;
    (bytes.len() >= whole).then_some(whole)
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
