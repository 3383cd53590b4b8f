//! Queries: the common Feathers query syntax, parsed once and typed by the record's schema.
//!
//! Hooks see the untyped query in [`Params::query`](crate::Params::query); a store service parses it after the hooks.
//! What is unknown, hidden or of the wrong type is a 400 that names the place; it is never evaluated.

pub use crate::query::*;
