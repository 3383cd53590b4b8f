//! What a transport is: routes that decode calls, and sessions that encode events.

use std::fmt;

use axum::Router;
use feathers_core::AppHandle;

/// Carries calls and events between clients and the app.
///
/// A transport runs calls through [`AppHandle::call`], and opens a session with [`AppHandle::open`] for a client that
/// wants events. It holds no rule of its own, so that every transport behaves alike. The built-in ones are written
/// against this trait, and what they share is in [`kit`](crate::kit).
///
/// # A transport of your own
/// This one streams events as lines of JSON, and takes calls the same way. It is added with
/// [`Server::transport`](crate::Server::transport).
///
/// ```
#[doc = include_str!("../../tests/it/own_transport/ndjson.rs")]
/// # fn main() {}
/// ```
pub trait Transport: Send + 'static {
    /// Returns the name for the start-up line: `rest`, `socketio`.
    fn name(&self) -> &'static str;

    /// Returns the paths that all its routes begin with; `None` if they may lie anywhere, which is the default.
    ///
    /// Where every transport tells, calls of services, whose paths are others, need not be looked up among the routes.
    fn paths(&self) -> Option<Vec<String>> {
        None
    }

    /// Returns the routes of the transport; asked once, when the app serves.
    ///
    /// They are merged with those of the other transports. Long-lived answers watch [`AppHandle::stopping`] and end.
    fn router(self: Box<Self>, app: &AppHandle) -> Router;
}

impl fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
