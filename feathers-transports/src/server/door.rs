//! The door of the server: who comes in.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;

use crate::address::ClientAddress;
use crate::origin::Outside;
use crate::server::proxies::Proxies;

/// Finds out who the client of a request is.
#[derive(Debug)]
pub(super) struct Door {
    proxies: Proxies,
}

impl Door {
    pub(super) fn new(proxies: Proxies) -> Self {
        Self { proxies }
    }

    /// Puts the client's address on a request, and where browsers see the server if a trusted proxy says so.
    ///
    /// An IPv4 client of a socket for both is one of IPv4. Without a connection there is no address.
    pub(super) fn identify(&self, request: &mut Request<Body>) {
        let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>() else { return };
        let peer = peer.ip().to_canonical();
        let client = self.proxies.client(peer, request.headers());
        request.extensions_mut().insert(ClientAddress(client));
        if self.proxies.trust(peer)
            && let Some(outside) = Outside::read(request.headers())
        {
            request.extensions_mut().insert(outside);
        }
    }
}
