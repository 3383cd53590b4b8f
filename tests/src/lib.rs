//! What the tests of the whole workspace share: the peer server and a small Socket.IO client.
//!
//! The peer offers the services that an original Feathers server offers in the same place, so that official clients,
//! recorded answers and parity tests can be run against it. Nothing here is part of the framework.

#![expect(
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    reason = "only tests use it: what fails here fails them"
)]

pub mod check;
pub mod client;
pub mod peer;
pub mod storm;
