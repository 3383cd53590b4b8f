//! The front of the server: what happens to every request before and after its route.

use std::convert::Infallible;
use std::future::ready;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use feathers_core::{Error, Result, SecretHeaders};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use tower::{Layer, Service, ServiceExt};
use tower_http::compression::Compression;
use tower_http::compression::predicate::{DefaultPredicate, Predicate, SizeAbove};
use tower_http::cors::CorsLayer;
use tracing::{Instrument, Span};

#[cfg(feature = "grip")]
use crate::grip::{Origin, Proxied};
use crate::kit::answer::error_response;
use crate::kit::budget::{Budget, Link};
use crate::kit::origin::Trusted;
use crate::server::client_resolver::ClientResolver;
use crate::server::cors::Cors;
use crate::server::peer::Peer;
use crate::server::request_id::{self, REQUEST_ID};
use crate::server::routes::{Ends, Routes};
use crate::server::{head, host};

/// Below this many bytes compression saves no packet.
const COMPRESS_ABOVE: u64 = 1024;

/// Answers requests: request id, log, the rate limit, CORS, compression, and a 500 instead of a panic.
#[derive(Clone)]
pub(super) struct Pipeline(Arc<Shared>);

struct Shared {
    routes: Routes,
    resolver: ClientResolver,
    budget: Budget,
    secrets: SecretHeaders,
    cors: Option<CorsFront>,
    compression: bool,
    access_log: bool,
    #[cfg(feature = "grip")]
    grip: Option<Origin>,
}

/// CORS as the front needs it.
pub(super) struct CorsFront {
    layer: CorsLayer,
    trusted: Option<Trusted>,
}

impl CorsFront {
    /// Checks the settings.
    pub(super) fn new(cors: &Cors) -> Result<Self> {
        Ok(Self { layer: cors.layer()?, trusted: cors.trusted() })
    }
}

impl Pipeline {
    pub(super) fn new(
        routes: Routes,
        (resolver, secrets): (ClientResolver, SecretHeaders),
        budget: Budget,
        cors: Option<CorsFront>,
        compression: bool,
        access_log: bool,
        #[cfg(feature = "grip")] grip: Option<Origin>,
    ) -> Self {
        Self(Arc::new(Shared {
            routes,
            resolver,
            budget,
            secrets,
            cors,
            compression,
            access_log,
            #[cfg(feature = "grip")]
            grip,
        }))
    }

    pub(super) fn into_router(self) -> Router {
        Router::new().fallback_service(tower::service_fn(move |request: Request<Body>| {
            let address = request.extensions().get().map(|ConnectInfo::<SocketAddr>(address)| *address);
            let peer = address.map(|address| Peer { address, link: self.0.budget.link() });
            self.answer(request, peer.as_ref(), None).map(Ok::<_, Infallible>)
        }))
    }

    /// Answers one request; with a refusal, only a health check. The work is on the heap from the start: it is large,
    /// and a connection that waits for its next request needs no room for it.
    pub(super) fn answer(
        &self,
        mut request: Request<Body>,
        peer: Option<&Peer>,
        refusal: Option<&Error>,
    ) -> BoxFuture<'static, Response> {
        let pipeline = &self.0;
        let (id, length) = prepare(request.headers_mut(), &pipeline.secrets);
        #[cfg(feature = "grip")]
        let received = pipeline.grip.as_ref().map_or(Ok(()), |origin| Proxied::receive(origin, &mut request));
        let client = pipeline.resolver.identify(&mut request, peer.map(|peer| peer.address.ip()));
        let log = Log::begin(&request, &id, pipeline.access_log);
        // What has come by no connection was made in this process, often without headers.
        let fits = peer.map_or(Ok(()), |_| host::check(&request));
        let admitted = pipeline.resolver.admit(&request, client, length).and(fits);
        #[cfg(feature = "grip")]
        let admitted = if pipeline.resolver.is_check(&request) { admitted } else { received.and(admitted) };
        let admitted = match refusal {
            Some(refusal) if !pipeline.resolver.is_check(&request) => Err(refusal.clone()),
            _ => admitted,
        };
        let work = match admitted {
            Ok(()) => pipeline.route(request, peer, client),
            Err(error) => pipeline.refuse(request, error_response(&error)),
        };
        Box::pin(finish(AssertUnwindSafe(work), id, log, peer.map(|peer| peer.link.clone())))
    }
}

