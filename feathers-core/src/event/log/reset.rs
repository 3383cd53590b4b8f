//! Resets and starts: what a reconnecting client asks for, and what it gets when it cannot go on from there.

use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::cursor::{Cursor, Epoch};
use crate::data::error::{Error, Result};

/// Why a client has to read everything again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetReason {
    /// The cursor is of another log: the server was restarted.
    Epoch,
    /// What was missed is no longer kept.
    Trimmed,
    /// The cursor is ahead of the log.
    Future,
    /// More was missed than may be replayed.
    Limit,
    /// The client has read too slowly, and its place is no longer kept.
    Lagged,
    /// The cursor cannot be read.
    BadCursor,
    /// The user of the client, or what that user had a right to, may have changed since the cursor.
    Principal,
}

impl ResetReason {
    /// Returns the word that clients see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Trimmed => "trimmed",
            Self::Future => "future",
            Self::Limit => "limit",
            Self::Lagged => "lagged",
            Self::BadCursor => "bad-cursor",
            Self::Principal => "principal",
        }
    }
}

impl Serialize for ResetReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The notice that continuity has ended: the client reads its lists again and goes on from the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reset {
    /// Why.
    pub reason: ResetReason,
    /// From where delivery goes on.
    pub cursor: Cursor,
    /// The oldest place that could be resumed from, where that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Cursor>,
}

/// From where a client wants events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Since {
    /// From now on.
    #[default]
    Now,
    /// Everything that is kept.
    Earliest,
    /// Everything after this place.
    Cursor(Cursor),
    /// A cursor that cannot be read, on a transport that can only say so in-band.
    Unreadable,
}

impl Since {
    /// Chooses among several positions that a client names at once; `None` if it names none.
    ///
    /// The newest cursor of the log with this epoch counts. Cursors of other epochs count only where there is none: the
    /// client then gets a reset, unless the log goes on with the numbers of that epoch. `now` and `earliest` are for a client without a cursor, and come last.
    /// One that cannot be read is an error whatever else there is.
    pub fn newest(positions: impl IntoIterator<Item = Self>, epoch: Epoch) -> Option<Self> {
        let rank = |since: &Self| match since {
            Self::Now => (0, 0),
            Self::Earliest => (1, 0),
            Self::Cursor(cursor) if cursor.epoch() != epoch => (2, cursor.seq()),
            Self::Cursor(cursor) => (3, cursor.seq()),
            Self::Unreadable => (4, 0),
        };
        positions.into_iter().reduce(|best, next| if rank(&next) > rank(&best) { next } else { best })
    }
}

/// `now`, `earliest` or a cursor; anything else is a 400.
impl FromStr for Since {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "now" => Ok(Self::Now),
            "earliest" => Ok(Self::Earliest),
            cursor => cursor.parse().map(Self::Cursor),
        }
    }
}
