//! The HTTP server and the transports of a Feathers app.
//!
//! A [`Server`] takes an [`App`](feathers_core::App) and serves it: REST through [`Rest`], and whatever other
//! [`Transport`] is added. `app.listen().await` of [`Listen`] is the short form with all defaults.
//!
//! ```no_run
//! # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
//! use feathers::transports::{Cors, Server};
//! use feathers::{App, Document, Memory, Result};
//!
//! # async fn run() -> Result<()> {
//! let mut app = App::new();
//! app.service("todos", Memory::<Document>::new());
//!
//! Server::new(app).bind("127.0.0.1:3030").cors(Cors::any()).listen().await
//! # }
//! ```
//!
//! All input from outside is bounded: the size of heads and bodies, the time that they and their answers may take, and
//! the number of connections. The bytes in flight are bounded for a connection, an address and the server. Each bound
//! is an option of the server with a safe default.
//!
//! # An existing axum app
//! Routes of your own go in with [`Server::merge`]; the other way round, [`Server::into_router`] gives a router to
//! mount into an app of your own, also under a prefix.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `grip` | [`Server::grip`]: the realtime endpoint behind a proxy that holds the connections |
//! | `socketio` | the Socket.IO transport, on by default in a server once the feature is on |
//! | `socketioxide` | the same on the `socketioxide` crate, which has no recovery, as an alternative |
//! | `tls` | `Server::tls`: HTTPS with rustls, and HTTP/2 |

// From the ground up: each uses only those above it.

pub mod kit;

mod websocket;

#[cfg(feature = "socketio")]
mod socketio;

mod realtime;

#[cfg(feature = "grip")]
mod grip;

mod rest;

#[cfg(feature = "socketioxide")]
mod socketioxide;

mod server;

#[cfg(feature = "grip")]
pub use crate::grip::{Grip, GripProxy};
#[cfg(feature = "socketio")]
pub use crate::kit::handshake::HandshakeAuth;
pub use crate::kit::{ClientAddress, RateLimit, Transport, close_code, error_response};
pub use crate::realtime::Realtime;
pub use crate::rest::{CallExtensions, Rest};
pub use crate::server::{Cors, Listen, Running, Server, init_tracing};
#[cfg(feature = "socketio")]
pub use crate::socketio::SocketIo;
#[cfg(feature = "socketioxide")]
pub use crate::socketioxide::SocketIoxide;
