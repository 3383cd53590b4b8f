//! The macros: records and services as their users and their clients see them.
#![allow(clippy::unwrap_used, reason = "tests")]
#![deny(warnings)]

mod access;
mod arguments;
mod computed;
mod constraints;
mod derive;
mod drafts;
mod hidden;
mod hidden_in_text;
mod immutable;
mod library;
mod mount;
mod over;
mod prelude;
mod relations;
mod server_set;
mod service;
mod set;
mod texts;
#[cfg(all(feature = "chrono", feature = "jiff", feature = "rust_decimal", feature = "sqlite"))]
mod types;
mod version;
