//! Authentication as clients and attackers meet it: whole servers, real sockets, every transport.
//!
//! A test is named after its row in the list of attacks, where it has one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod access;
mod answers;
mod attacks;
mod bad_input;
mod caller;
mod canary;
mod claims;
mod client;
mod cookie;
mod endings;
mod keys;
mod limits;
mod logouts;
mod moments;
#[cfg(feature = "oauth")]
mod oauth;
mod ownership;
mod passwords;
mod races;
mod resume;
mod rights;
mod rows;
mod secrets;

mod support;
mod tokens;
mod variants;
mod writes;
