//! Everything that an app usually needs: `use feathers::prelude::*;`.
//!
//! # Beside other crates
//! An import by name wins over a glob, so `use axum::Json;` or `use tower::{Layer, Service};` beside this prelude mean
//! what they say. Of the names that are common elsewhere there are `Service`, `Result`, `Error` and `Request`; where
//! another crate's is imported by name, write `feathers::Service` for the trait of this one. The derive is not hidden by
//! a trait, as both have a namespace of their own:
//!
//! ```
//! # #[cfg(feature = "macros")] {
//! use feathers::prelude::*;
//! use tower::Service;
//!
//! #[derive(Clone, Serialize, Deserialize, Service)] // of feathers
//! struct Todo {
//!     #[service(id)]
//!     id: i64,
//!     text: String,
//! }
//!
//! fn is_tower(_: &impl Service<String>) {}
//! fn is_feathers(_: &impl feathers::Service) {}
//!
//! is_tower(&tower::service_fn(async |text: String| Ok::<_, Error>(text.len())));
//! is_feathers(&Memory::<Todo>::new());
//! # }
//! ```
//!
//! Two globs are ambiguous where a name of both is used: beside `use tower::*;`, import `feathers::Service` by name.

#[cfg(feature = "auth")]
pub use feathers_auth::{AuthConfig, Authentication, CurrentUser, authenticate, hash_password};
#[cfg(feature = "config")]
pub use feathers_config::Config;
pub use feathers_core::{
    App, AppHandle, AroundHook, Connection, Context, Document, Error, Hook, Id, Memory, Next, Paginate, Params,
    Payload, Publication, Request, Result, async_trait,
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

pub use crate::hook;
