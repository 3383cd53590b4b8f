//! Presence: which users have a connection.
//!
//! [`App::presence`](crate::App::presence) mounts the service. Where several processes serve an app, they count
//! connections in one place through a [`PresenceEngine`].

pub use crate::presence::{LocalPresence, PresenceBuilder, PresenceEngine, PresenceEvent, Seat, Tell};
