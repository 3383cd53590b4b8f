//! The event log: every published event has one slot in it, and readers see slots in order.
//!
//! A slot is reserved at the commit of the change and closed when the hooks and publishers are done: filled with the
//! event, or released. Readers see events up to the lowest slot that is still open. A slot that stays open for
//! [`EventLog::SLOT_TIMEOUT`] is given up: its event goes to the end of the log instead, so that one slow publisher
//! delays others no longer than that.

mod bridge;
mod caller;
mod cursor;
mod entry;
mod follower;
mod interest;
mod local;
mod order;
mod reset;
mod ring;
mod shared;
mod slot;

pub(crate) use self::bridge::{BridgeHost, LogBridge, backfill};
pub(crate) use self::caller::Caller;
pub use self::cursor::{Cursor, CursorText, Epoch};
pub use self::entry::{Entry, EntryTarget};
pub use self::follower::{Follower, ForAudience, LogItem, LoggedEvent};
pub use self::interest::Interest;
pub use self::local::EventLog;
pub(crate) use self::local::{Generation, Subscribers};
pub use self::reset::{Reset, ResetReason, Since};
pub(crate) use self::ring::Lookup;
pub use self::ring::Retention;
pub use self::shared::{LogBounds, LogEngine, LogRead, PastEpoch};
pub(crate) use self::slot::{Reservation, Slot};
