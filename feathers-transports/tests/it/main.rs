//! The server and all transports, over real sockets or in the process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
#![cfg_attr(
    not(all(feature = "grip", feature = "socketio", feature = "socketioxide", feature = "tls")),
    allow(dead_code, reason = "the helpers are for all features")
)]

mod answers;
mod bad_input;
mod bodies;
mod caching;
mod cross_origin;
#[cfg(feature = "grip")]
mod grip;
#[cfg(feature = "grip")]
mod grip_fan_out;
#[cfg(feature = "grip")]
mod grip_publish;
#[cfg(feature = "grip")]
mod grip_rights;
#[cfg(feature = "grip")]
mod grip_socket;
#[cfg(feature = "grip")]
mod grip_support;
mod in_flight;
mod limits;
mod middleware;
mod options;
mod own_transport;
mod polling;
mod realtime_support;
mod redaction;
mod refusals;
#[cfg(feature = "socketio")]
mod resume;
mod routing;
#[cfg(feature = "socketio")]
mod security;
mod services;
mod shutdown;
#[cfg(unix)]
mod signals;
#[cfg(feature = "socketio")]
mod socketio;
#[cfg(feature = "socketio")]
mod socketio_resume;
#[cfg(feature = "socketioxide")]
mod socketioxide;
mod sse;
mod stalled;
mod stream_content;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod websocket;
