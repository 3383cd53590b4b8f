//! The checker: writers, readers on every transport, faults, and then the question whether anything was missed.
//!
//! A server runs as a process of its own. Writers change records over all transports at once and note what became of
//! each call. Readers speak the wire formats themselves, without the framework's code, and note everything that they
//! receive. A seeded nemesis cuts, delays, swallows and stops them, and restarts the server. In the end the histories
//! are compared: every reader must have seen the log, in order and once each, or have got a reset that is true.
//!
//! With `--pushpin` the readers are behind a proxy that holds them, which is broken and restarted as well, and some of
//! what is published to it is lost.
//!
//! The checker is checked too: [`prove()`] breaks the stream on purpose, in one way after the other, and each must be
//! found.

mod collect;
mod control;
mod history;
mod link;
mod nemesis;
mod options;
mod process;
mod prove;
mod pushpin;
mod reader;
mod report;
mod run;
mod sabotage;
mod serve;
mod stage;
mod verify;
mod writer;

pub use self::options::{Options, USAGE};
pub use self::prove::prove;
pub use self::reader::read;
pub use self::report::Report;
pub use self::run::run;
pub use self::sabotage::Sabotage;
pub use self::serve::serve;
