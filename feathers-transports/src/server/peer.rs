//! The other end of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::kit::budget::Link;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// What counts the bytes that are in flight.
    pub(super) link: Arc<Link>,
}
