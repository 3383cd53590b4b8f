//! Shared logs: where events go when several processes serve one app.

use std::time::Duration;

use async_trait::async_trait;

use super::cursor::{Cursor, Epoch};
use super::entry::Entry;
use super::interest::Interest;
use super::reset::ResetReason;
use crate::data::error::Result;

/// A log outside the process: a Redis stream, a `JetStream` subject, a table in a database.
///
/// Without one an app keeps its log in memory. With one every process appends what it publishes and reads what all
/// have published, so that a client goes on from its cursor on any of them.
///
/// What it promises:
/// - **Order.** Entries get numbers that grow, in the order in which they become readable: once an entry can be read,
///   none with a smaller number appears. Numbers begin above 0 and may have gaps. A number is never given twice in one
///   epoch.
/// - **Together.** The entries of one `append` stay together and in order: none of another append is between them. The
///   app never divides the events of one call among several appends.
/// - **Once.** An append that is repeated, because the result of the first one is unknown, adds no entry whose
///   [`Entry::key`] is there already.
/// - **Completeness.** A read says up to which number nothing of interest is missing. What it leaves out up to there is
///   a gap, or of no interest, for ever.
/// - **Retention.** It may forget its oldest entries. A read from before them is [`LogRead::Reset`] with
///   [`ResetReason::Trimmed`], never a silent jump.
/// - **Identity.** The epoch is changed when entries that were readable may be gone or different: a restored backup,
///   a failover to a server that lagged behind. A read with a cursor of another epoch, of an earlier one too, is
///   [`LogRead::Reset`] with [`ResetReason::Epoch`]. A log that knows how far an earlier epoch is still true says so
///   in its [`LogBounds`].
///
/// An error means that it is not there for now: the app tries again, longer and longer, and local clients wait, too,
/// since their order is that of the log.
#[async_trait]
pub trait LogEngine: Send + Sync + 'static {
    /// Returns what the log holds now.
    async fn bounds(&self) -> Result<LogBounds>;

    /// Adds entries at the end, and returns the position of each, in their order; done when other processes can read
    /// them. An entry that was there already has the position that it has had.
    async fn append(&self, entries: &[Entry]) -> Result<Vec<Cursor>>;

    /// Reads at most so many entries of interest after a position, in order. It may return more than is of interest.
    ///
    /// Where there is nothing, it says at once how far that is so: at the end of the log, up to where the reader is.
    async fn read(&self, after: Cursor, most: usize, interest: &Interest) -> Result<LogRead>;

    /// Waits until there may be something of interest after the position. It may return too early, never too late by
    /// much.
    async fn changed(&self, _after: Cursor, _interest: &Interest) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What a log holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogBounds {
    /// Which log it is.
    pub epoch: Epoch,
    /// The last number that is forgotten; 0 if nothing is forgotten yet.
    pub oldest: u64,
    /// The last number; 0 if there is none.
    pub head: u64,
    /// The epochs before this one, whose numbers go on in it.
    pub earlier: Vec<PastEpoch>,
}

/// An epoch that has ended, and whose numbers the next one has gone on with.
///
/// A client with a cursor of it goes on from there if its number is at most the last one; what it has read after that
/// is gone or different, and it gets a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PastEpoch {
    /// Which epoch.
    pub epoch: Epoch,
    /// Its last number that is still true.
    pub last: u64,
}

impl LogBounds {
    /// Says what a log holds: the number before its oldest entry, and the number of its last one.
    pub const fn new(epoch: Epoch, oldest: u64, head: u64) -> Self {
        Self { epoch, oldest, head, earlier: Vec::new() }
    }

    /// Names the epochs before this one. Those that end before the oldest entry may be left out.
    pub fn earlier(mut self, epochs: Vec<PastEpoch>) -> Self {
        self.earlier = epochs;
        self
    }
}

impl PastEpoch {
    /// Names an epoch, and its last number that is still true.
    pub const fn new(epoch: Epoch, last: u64) -> Self {
        Self { epoch, last }
    }
}

/// Returns the number of a cursor whose epoch is one of these, if it is still true.
pub(super) fn number_in(earlier: &[PastEpoch], cursor: Cursor) -> Option<u64> {
    let is_true = |past: &&PastEpoch| past.epoch == cursor.epoch() && cursor.seq() <= past.last;
    earlier.iter().find(is_true).map(|_| cursor.seq())
}

/// A part of a log, or why there is none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LogRead {
    /// The entries of interest that come next.
    #[non_exhaustive]
    Entries {
        /// The entries with their numbers, which grow.
        entries: Vec<(u64, Entry)>,
        /// Nothing of interest is missing up to here.
        up_to: u64,
    },
    /// There is no going on from this position.
    Reset(ResetReason),
}

impl LogRead {
    /// Returns entries with their numbers, and up to where nothing of interest is missing: at least the last number.
    pub const fn entries(entries: Vec<(u64, Entry)>, up_to: u64) -> Self {
        Self::Entries { entries, up_to }
    }
}
