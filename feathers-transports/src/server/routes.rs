//! The routes: the services straight away, and everything else through axum.
//!
//! Most requests are calls of services, which are the fallback of axum's router. Where it is known which paths the
//! other routes have, a request for a service does not go through it.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Request;
use tower::Service;

use crate::address::{ClientAddress, client_address};
use crate::rest::Endpoint;

/// Everything that is served. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Routes {
    router: Router,
    /// The services, and the paths below which there may be something else.
    services: Option<(Endpoint, Arc<[String]>)>,
}

impl Routes {
    /// Serves a router, in which the services are as well, and the services without it where there is nothing else.
    pub(super) fn new(router: Router, services: Option<(Endpoint, Vec<String>)>) -> Self {
        Self { router, services: services.map(|(endpoint, elsewhere)| (endpoint, elsewhere.into())) }
    }

    /// Answers a request from this client.
    pub(super) fn answer(
        &self,
        mut request: Request<Body>,
        peer: Option<SocketAddr>,
        client: Option<IpAddr>,
    ) -> BoxFuture<'static, Response> {
        if let Some(endpoint) = self.endpoint(request.uri().path()) {
            return endpoint.answer(request, client);
        }
        Self::note(&mut request, peer, client);
        self.through_axum(request)
    }

    /// Puts the addresses on a request, for handlers, middleware and transports.
    pub(super) fn note(request: &mut Request<Body>, peer: Option<SocketAddr>, client: Option<IpAddr>) {
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        if let Some(client) = client {
            request.extensions_mut().insert(ClientAddress(client));
        }
    }

    /// Returns the services, if this path can be of no other route.
    fn endpoint(&self, path: &str) -> Option<&Endpoint> {
        let (endpoint, elsewhere) = self.services.as_ref()?;
        let is_elsewhere = elsewhere.iter().any(|other| path.starts_with(other.as_str()));
        (!is_elsewhere).then_some(endpoint)
    }

    fn through_axum(&self, request: Request<Body>) -> BoxFuture<'static, Response> {
        self.router.clone().call(request).map(|Ok(response)| response).boxed()
    }
}

impl Service<Request<Body>> for Routes {
    type Response = Response;
    type Error = Infallible;
    type Future = futures_util::future::Map<BoxFuture<'static, Response>, fn(Response) -> Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let client = client_address(request.extensions());
        let answer = match self.endpoint(request.uri().path()) {
            Some(endpoint) => endpoint.answer(request, client),
            None => self.through_axum(request),
        };
        answer.map(Ok)
    }
}
