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
//!     app.service("todos", Memory::<Todo>::new()).publish(|_event, app| app.channel("everyone"));
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
//! | `macros` | yes | `#[derive(Service)]` and `#[service]` |
//! | `rest` | yes | the server with REST and the realtime endpoint: the module `transports`, and `app.listen()` |
//! | `socketio` | yes | Socket.IO |
//! | `sqlite` | yes | `Database`, which keeps records in SQLite |
//! | `auth` | no | logins, tokens and the hook `authenticate`: the module `auth` |
//! | `config` | no | `Config`: files for each environment and variables, and the module `config` |
//! | `grip` | no | `Server::grip`: proxies such as Pushpin hold the connections |
//! | `oauth` | no | logins through other sites: OAuth 2 and OpenID Connect |
//! | `tls` | no | HTTPS and HTTP/2: `Server::tls` |
//!
//! A feature adds items and never changes what others do.
//!
//! # What there is not
//! Other databases than SQLite, and engines for a log that several processes share; the trait for them is
//! [`LogEngine`].

#[cfg(feature = "auth")]
pub use feathers_auth as auth;
#[cfg(feature = "config")]
pub use feathers_config as config;
pub use feathers_core::*;
#[cfg(feature = "macros")]
pub use feathers_macros::{Service, service};
#[cfg(feature = "sqlite")]
pub use feathers_sql::*;
#[cfg(feature = "rest")]
pub use feathers_transports as transports;

pub mod guide;

pub mod prelude {
    //! Everything that an app usually needs: `use feathers::prelude::*;`.

    #[cfg(feature = "auth")]
    pub use feathers_auth::{AuthConfig, Authentication, CurrentUser, authenticate, hash_password};
    #[cfg(feature = "config")]
    pub use feathers_config::Config;
    pub use feathers_core::{
        App, AppHandle, AroundHook, Connection, Context, Document, Error, Hook, Id, Memory, Next, Paginate, Params,
        Payload, Publication, Request, Result, async_trait, hook,
    };
    #[cfg(feature = "macros")]
    pub use feathers_macros::{Service, service};
    #[cfg(feature = "sqlite")]
    pub use feathers_sql::Database;
    #[cfg(feature = "socketio")]
    pub use feathers_transports::SocketIo;
    #[cfg(feature = "rest")]
    pub use feathers_transports::{Cors, Listen, RateLimit, Realtime, Server};
    #[cfg(feature = "grip")]
    pub use feathers_transports::{Grip, GripProxy};
    // The trait shares its name with the derive, as `Serialize` does.
    pub use feathers_core::Service;
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::json;
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
