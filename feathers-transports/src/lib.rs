//! The HTTP server and the transports.

mod server;
mod transport;

pub use crate::server::{Listen, Server};
pub use crate::transport::Transport;
