//! The load: clients that are cheaper than any server here, all on one thread.
//!
//! General clients would be the bottleneck. These know just enough of each protocol, share one buffer for reading, and
//! keep nothing for a connection but its socket.

pub(crate) mod frame;
mod http;
mod ledger;
mod phase;
mod publisher;
mod requests;
mod subscriber;
mod wire;

pub(crate) use self::ledger::Ledger;
pub(crate) use self::phase::{Pace, Phase};
pub(crate) use self::publisher::{Posting, Publisher, message};
pub(crate) use self::requests::{Request, drive, exchange};
pub(crate) use self::subscriber::{Listeners, connect, listen};
pub(crate) use self::wire::Wire;

use crate::outcome::Outcome;

/// Runs a piece of load on the thread that calls.
pub(crate) fn run<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, work)
}
