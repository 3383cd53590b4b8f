//! The address of the client that a request comes from.

use std::net::IpAddr;

use http::Extensions;

/// The address of the client; the server puts it on every request.
///
/// It is that of the connection, or what a trusted proxy on the other end of it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Returns the address, where the server has put it.
pub fn client_address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get().map(|ClientAddress(address)| *address)
}
