//! Histories: what a reader has received, and what a writer has done.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A cursor, taken apart by what the documentation says of it: `<epoch>-<seq>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Spot {
    pub(super) epoch: String,
    pub(super) seq: u64,
}

impl FromStr for Spot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (epoch, seq) = text.split_once('-').ok_or_else(|| format!("'{text}' is no cursor"))?;
        Ok(Self { epoch: epoch.to_owned(), seq: seq.parse().map_err(|_| format!("'{text}' is no cursor"))? })
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl fmt::Debug for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A change as an event carries it. `mark` is the unique text that the writer has put into the record; a removal has
/// none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) id: String,
    pub(super) mark: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, name, id, mark } = self;
        write!(f, "{path} {name} {id} {mark}")
    }
}

/// All records of the service, with their marks.
pub(super) type Records = BTreeMap<String, String>;

/// What happens to a reader, in the order in which it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Step {
    /// It connects, with this cursor if it has one.
    Opens { since: Option<String> },
    /// It has read all records.
    Reads { records: Records },
    /// It gets a change.
    Event { at: Spot, change: Change },
    /// It gets a position: it has got everything up to here.
    Stands { at: Spot },
    /// It gets a reset: it has missed something, and continues from here.
    Reset { reason: String, at: Spot, oldest: Option<Spot> },
    /// Its connection has ended.
    Cut { why: String },
}

/// The ways to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) enum Way {
    SocketIo,
    SocketIoPolling,
    SocketIoUpgrade,
    WebSocket,
    Sse,
    LongPoll,
    ShortPoll,
}

impl Way {
    pub(super) const ALL: [Self; 7] = [
        Self::SocketIo,
        Self::SocketIoPolling,
        Self::SocketIoUpgrade,
        Self::WebSocket,
        Self::Sse,
        Self::LongPoll,
        Self::ShortPoll,
    ];

    /// Those that a proxy holds.
    pub(super) const PROXIED: [Self; 3] = [Self::Sse, Self::LongPoll, Self::WebSocket];
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SocketIo => "socket.io ws",
            Self::SocketIoPolling => "socket.io polling",
            Self::SocketIoUpgrade => "socket.io upgrade",
            Self::WebSocket => "websocket",
            Self::Sse => "sse",
            Self::LongPoll => "long poll",
            Self::ShortPoll => "short poll",
        })
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server says that it is done.
    Done,
    /// The server says that it is not done, and why.
    Failed(String),
    /// Unknown: the answer was lost.
    Unknown(String),
}

/// One call of a writer. Times are milliseconds since the beginning of the run.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) changes: Vec<Change>,
    pub(super) outcome: Outcome,
    pub(super) at: u64,
}
