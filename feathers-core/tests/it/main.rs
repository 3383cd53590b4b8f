//! The core: services, hooks, queries, events, and what a client reads that comes back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod authenticator;
mod cursor;
mod endings;
mod events;
mod headers;
mod hooks;
mod memory_contract;
mod presence;
mod query_evaluate;
mod query_memory;
mod query_string;
mod query_support;
mod query_typed;
mod races;
mod resume;
mod services;
mod shared_log;
mod visibility;
mod writes;
