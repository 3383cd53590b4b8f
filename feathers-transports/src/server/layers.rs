//! Middleware around all routes: layers of tower, and any other change of the router.

use std::convert::Infallible;
use std::fmt;

use axum::Router;
use axum::extract::Request;
use axum::response::IntoResponse;
use axum::routing::Route;
use tower::{Layer, Service};

use crate::server::Server;

/// A change of the router.
pub(super) struct RouterMap(pub(super) Box<dyn FnOnce(Router) -> Router + Send>);

impl fmt::Debug for RouterMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouterMap")
    }
}

impl Server {
    /// Changes the router of all transports and routes before it is served: the place for middleware.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// # use feathers::App;
    /// # use feathers::transports::Server;
    /// use axum::extract::Request;
    /// use axum::middleware::{Next, from_fn};
    ///
    /// let server = Server::new(App::new()).map_router(|router| {
    ///     router.layer(from_fn(|request: Request, next: Next| next.run(request)))
    /// });
    /// ```
    pub fn map_router(mut self, map: impl FnOnce(Router) -> Router + Send + 'static) -> Self {
        self.options.maps.push(RouterMap(Box::new(map)));
        self
    }

    /// Puts a layer of tower around all routes, as [`Router::layer`] does; the last one is the outermost.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// use axum::middleware::map_response;
    /// use axum::response::Response;
    /// use feathers::App;
    /// use feathers::transports::Server;
    ///
    /// let server = Server::new(App::new()).layer(map_response(async |mut response: Response| {
    ///     response.headers_mut().insert("server", "todo".parse().expect("a header"));
    ///     response
    /// }));
    /// ```
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.map_router(move |router| router.layer(layer))
    }
}
