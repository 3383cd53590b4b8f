//! Holders: proxies that hold clients in place of this process.
//!
//! The realtime endpoint knows no proxy. One that has passed a request on has put itself on the request, and is asked
//! where the endpoint would hold a client itself.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use feathers_core::{Cursor, Result};
use futures_util::future::BoxFuture;
use http::request::Parts;
use serde_json::{Map, Value};

use super::Shared;
use super::poll::{Batch, Turn};

/// A proxy that has passed a request on, and can hold its client.
pub(crate) trait Holder: Send + Sync {
    /// Returns up to where the client has got everything from the proxy.
    fn delivered(&self) -> Vec<Cursor>;

    /// Tells whether the request is one of the proxy itself, and not of the client.
    fn is_own(&self, request: &Request) -> bool;

    /// Answers a request of the proxy itself: for the rest of a stream, or with what a WebSocket has sent.
    fn answer<'a>(&'a self, shared: &'a Shared, request: Request) -> BoxFuture<'a, Result<Response>>;

    /// Answers the first request of a stream.
    fn stream<'a>(
        &'a self,
        shared: &'a Shared,
        parts: Parts,
        query: Map<String, Value>,
    ) -> BoxFuture<'a, Result<Response>>;

    /// Finds out where a poll is held; `None` if it is to be answered here, or waited for here.
    fn poll(&self, turn: &Turn, batch: &mut Batch, wait: Duration) -> Option<Instructions>;
}

/// Puts onto the answer to a poll how it is held; takes the secret of the session.
pub(crate) type Instructions = Box<dyn FnOnce(&mut Response, &str) -> Result<()> + Send>;

/// The holder of the client that asks, on the requests that a proxy has passed on.
#[derive(Clone)]
pub(crate) struct HeldBy(pub(crate) Arc<dyn Holder>);

impl HeldBy {
    /// Returns the holder of the client that asks, if there is one.
    pub(super) fn of(extensions: &http::Extensions) -> Option<Arc<dyn Holder>> {
        extensions.get().map(|Self(holder)| holder.clone())
    }
}
