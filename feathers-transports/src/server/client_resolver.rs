//! The door of the server: which requests come in, and how many of each client.

use std::net::IpAddr;

use axum::body::Body;
use feathers_core::Result;
use http::Request;

use crate::kit::origin::ForwardedOrigin;
use crate::server::head::HeadLimit;
use crate::server::health;
use crate::server::limiter::Limiter;
use crate::server::proxies::{Proxies, X_FORWARDED_FOR};

/// Finds the address of the client of a request, and refuses a client that asks too often.
#[derive(Debug)]
pub(super) struct ClientResolver {
    proxies: Proxies,
    limiter: Option<Limiter>,
    /// The path of the health checks, which are always let in.
    health: Option<String>,
    head_limit: HeadLimit,
}

impl ClientResolver {
    pub(super) fn new(
        proxies: Proxies,
        limiter: Option<Limiter>,
        health: Option<String>,
        head_limit: HeadLimit,
    ) -> Self {
        Self { proxies, limiter, health, head_limit }
    }

    /// Returns the client's address, and notes on the request where browsers see the server if a trusted proxy says so.
    ///
    /// An IPv4 client of a socket for both is one of IPv4. Without a connection there is no address.
    pub(super) fn identify(&self, request: &mut Request<Body>, peer: Option<IpAddr>) -> Option<IpAddr> {
        let peer = peer?.to_canonical();
        if !self.proxies.trust(peer) {
            return Some(peer);
        }
        if let Some(outside) = ForwardedOrigin::read(request.headers()) {
            request.extensions_mut().insert(outside);
        }
        Some(self.proxies.client(peer, request.headers()))
    }

    /// Counts a request, and refuses one too many, or one whose head is too long; `headers` is their length.
    pub(super) fn admit(&self, request: &Request<Body>, client: Option<IpAddr>, headers: usize) -> Result<()> {
        self.count(request, client)?;
        self.head_limit.check(request, headers)
    }

    /// Counts a request. One without an address is not counted.
    fn count(&self, request: &Request<Body>, client: Option<IpAddr>) -> Result<()> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        let Some(address) = client else { return Ok(()) };
        if self.is_check(request) || is_of_proxy(request) {
            return Ok(());
        }
        limiter.check(address)
    }

    /// Tells whether a request is for a health check.
    pub(super) fn is_check(&self, request: &Request<Body>) -> bool {
        self.health.as_deref().is_some_and(|health| health::is_check(health, request.uri().path()))
    }
}

/// Tells whether a request is a GRIP proxy's own, with no client behind it whom it could be counted for.
fn is_of_proxy(request: &Request<Body>) -> bool {
    #[cfg(feature = "grip")]
    let is_signed = request.extensions().get::<crate::grip::Proxied>().is_some();
    #[cfg(not(feature = "grip"))]
    let is_signed = false;
    is_signed && !request.headers().contains_key(X_FORWARDED_FOR)
}
