//! The server and the REST transport, over real sockets.

#![allow(clippy::unwrap_used, reason = "tests")]

mod answers;
mod bad_input;
mod bodies;
mod cross_origin;
mod in_flight;
mod limits;
mod middleware;
mod options;
mod refusals;
mod routing;
mod services;
mod shutdown;
mod stalled;
mod support;
#[cfg(feature = "tls")]
mod tls;
