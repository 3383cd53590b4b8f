//! The event log: the place of each event in one order, and what a client that was away can have of the past.
//!
//! The log keeps the newest events, as many as its [`Retention`] says. A client that comes back names its [`Cursor`] and
//! gets what it has missed, or a [`Reset`] with the reason why it cannot.
//! Processes that share a log do so through a [`LogEngine`], and know who was in a channel from a
//! [`MembershipHistory`].

pub use crate::{
    Cursor, CursorText, Departure, Entry, EntryTarget, Epoch, EventLog, Follower, ForAudience, Interest, LogBounds,
    LogEngine, LogItem, LogRead, LoggedEvent, MembershipHistory, PastEpoch, RecentMemberships, ReplayStart, Replayable,
    Reset, ResetReason, Retention, Since,
};
