//! A realtime service framework with the model of [FeathersJS](https://feathersjs.com).
//!
//! You declare a service. Every change that it makes becomes an event, and every client in the right channel gets
//! it at once, over whatever transport gets through to it. Existing Feathers 5 clients work unchanged.
//!
//! ```no_run
//! use feathers::prelude::*;
//!
//! /// One thing to do.
//! #[derive(Clone, Debug, Serialize, Deserialize, Service)]
//! struct Todo {
//!     #[service(id)]
//!     id: i64,
//!     #[service(length(1..=280))]
//!     text: String,
//!     #[service(default)]
//!     done: bool,
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let mut app = App::new();
//!     app.service("todos", Memory::<Todo>::new())
//!         .publish(|_, app| app.channel("everyone"));
//!     app.on_connect(|connection, app| app.channel("everyone").join(connection));
//!     app.listen().await
//! }
//! ```
//!
//! The package is `feathers-rs`, the library `feathers`. An app needs `serde` and `tokio` beside it.
//!
//! # Where to read on
//! [`guide`] has one page for each part: services, hooks, events, queries, stores, transports, operations,
//! configuration, tests, and what is different for users of FeathersJS.
//!
//! # Features
//! | feature | on by default | adds |
//! |---|---|---|
//! | `macros` | yes | `#[derive(Service)]`, `#[derive(FieldType)]` and `#[service]` |
//! | `rest` | yes | the server with REST and the realtime endpoint: the module `transports`, and `app.listen()` |
//! | `socketio` | yes | Socket.IO |
//! | `sqlite` | yes | `Database`, which keeps records in SQLite |
//! | `auth` | no | logins, tokens and the hook `authenticate`: the module `auth` |
//! | `chrono` | no | `DateTime<Utc>`, `NaiveDate` and `NaiveTime` as fields of records |
//! | `config` | no | `Config`: files for each environment and variables, and the module `config` |
//! | `grip` | no | `Server::grip`: proxies such as Pushpin hold the connections |
//! | `jiff` | no | `Timestamp`, `civil::Date` and `civil::Time` as fields of records |
//! | `oauth` | no | logins through other sites: OAuth 2 and OpenID Connect |
//! | `rust_decimal` | no | `Decimal` as a field of records, exact |
//! | `tls` | no | HTTPS and HTTP/2: `Server::tls` |
//!
//! A feature adds items and never changes what others do.
//!
//! # What there is not
//! Other databases than SQLite, and engines for a log that several processes share; the trait for them is
//! [`LogEngine`](log::LogEngine).

#[cfg(feature = "auth")]
#[doc(inline)]
pub use feathers_auth as auth;
#[cfg(feature = "config")]
#[doc(inline)]
pub use feathers_config as config;
/// Lets an implementation of a trait, such as a hook or a store, have async functions; of the crate `async-trait`.
#[doc(inline)]
pub use feathers_core::facade::async_trait;
#[doc(inline)]
pub use feathers_core::facade::{
    App, AppHandle, Bytes, Connection, Context, Document, Duration, Error, ErrorKind, Id, Memory, Method, Params,
    Payload, Request, Result, Service, app, call, event, hook, log, metrics, presence, query, schema, session,
};
#[cfg(feature = "macros")]
#[doc(inline)]
pub use feathers_macros::{FieldType, Service, service};
#[cfg(feature = "rest")]
#[doc(inline)]
pub use feathers_transports as transports;

pub mod guide;
pub mod prelude;

pub mod store {
    //! Stores: where records are kept.
    //!
    //! A [`Store`] finds and changes records; [`Crud`] makes a service of it, with validation, pagination and events.
    //! [`Memory`](crate::Memory) is the one in memory, and `Database`, of the feature `sqlite`, keeps them in SQLite.

    pub use feathers_core::facade::store::*;
    #[cfg(feature = "sqlite")]
    pub use feathers_sql::*;
}

#[doc(hidden)]
pub mod __private {
    //! What the macros' output names. Not public API.

    pub use feathers_core as core;
    pub use feathers_core::private::*;
    pub use serde;
    pub use serde_json;
}

/// Compiles and runs the blocks of the project's front page as doctests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
