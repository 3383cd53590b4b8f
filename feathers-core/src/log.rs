//! The event log: every published event has one place in it, and readers see places in order.
//!
//! A place is reserved at the commit of the change and closed when the hooks and publishers are done: filled with the
//! event, or released. Readers see events up to the lowest place that is still open. A place that stays open for
//! [`PATIENCE`] is given up: its event goes to the end of the log instead, so that one slow publisher delays nobody
//! for longer.

mod caller;
mod cursor;
mod feed;
mod follower;
mod local;
mod reset;
mod ring;
mod shared;

use std::time::Duration;

pub(crate) use self::caller::Caller;
pub use self::cursor::{Cursor, Epoch};
pub(crate) use self::feed::{Feed, backfill};
pub use self::follower::{Audience, Followed, Follower, Published};
pub use self::local::Log;
pub(crate) use self::local::{Era, Place, Readers, Reservation};
pub use self::reset::{Reset, ResetReason, Since};
pub(crate) use self::ring::Look;
pub use self::ring::Retention;
pub use self::shared::{Bounds, Entry, EntryTarget, EventLog, Page};

/// How long a place may stay open before later events overtake it.
pub const PATIENCE: Duration = Duration::from_secs(1);
