//! The guide: one page for each part, in the order in which an app grows.
//!
//! | page | what it is about |
//! |---|---|
//! | [`services`] | records, methods, calls from inside |
//! | [`records`] | what the fields of records can be, and which of them the server sets |
//! | [`relations`] | related records in answers and events |
//! | [`hooks`] | code around calls, and its order |
//! | [`events`] | publishers, channels, connections |
//! | [`queries`] | what clients can ask for |
//! | [`stores`] | in memory, SQLite, your own |
//! | [`transports`] | the server, REST, Socket.IO, and the realtime endpoint on the wire |
//! | [`authentication`] | logins, tokens, who may do what; with the feature `auth` |
//! | [`rights`] | who may do what with records and fields; with the feature `auth` |
//! | [`operations`] | routes and middleware of your own, health, metrics, logs, the end |
//! | [`configuration`] | files, environments, variables; with the feature `config` |
//! | [`oauth`] | logins through GitHub, Google and others; with the feature `oauth` |
//! | [`grip`] | proxies that hold the connections; with the feature `grip` |
//! | [`testing`] | tests without a port; with the crate `feathers-testing` |
//! | [`from_feathersjs`] | what is different |
//!
//! The pages are the files of `docs/guide`; their blocks of Rust are compiled and run as tests.

#[doc = include_str!("../guide/services.md")]
pub mod services {}

// The examples need the features.
#[cfg_attr(all(feature = "jiff", feature = "rust_decimal"), doc = include_str!("../guide/records.md"))]
#[cfg_attr(
    not(all(feature = "jiff", feature = "rust_decimal")),
    doc = "This page comes with the features `jiff` and `rust_decimal`."
)]
pub mod records {}

#[doc = include_str!("../guide/relations.md")]
pub mod relations {}

#[doc = include_str!("../guide/hooks.md")]
pub mod hooks {}

#[doc = include_str!("../guide/events.md")]
pub mod events {}

#[doc = include_str!("../guide/queries.md")]
pub mod queries {}

#[doc = include_str!("../guide/stores.md")]
pub mod stores {}

#[doc = include_str!("../guide/transports.md")]
pub mod transports {}

#[doc = include_str!("../guide/operations.md")]
pub mod operations {}

// The examples need the feature.
#[cfg_attr(feature = "auth", doc = include_str!("../guide/authentication.md"))]
#[cfg_attr(not(feature = "auth"), doc = "This page comes with the feature `auth`.")]
pub mod authentication {}

// The examples need the feature.
#[cfg_attr(feature = "auth", doc = include_str!("../guide/rights.md"))]
#[cfg_attr(not(feature = "auth"), doc = "This page comes with the feature `auth`.")]
pub mod rights {}

// The examples need the feature.
#[cfg_attr(feature = "config", doc = include_str!("../guide/configuration.md"))]
#[cfg_attr(not(feature = "config"), doc = "This page comes with the feature `config`.")]
pub mod configuration {}

// The examples need the feature.
#[cfg_attr(feature = "oauth", doc = include_str!("../guide/oauth.md"))]
#[cfg_attr(not(feature = "oauth"), doc = "This page comes with the feature `oauth`.")]
pub mod oauth {}

// The examples need the feature.
#[cfg_attr(feature = "grip", doc = include_str!("../guide/grip.md"))]
#[cfg_attr(not(feature = "grip"), doc = "This page comes with the feature `grip`.")]
pub mod grip {}

#[doc = include_str!("../guide/testing.md")]
pub mod testing {}

#[doc = include_str!("../guide/from-feathersjs.md")]
pub mod from_feathersjs {}
