//! The core as the crate `feathers` shows it: a short root, and a module for each part.
//!
//! Each public name of the core stands here once, in the root or in one module. It is kept here and not in that crate,
//! so that the examples of the core can use the paths that its users write:
//!
//! ```
//! use feathers_core::facade as feathers;
//!
//! use feathers::{App, Document, Memory};
//!
//! let mut app = App::new();
//! app.service("todos", Memory::<Document>::new());
//! ```

pub mod app;
pub mod call;
pub mod event;
pub mod hook;
pub mod log;
pub mod presence;
pub mod query;
pub mod schema;
pub mod session;
pub mod store;

pub use crate::{
    App, AppHandle, Bytes, Connection, Context, Document, Duration, Error, ErrorKind, Id, Memory, Method, Params,
    Payload, Request, Result, Service, async_trait, metrics,
};
