//! The routes: the services straight away, and everything else through axum.
//!
//! Most requests are calls of services, which are the fallback of axum's router. Where it is known which paths the
//! other routes have, a request for a service does not go through it.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, StatusCode};
use hyper::body::Body as _;
use tower::Service;

use crate::kit::address::{ClientAddress, client_address};
use crate::rest::Endpoint;
use crate::server::peer::Peer;

/// Marks an answer that ends, and is no stream, for when its body has been compressed and does not tell any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends;

impl Ends {
    fn mark(mut response: Response) -> Response {
        if Self::is_on(&response) {
            response.extensions_mut().insert(Self);
        }
        response
    }

    /// Tells whether an answer ends.
    pub(super) fn is_on(response: &Response) -> bool {
        let has_length = || response.body().size_hint().exact().is_some();
        response.status() != StatusCode::SWITCHING_PROTOCOLS
            && (response.extensions().get::<Self>().is_some() || has_length())
    }
}

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
        peer: Option<&Peer>,
        client: Option<IpAddr>,
    ) -> BoxFuture<'static, Response> {
        if let Some(endpoint) = self.endpoint(request.uri().path()) {
            return endpoint.answer(request, client, peer.map(|peer| peer.link.clone()));
        }
        Self::note(&mut request, peer, client);
        self.through_axum(request)
    }

    /// Puts the addresses on a request, for handlers, middleware and transports.
    pub(super) fn note(request: &mut Request<Body>, peer: Option<&Peer>, client: Option<IpAddr>) {
        if let Some(Peer { address, link }) = peer {
            request.extensions_mut().insert(ConnectInfo(*address));
            request.extensions_mut().insert(link.clone());
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
            Some(endpoint) => {
                let link = request.extensions().get().cloned();
                endpoint.answer(request, client, link)
            }
            None => self.through_axum(request),
        };
        answer.map(|response| Ok(Ends::mark(response)))
    }
}
