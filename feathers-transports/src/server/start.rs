//! The start: from the options to a server that runs.

use std::env;
use std::net::SocketAddr;

use axum::{Extension, Router};
use feathers_core::{AppHandle, Error, Result};
use tokio::net::TcpListener;

#[cfg(feature = "grip")]
use crate::grip::{Grip, Origin};
use crate::kit::budget::Budget;
use crate::realtime::Realtime;
use crate::rest::Rest;
use crate::server::accept::Acceptor;
use crate::server::bounds::Bounds;
use crate::server::client_resolver::ClientResolver;
use crate::server::head::HeadLimit;
use crate::server::limiter::Limiter;
use crate::server::metrics::{self, Metrics};
use crate::server::pipeline::{CorsFront, Pipeline};
use crate::server::proxies::Proxies;
use crate::server::routes::Routes;
use crate::server::running::Running;
use crate::server::{Options, Server, banner, health, log, signals};

impl Server {
    /// Serves until the process gets SIGTERM or Ctrl-C, then stops gracefully: calls under way finish, within the
    /// shutdown timeout. A second signal ends the wait.
    ///
    /// The first line on standard output is `listening on http://IP:PORT`, followed by one line per service
    /// and one that names the services with records that have no access rules.
    /// Logging is set up as [`init_tracing`](crate::init_tracing) does, unless the program has done it.
    ///
    /// # Errors
    /// All of [`start`](Self::start), and those of services that cannot be torn down.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub async fn listen(self) -> Result<()> {
        log::init_tracing();
        // Before the address is announced, so that a signal that comes right after it is not missed.
        let mut stop = signals::Stop::new()?;
        let running = self.start().await?;
        banner::print(&running);
        stop.recv().await;
        tracing::info!("stopping");
        tokio::select! {
            result = running.stop() => result,
            () = stop.recv() => {
                tracing::warn!("stopped without waiting for calls under way");
                Ok(())
            }
        }
    }

    /// Binds the address, starts the app and serves in the background. Made for tests and for programs that do more
    /// than serve.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// use feathers::transports::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> feathers::Result<()> {
    /// # let app = feathers::App::new();
    /// let server = Server::new(app).bind("127.0.0.1:0").start().await?;
    /// println!("at {}", server.url());
    /// server.stop().await
    /// # }
    /// ```
    ///
    /// # Errors
    /// An address that cannot be had, a setting that cannot be used, and everything for which
    /// [`App::start`](feathers_core::App::start) fails.
    ///
    /// # Panics
    /// If routes of the program's own collide, and outside a tokio runtime.
    pub async fn start(self) -> Result<Running> {
        let Self { mut app, mut options } = self;
        let metrics = options.metrics.then(Metrics::install).transpose()?;
        let listener = match options.listener.take() {
            Some(listener) => listener,
            None => bind(options.address.take()).await?,
        };
        let address: SocketAddr = listener.local_addr()?;
        #[cfg(feature = "tls")]
        let tls = match options.tls.take() {
            Some((certificate, key)) => {
                Some(crate::server::tls::Tls::load(&certificate, &key, options.header_timeout).await?)
            }
            None => None,
        };
        let budget = budget(&options)?;
        app.insert(budget.clone());
        let app = app.start().await?;
        let patience = options.shutdown_timeout;
        let acceptor = Acceptor::new(&options, Proxies::parse(&options.proxies)?, budget);
        let (pipeline, transports) = pipeline(&app, options, metrics)?;
        #[cfg(feature = "tls")]
        let (acceptor, secure) = {
            let secure = tls.is_some();
            (acceptor.tls(tls), secure)
        };
        #[cfg(not(feature = "tls"))]
        let secure = false;
        let stopper = acceptor.run(listener, pipeline, &app);
        Ok(Running::new(app, address, secure, transports, stopper, patience))
    }

    /// Starts the app and returns it with a router that serves it, for mounting into an axum app of your own.
    ///
    /// What concerns connections is then up to the server of that app: address, header and write timeout, number
    /// of connections, TLS. So is the shutdown: [`AppHandle::shutdown`].
    ///
    /// Addresses of clients are only known if that server puts axum's `ConnectInfo<SocketAddr>` on the requests; limits
    /// by address do not hold without.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// use axum::{Router, routing};
    /// use feathers::transports::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> feathers::Result<()> {
    /// # let app = feathers::App::new();
    /// let (app, router) = Server::new(app).into_router().await?;
    /// let routes: Router = Router::new().route("/", routing::get(|| async { "the site" })).nest("/api", router);
    /// // .. serve the routes; at the end:
    /// app.shutdown(std::time::Duration::from_secs(10)).await
    /// # }
    /// ```
    ///
    /// # Errors
    /// A setting that cannot be used, and everything for which [`App::start`](feathers_core::App::start) fails.
    ///
    /// # Panics
    /// If routes of the program's own collide, and outside a tokio runtime.
    pub async fn into_router(self) -> Result<(AppHandle, Router)> {
        let Self { mut app, options } = self;
        let metrics = options.metrics.then(Metrics::install).transpose()?;
        app.insert(budget(&options)?);
        let app = app.start().await?;
        let (pipeline, _) = pipeline(&app, options, metrics)?;
        Ok((app, pipeline.into_router()))
    }
}

