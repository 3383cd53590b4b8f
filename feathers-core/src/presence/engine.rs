//! Presence engines: where connections are counted, for an app that several processes serve.

use async_trait::async_trait;

use crate::data::error::Result;
use crate::data::payload::Payload;

/// Counts the connections of users: in this process, or in one place for several.
///
/// What it promises:
/// - **Once.** A user comes with the first seat, and goes with the last, whichever processes they are in.
/// - **Order.** It calls `tell` for a change before it makes the next change of the same user, so that the last event of
///   a user says whether the user is there. Between processes that holds as far as the engine waits until the log has
///   the event.
/// - **Seats.** A seat has one user: where it had another, that one leaves it first. Leaving a seat that nobody has is
///   nothing. A process that dies leaves its seats, after a time that the engine chooses.
///
/// `tell` neither waits nor calls the engine. An error is logged: no client can do anything about it.
#[async_trait]
pub trait PresenceEngine: Send + Sync + 'static {
    /// Notes that a user has taken a seat; `shown` is what others see of the user.
    ///
    /// The user is named by the subject of the connection. A user who is there already keeps the
    /// profile that was made first.
    async fn come(&self, seat: Seat, user: &str, shown: Payload, tell: Tell<'_>) -> Result<()>;

    /// Notes that a seat is left.
    async fn go(&self, seat: Seat, tell: Tell<'_>) -> Result<()>;

    /// Notes that all seats of a process are left, as it ends.
    async fn end(&self, process: u128, tell: Tell<'_>) -> Result<()>;

    /// Returns what is shown of each user who is there, those who came first first.
    async fn find(&self) -> Result<Vec<Payload>>;
}

/// What an engine calls when a user comes or goes.
pub type Tell<'a> = &'a (dyn Fn(PresenceEvent) + Send + Sync);

/// One connection of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Seat {
    /// A random number that each process has made for itself.
    pub process: u128,
    /// The number of the connection in the process.
    pub connection: u64,
}

impl Seat {
    /// Names a connection of a process.
    pub const fn new(process: u128, connection: u64) -> Self {
        Self { process, connection }
    }
}

/// A user who comes or goes, with what others see of the user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PresenceEvent {
    /// The first connection of the user is there.
    Came(Payload),
    /// The last connection of the user is gone.
    Went(Payload),
}
