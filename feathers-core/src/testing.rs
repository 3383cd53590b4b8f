//! What tests need: the a client in the process, and the contract of stores with its records.
//!
//! Behind the feature `testing`. Everything here panics when an expectation fails, as tests do.

mod client;
mod log;
mod records;
pub mod store;

pub use self::client::{Client, ClientService, ReceivedEvent};
pub use self::log::SharedLog;
pub use self::records::{Note, NoteData, NotePatch, Person, PersonData, PersonPatch};