/// Makes the budget; one in which the largest body has no room is an error.
fn budget(options: &Options) -> Result<Budget> {
    let limits = options.in_flight;
    let least = options.max_body;
    for (name, bytes) in [("max_in_flight", limits.max_in_flight), ("max_in_flight_per_address", limits.of_address())] {
        if bytes < least {
            return Err(Error::general(format!(
                "`Server::{name}` is {bytes} bytes, and must be at least the {least} bytes of `Server::max_body`"
            )));
        }
    }
    Ok(Budget::new(limits, options.request_timeout))
}

/// Puts all routes together; also returns the names of the transports.
fn pipeline(app: &AppHandle, options: Options, metrics: Option<Metrics>) -> Result<(Pipeline, Vec<&'static str>)> {
    #[cfg(feature = "grip")]
    let grip = match options.grip {
        Some(grip) => Some(grip),
        None => Grip::from_env()?,
    };
    #[cfg(feature = "grip")]
    let origin = grip.map(|grip| Origin::start(&grip, app)).transpose()?;
    #[cfg(not(feature = "grip"))]
    if env::var_os("GRIP_URL").is_some() {
        tracing::warn!("GRIP_URL is set, but the program was built without the feature `grip`");
    }
    let limiter = options.rate_limit.map(Limiter::new);
    let resolver = ClientResolver::new(
        Proxies::parse(&options.proxies)?,
        limiter,
        options.health.clone(),
        HeadLimit::new(options.head_limit),
    );
    let bounds = Bounds { body: options.max_body, time: options.request_timeout };
    let mut elsewhere = ReservedPaths::new(options.routes.is_none() && options.maps.is_empty());
    let own = |routes: Router| bounds.layer(routes.layer(Extension(app.clone())));
    let mut router = options.routes.map(own).unwrap_or_default();
    if let Some(path) = &options.health {
        router = router.merge(health::routes(path, app)?);
        elsewhere.add(Some(vec![path.clone()]));
    }
    if let Some(metrics) = metrics {
        router = router.merge(metrics.routes(app));
        elsewhere.add(Some(vec![metrics::PATH.to_owned()]));
    }
    let mut transports = options.transports;
    let mut services = None;
    if options.defaults {
        transports.insert(0, Box::new(Realtime::new()));
        #[cfg(feature = "socketio")]
        transports.insert(0, Box::new(crate::SocketIo::new()));
        let rest = Rest::new().max_body(bounds.body).timeout(bounds.time);
        let rest = match options.public {
            Some(folder) => rest.public(folder),
            None => rest,
        };
        services = Some(rest.endpoint(app));
    }
    let mut names = Vec::new();
    if let Some(services) = &services {
        names.push(Rest::NAME);
        router = router.fallback_service(services.clone());
    }
    for transport in transports {
        names.push(transport.name());
        elsewhere.add(transport.paths());
        router = router.merge(transport.router(app));
    }
    router = options.maps.into_iter().fold(router, |router, map| (map.0)(router));
    let all = Routes::new(router, services.zip(elsewhere.0));
    let cors = options.cors.as_ref().map(CorsFront::new).transpose()?;
    let pipeline = Pipeline::new(
        all,
        (resolver, app.secret_headers().clone()),
        Budget::of(app),
        cors,
        options.compression,
        options.access_log,
        #[cfg(feature = "grip")]
        origin,
    );
    Ok((pipeline, names))
}

/// The paths of all routes but the services; `None` as soon as there are routes with unknown paths.
struct ReservedPaths(Option<Vec<String>>);

impl ReservedPaths {
    fn new(known: bool) -> Self {
        Self(known.then(Vec::new))
    }

    fn add(&mut self, more: Option<Vec<String>>) {
        self.0 = self.0.take().zip(more).map(|(paths, more)| [paths, more].concat());
    }
}

/// Binds the address, or `HOST` and `PORT`.
async fn bind(address: Option<String>) -> Result<TcpListener> {
    let address = match address {
        Some(address) => address,
        None => from_env(env::var("HOST").ok(), env::var("PORT").ok())?,
    };
    TcpListener::bind(&address)
        .await
        .map_err(|error| Error::general(format!("cannot listen on {address}: {error}")).with_source(error))
}

fn from_env(host: Option<String>, port: Option<String>) -> Result<String> {
    let host = host.filter(|host| !host.is_empty()).unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = match port.filter(|port| !port.is_empty()) {
        None => 3030,
        Some(port) => port
            .parse::<u16>()
            .map_err(|_| Error::general(format!("PORT must be a number from 0 to 65535, not '{port}'")))?,
    };
    Ok(if host.contains(':') && !host.starts_with('[') { format!("[{host}]:{port}") } else { format!("{host}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::from_env;

    #[test]
    fn the_address_comes_from_the_environment() {
        let check = |host: Option<&str>, port: Option<&str>, expected: Result<&str, &str>| {
            let address = from_env(host.map(Into::into), port.map(Into::into));
            assert_eq!(address.as_deref().map_err(feathers_core::Error::message), expected);
        };
        check(None, None, Ok("127.0.0.1:3030"));
        check(Some(""), Some(""), Ok("127.0.0.1:3030"));
        check(Some("0.0.0.0"), Some("80"), Ok("0.0.0.0:80"));
        check(Some("::1"), Some("0"), Ok("[::1]:0"));
        check(Some("localhost"), None, Ok("localhost:3030"));
        check(None, Some("http"), Err("PORT must be a number from 0 to 65535, not 'http'"));
        check(None, Some("70000"), Err("PORT must be a number from 0 to 65535, not '70000'"));
    }
}
