//! The HTTP server and the transports of a Feathers app.
//!
//! A [`Server`] takes an [`App`](feathers_core::App) and serves it: REST through [`Rest`], and whatever other
//! [`Transport`] is added. `app.listen().await` of [`Listen`] is the short form with all defaults.
//!
//! ```no_run
//! use feathers_core::{App, Json, Memory, Result};
//! use feathers_transports::{Cors, Server};
//!
//! # async fn run() -> Result<()> {
//! let mut app = App::new();
//! app.service("todos", Memory::<Json>::new());
//!
//! Server::new(app).bind("127.0.0.1:3030").cors(Cors::any()).listen().await
//! # }
//! ```
//!
//! What comes from outside is bounded: the size of bodies, the time that a request's head and its answer may take,
//! and the number of connections. Each bound is an option of the server with a safe default.
//!
//! # An existing axum app
//! Routes of your own go in with [`Server::merge`]; the other way round, [`Server::into_router`] gives a router to
//! mount into an app of your own, also under a prefix.
//!
//! # Features
//! | feature | adds |
//! |---|---|
//! | `socketio` | the Socket.IO transport, on by default in a server once the feature is on |
//! | `tls` | `Server::tls`: HTTPS with rustls, and HTTP/2 |

mod answer;
mod realtime;
mod rest;
mod server;
#[cfg(feature = "socketio")]
mod socketio;
mod transport;

pub use crate::answer::error_response;
pub use crate::realtime::Realtime;
pub use crate::rest::{Feathers, Rest};
pub use crate::server::{Cors, Listen, Running, Server, logging};
#[cfg(feature = "socketio")]
pub use crate::socketio::{HandshakeAuth, SocketIo};
pub use crate::transport::Transport;