async fn finish(
    work: AssertUnwindSafe<BoxFuture<'static, Response>>,
    id: HeaderValue,
    log: Log,
    link: Option<Arc<Link>>,
) -> Response {
    let work = work.catch_unwind();
    let result = if log.span.is_disabled() { work.await } else { work.instrument(log.span.clone()).await };
    let mut response = result.unwrap_or_else(|_| {
        tracing::error!(request_id = ?id, "a route panicked");
        error_response(&Error::internal("panic in a route"))
    });
    #[cfg(feature = "grip")]
    crate::grip::finish(&mut response);
    if let Some(link) = link {
        link.set_ends(Ends::is_on(&response));
    }
    log.end(&response, &id);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

impl Shared {
    /// Answers instead of the routes; CORS adds its headers all the same, so that pages can read why.
    fn refuse(&self, request: Request<Body>, response: Response) -> BoxFuture<'static, Response> {
        let Some(cors) = &self.cors else { return Box::pin(ready(response)) };
        let mut response = Some(response);
        let answer =
            tower::service_fn(move |_: Request<Body>| ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
        layered(cors.layer.layer(answer), request, true)
    }

    fn route(
        &self,
        mut request: Request<Body>,
        peer: Option<&Peer>,
        client: Option<IpAddr>,
    ) -> BoxFuture<'static, Response> {
        // Without the header nothing is compressed, so the layer is only asked when there is one.
        let compresses = self.compression && request.headers().contains_key(header::ACCEPT_ENCODING);
        if self.cors.is_none() && !compresses {
            return self.routes.answer(request, peer, client);
        }
        Routes::note(&mut request, peer, client);
        if let Some(trusted) = self.cors.as_ref().and_then(|cors| cors.trusted.clone()) {
            request.extensions_mut().insert(trusted);
        }
        let worth_it = || DefaultPredicate::new().and(SizeAbove::new(COMPRESS_ABOVE));
        let routes = self.routes.clone();
        match (&self.cors, compresses) {
            (None, _) => layered(Compression::new(routes).compress_when(worth_it()), request, false),
            (Some(cors), false) => layered(cors.layer.layer(routes), request, true),
            (Some(cors), true) => {
                layered(Compression::new(cors.layer.layer(routes)).compress_when(worth_it()), request, true)
            }
        }
    }
}

/// Sends a request through layers. A preflight that CORS has answered is a 204.
fn layered<S, B>(service: S, request: Request<Body>, cors: bool) -> BoxFuture<'static, Response>
where
    S: Service<Request<Body>, Response = http::Response<B>, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: hyper::body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let preflight = cors && request.method() == Method::OPTIONS;
    Box::pin(service.oneshot(request).map(move |Ok(response)| {
        let mut response = response.map(Body::new);
        if preflight && response.status() == StatusCode::OK {
            *response.status_mut() = StatusCode::NO_CONTENT;
        }
        response
    }))
}

/// Gives a request its id, hides the values of secrets from the debug output of the headers, and returns how long the
/// headers are as well.
fn prepare(headers: &mut HeaderMap, secrets: &SecretHeaders) -> (HeaderValue, usize) {
    let (mut id, mut length) = (None, 0);
    // One pass costs less than a look-up for each name.
    for (name, value) in headers.iter_mut() {
        length += head::length(name, value);
        if secrets.contains(name) {
            value.set_sensitive(true);
        } else if *name == REQUEST_ID && id.is_none() {
            id = Some(value.clone());
        }
    }
    let id = id.filter(request_id::is_sane).unwrap_or_else(|| {
        let id = request_id::new();
        headers.insert(REQUEST_ID, id.clone());
        id
    });
    (id, length)
}

/// The log of one request: method and path, but never the query, since that may hold a token.
struct Log {
    span: Span,
    method: Method,
    uri: Uri,
    /// Only where every request is logged: two looks at the clock cost as much as a small answer's bytes.
    started: Option<Instant>,
    /// Whether every request is logged at level `info`.
    every: bool,
}

impl Log {
    fn begin(request: &Request<Body>, id: &http::HeaderValue, access_log: bool) -> Self {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let path = uri.path();
        let span = if access_log {
            tracing::info_span!(target: "feathers::http", "request", request_id = ?id, %method, path)
        } else {
            tracing::debug_span!(target: "feathers::http", "request", request_id = ?id, %method, path)
        };
        let started = (access_log || !span.is_disabled()).then(Instant::now);
        Self { span, method, uri, started, every: access_log }
    }

    fn end(&self, response: &Response, id: &http::HeaderValue) {
        let (method, path, status) = (&self.method, self.uri.path(), response.status().as_u16());
        let duration = self.started.map(|started| tracing::field::debug(started.elapsed()));
        if response.status().is_server_error() {
            tracing::warn!(target: "feathers::http", request_id = ?id, %method, path, status, duration, "request failed");
        } else if self.every {
            tracing::info!(target: "feathers::http", request_id = ?id, %method, path, status, duration, "request");
        } else {
            tracing::debug!(target: "feathers::http", request_id = ?id, %method, path, status, duration, "request");
        }
    }
}
