//! The tests that need the whole workspace: house rules, parity of the transports, bad input, and the lifecycle.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking, and may say what they did")]

mod bad_input;
mod bounds;
mod compat;
mod guide;
mod lifecycle;
mod parity;
mod records;
mod server;
mod starts;
mod storm;
mod tidy;
