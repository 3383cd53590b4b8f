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

#[doc(no_inline)]
pub use serde::{Deserialize, Serialize};
#[doc(no_inline)]
pub use serde_json::json;

#[doc(no_inline)]
pub use crate::app::{Caller, Route};
#[cfg(feature = "auth")]
#[doc(no_inline)]
pub use crate::auth::{AuthConfig, Authentication, CurrentUser, authenticate, hash_password};
#[cfg(feature = "config")]
#[doc(no_inline)]
pub use crate::config::Config;
#[doc(no_inline)]
pub use crate::event::Publication;
#[doc(no_inline)]
pub use crate::hook::{AroundHook, Hook, Next};
#[doc(no_inline)]
pub use crate::query::Paginate;
#[cfg(feature = "sqlite")]
#[doc(no_inline)]
pub use crate::store::Database;
#[cfg(feature = "socketio")]
#[doc(no_inline)]
pub use crate::transports::SocketIo;
#[cfg(feature = "rest")]
#[doc(no_inline)]
pub use crate::transports::{Cors, Listen, RateLimit, Realtime, Server};
#[cfg(feature = "grip")]
#[doc(no_inline)]
pub use crate::transports::{Grip, GripProxy};
#[cfg(feature = "macros")]
#[doc(no_inline)]
pub use crate::{FieldType, service};
// `Service` is the trait and the derive, as `Serialize` is.
#[doc(no_inline)]
pub use crate::{
    App, AppHandle, Connection, Context, Document, Error, Id, Memory, Params, Payload, Request, Result, Service,
    async_trait, hook,
};
