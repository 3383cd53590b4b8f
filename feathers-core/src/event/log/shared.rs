//! Shared logs: where events go when several processes serve one app.

use std::time::Duration;

use async_trait::async_trait;

use super::cursor::{Cursor, Epoch};
use super::entry::Entry;
use super::reset::ResetReason;
use crate::data::error::Result;

/// A log outside the process: a Redis stream, a `JetStream` subject, a table in a database.
///
/// Without one an app keeps its log in memory. With one every process appends what it publishes and reads what all
/// have published, so that a client goes on from its cursor on any of them.
///
/// What it promises:
/// - **Order.** Entries get sequence numbers that grow by one, in the order in which they become readable. The entries
///   of one `append` stay together and in order. A number is never given twice in one epoch.
/// - **Once.** An append that is repeated, because the result of the first one is unknown, adds no entry whose
///   [`Entry::key`] is there already.
/// - **Retention.** It may forget its oldest entries. A read from before them is [`LogRead::Reset`] with
///   [`ResetReason::Trimmed`], never a silent jump.
/// - **Identity.** The epoch is changed when entries that were readable may be gone or different: a restored backup,
///   a failover to a server that lagged behind. A read with a cursor of another epoch is [`LogRead::Reset`] with
///   [`ResetReason::Epoch`].
///
/// An error means that it is not there for now: the app tries again, longer and longer, and local clients wait, too,
/// since their order is that of the log.
#[async_trait]
pub trait LogEngine: Send + Sync + 'static {
    /// Returns what the log holds now.
    async fn bounds(&self) -> Result<LogBounds>;

    /// Adds entries at the end; done when other processes can read them.
    async fn append(&self, entries: &[Entry]) -> Result<()>;

    /// Reads at most so many entries after a position, in order; an empty page means that there are none yet.
    async fn read(&self, after: Cursor, most: usize) -> Result<LogRead>;

    /// Waits until there may be something after the position. It may return too early, never too late by much.
    async fn changed(&self, _after: Cursor) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What a log holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogBounds {
    /// Which log it is.
    pub epoch: Epoch,
    /// The number before the oldest entry; 0 if nothing is forgotten yet.
    pub oldest: u64,
    /// The number of the last entry; 0 if there is none.
    pub head: u64,
}

impl LogBounds {
    /// Says what a log holds: the number before its oldest entry, and the number of its last one.
    pub const fn new(epoch: Epoch, oldest: u64, head: u64) -> Self {
        Self { epoch, oldest, head }
    }
}

/// A part of a log, or why there is none.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LogRead {
    /// The entries with their numbers.
    Entries(Vec<(u64, Entry)>),
    /// There is no going on from this position.
    Reset(ResetReason),
}
