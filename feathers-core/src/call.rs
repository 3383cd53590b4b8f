//! Calls: the app, its services and hooks, and the way of a call through them.

pub(crate) mod access;
pub(crate) mod app;
pub(crate) mod arguments;
pub(crate) mod authenticator;
pub(crate) mod blocking;
pub(crate) mod context;
pub(crate) mod crud_options;
pub(crate) mod drafts;
pub(crate) mod extract;
pub mod hook;
pub(crate) mod method;
pub(crate) mod over;
pub(crate) mod params;
pub(crate) mod publish;
pub(crate) mod route;
pub(crate) mod service;
pub(crate) mod session;
pub(crate) mod set_context;
