//! The server: an app, its transports, and everything that a service on the network is run with.

mod accept;
mod banner;
mod bounds;
mod client_resolver;
mod connection;
mod cors;
mod head;
mod head_timer;
mod health;
mod host;
mod http1;
mod io;
mod layers;
mod limiter;
mod linger;
mod listen;
mod log;
mod metrics;
mod pace;
#[cfg(feature = "tls")]
mod paced;
mod peer;
mod pipeline;
mod places;
mod proxies;
mod request_id;
mod routes;
mod running;
mod signals;
mod start;
mod stopper;
#[cfg(feature = "tls")]
mod tls;

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use feathers_core::App;
use tokio::net::TcpListener;

pub use self::cors::Cors;
use self::layers::RouterMap;
pub use self::listen::Listen;
pub use self::log::init_tracing;
use self::pace::MinRate;
pub use self::running::Running;
#[cfg(feature = "grip")]
use crate::grip::Grip;
use crate::kit::budget::Limits;
use crate::kit::rate_limit::RateLimit;
use crate::kit::transport::Transport;

/// Serves an app.
///
#[doc = include_str!("server/server.md")]
#[derive(Debug)]
#[must_use = "a server serves nothing before it listens or starts"]
pub struct Server {
    app: App,
    options: Options,
}

/// Everything but the app.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct Options {
    address: Option<String>,
    listener: Option<TcpListener>,
    max_body: usize,
    request_timeout: Duration,
    header_timeout: Duration,
    head_limit: usize,
    write_timeout: Duration,
    min_rate: MinRate,
    shutdown_timeout: Duration,
    max_connections: usize,
    max_connections_per_address: Option<usize>,
    in_flight: Limits,
    proxies: Vec<String>,
    rate_limit: Option<RateLimit>,
    cors: Option<Cors>,
    compression: bool,
    access_log: bool,
    metrics: bool,
    health: Option<String>,
    defaults: bool,
    transports: Vec<Box<dyn Transport>>,
    public: Option<PathBuf>,
    routes: Option<Router>,
    maps: Vec<RouterMap>,
    #[cfg(feature = "grip")]
    grip: Option<Grip>,
    #[cfg(feature = "tls")]
    tls: Option<(PathBuf, PathBuf)>,
}

impl Server {
    /// Takes an app, with the defaults for all options.
    pub fn new(app: App) -> Self {
        let options = Options {
            address: None,
            listener: None,
            max_body: 1 << 20,
            request_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            head_limit: 32 << 10,
            write_timeout: Duration::from_mins(1),
            min_rate: MinRate::new(1_000, Duration::from_secs(30)),
            shutdown_timeout: Duration::from_secs(10),
            max_connections: 10_000,
            max_connections_per_address: None,
            in_flight: Limits::default(),
            proxies: Vec::new(),
            rate_limit: None,
            cors: None,
            compression: true,
            access_log: false,
            metrics: false,
            health: Some("/health".to_owned()),
            defaults: true,
            transports: Vec::new(),
            public: None,
            routes: None,
            maps: Vec::new(),
            #[cfg(feature = "grip")]
            grip: None,
            #[cfg(feature = "tls")]
            tls: None,
        };
        Self { app, options }
    }

    /// Sets the address, such as `0.0.0.0:3030`, instead of `HOST` and `PORT`. Port 0 takes any free port.
    ///
    /// An address that cannot be had is an error of the start.
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.options.address = Some(address.into());
        self
    }

    /// Serves on a listener that is bound already, instead of an address: one that the system has handed over, or one of
    /// a test.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// use feathers::transports::Server;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> feathers::Result<()> {
    /// # let app = feathers::App::new();
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// let port = listener.local_addr()?.port();
    /// let server = Server::new(app).listener(listener).start().await?;
    /// assert_eq!(server.addr().port(), port);
    /// # server.stop().await
    /// # }
    /// ```
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.options.listener = Some(listener);
        self
    }

    /// Sets the size in bytes up to which a body is read; a larger one is answered with a 413.
    ///
    /// It holds for REST and for routes of your own; Socket.IO has a limit of its own.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.options.max_body = bytes;
        self
    }

    /// Sets the time from the request's head to the answer's; after it the answer is a 408.
    ///
    /// It holds for REST and for routes of your own. On transports whose answers wait for events, it limits the time
    /// from the first byte of a body or message to its last.
    /// A call that may have changed something is finished in the background all the same.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.options.request_timeout = timeout;
        self
    }

    /// Sets the time that a client has for the TLS handshake and for the head of each request; after it the
    /// connection is closed. It is also how long an idle connection is kept.
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.options.header_timeout = timeout;
        self
    }

    /// Sets how long a client may take nothing of what is written to it; after it the connection is closed, also one
    /// that was upgraded to a WebSocket.
    ///
    /// A client of events that reconnects goes on where it was, as long as its events are kept.
    pub fn write_timeout(mut self, timeout: Duration) -> Self {
        self.options.write_timeout = timeout;
        self
    }

    /// Sets how many bytes the head of a request may have, its first line included, instead of 32 KiB. A longer one is
    /// answered with a 431, or a 414 if its address alone is too long; pages that CORS lets call can read both.
    ///
    /// Not much more than twice as much is read, and the answer past that is a bare 431 without a body, as it is past
    /// 100 lines. At least 4 KiB are allowed.
    pub fn head_limit(mut self, bytes: usize) -> Self {
        self.options.head_limit = bytes;
        self
    }

    /// Sets how many bytes a second a client must take of an answer that ends, instead of 1,000 over 30 seconds;
    /// below it the connection is closed. It counts while the server waits for the client, for a second at least.
    /// None are needed with 0.
    ///
    /// Streams and `WebSockets` are slow by nature, and have their heartbeats instead.
    pub fn min_rate(mut self, bytes_per_second: usize, over: Duration) -> Self {
        self.options.min_rate = MinRate::new(bytes_per_second, over);
        self
    }

    /// Sets how many connections are open at once, upgraded ones included, instead of 10,000. At least one is allowed.
    ///
    /// Sixteen more are kept for the health checks: there, every other request is answered with a 503 that says when to
    /// try again, and its connection is closed. Past those, clients wait in the queue of the operating system.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.options.max_connections = connections;
        self
    }

    /// Sets how many connections one address may have, upgraded ones included, instead of 500. Past that, health checks
    /// are answered, all else is a 429 that says when to try again, and the connection is closed.
    ///
    /// All people of an office may have one address, so it should not be too low. The addresses of IPv6 count by their
    /// /64. It never holds for [`trusted_proxies`](Self::trusted_proxies), and the default does not hold for addresses
    /// of the same machine, where a proxy usually is; a number that is set does.
    pub fn max_connections_per_address(mut self, connections: usize) -> Self {
        self.options.max_connections_per_address = Some(connections);
        self
    }

    /// Sets how many bytes may be in flight together, instead of 256 MiB. Past that, requests get a 503 that says when
    /// to try again. In flight are bodies that are arriving, and calls with the trees of their data. Answers that are
    /// not read yet count too, and the heads of requests that sessions keep.
    ///
    /// Bodies and answers over HTTP of up to 8 KiB are not counted. Answers to calls that have changed something are
    /// sent in any case, and counted. Files and streams of routes of your own are not.
    pub fn max_in_flight(mut self, bytes: usize) -> Self {
        self.options.in_flight.max_in_flight = bytes;
        self
    }

    /// Sets how many of the bytes in flight one address may have, instead of 64 MiB. Past that, or when it has as much
    /// as is still free, it gets a 429 that says when to try again. So there is always room for other addresses. The
    /// last eighth is for addresses that have no more than 64 KiB.
    ///
    /// The addresses of IPv6 count by their /64. The default does not hold for addresses of the same machine, where a
    /// proxy usually is; a number that is set holds for all.
    pub fn max_in_flight_per_address(mut self, bytes: usize) -> Self {
        self.options.in_flight.max_in_flight_per_address = Some(bytes);
        self
    }

    /// Sets how many of the bytes in flight one connection may have, instead of 32 MiB. Past that it gets a 429, but
    /// for what is the only thing that it has in flight.
    pub fn max_in_flight_per_connection(mut self, bytes: usize) -> Self {
        self.options.in_flight.max_in_flight_per_connection = bytes;
        self
    }

    /// Sets how long the shutdown waits for calls under way; then their connections are closed.
    pub fn shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.options.shutdown_timeout = timeout;
        self
    }

    /// Names the proxies in front of the server, by address (`127.0.0.1`) or network (`10.0.0.0/8`), so that their
    /// clients are told apart. A text that is neither is an error of the start.
    ///
    /// On a connection from one of them the client is the right-most address in `X-Forwarded-For` that is no trusted
    /// proxy itself. What cannot be read ends the list there: the client is the last address before it.
    /// The server's own origin, which may always open connections with cookies, is then that of `X-Forwarded-Host`
    /// and `X-Forwarded-Proto` where they are there, the last one of several.
    /// On any other connection all three are ignored, since any client can send them.
    ///
    /// The header `Forwarded` (RFC 7239) is not read. A proxy that writes the one header passes the other on as the
    /// client has sent it, so believing both would let clients choose their address.
    pub fn trusted_proxies<P: Into<String>>(mut self, proxies: impl IntoIterator<Item = P>) -> Self {
        self.options.proxies.extend(proxies.into_iter().map(Into::into));
        self
    }

    /// Sets how many requests one address may make; more are answered with a 429 that says when to try again.
    ///
    /// Every HTTP request counts, whatever it is for and whatever its answer is, but for the health checks. So does the
    /// one that opens a WebSocket; the calls inside it do not, which its transport bounds.
    /// The addresses of IPv6 count by their /64, since one client has all of it. Behind a proxy,
    /// [`trusted_proxies`](Self::trusted_proxies) is needed too, or all clients count as one.
    ///
    /// Up to 100,000 addresses are counted at the same time; those that have been silent for long enough are forgotten
    /// every five seconds. Past that, new ones share one count until there is room; known ones keep theirs.
    ///
    /// Pages that CORS lets call can read the 429; their preflights count, and are answered all the same.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// # use feathers::App;
    /// use feathers::transports::{RateLimit, Server};
    ///
    /// let server = Server::new(App::new()).rate_limit(RateLimit::per_second(50).burst(100));
    /// ```
    pub fn rate_limit(mut self, limit: RateLimit) -> Self {
        self.options.rate_limit = Some(limit);
        self
    }

    /// Lets browsers call from pages of other origins.
    pub fn cors(mut self, cors: Cors) -> Self {
        self.options.cors = Some(cors);
        self
    }

    /// Says whether answers are compressed (brotli or gzip) for clients that accept it.
    ///
    /// Small answers, images and event streams never are.
    pub fn compression(mut self, compression: bool) -> Self {
        self.options.compression = compression;
        self
    }

    /// Says whether every request is logged, at level `info`, with its id, method, path, status and duration.
    ///
    /// Without it that is done at level `debug`, under the target `feathers::http`; answers of 500 and above are
    /// always logged, as warnings.
    pub fn access_log(mut self, access_log: bool) -> Self {
        self.options.access_log = access_log;
        self
    }

    /// Serves the metrics at `/metrics`, in the text format of Prometheus, to every client that can reach the server.
    ///
    /// It installs the recorder of the process. Where another one is installed already, the start is an error.
    pub fn metrics(mut self) -> Self {
        self.options.metrics = true;
        self
    }

    /// Sets the path of the health checks instead of `/health`: `<path>/live` is a 200 as long as the process
    /// answers, and `<path>/ready` becomes a 503 once the shutdown has begun.
    pub fn health(mut self, path: impl Into<String>) -> Self {
        self.options.health = Some(path.into());
        self
    }

    /// Serves no health checks.
    pub fn without_health(mut self) -> Self {
        self.options.health = None;
        self
    }

    /// Adds a transport beside the defaults.
    ///
    /// # Panics
    /// The start panics if the transport has a path of another one: a second one of a kind needs a path of its own, or a
    /// server [without the defaults](Self::without_defaults).
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.options.transports.push(Box::new(transport));
        self
    }

    /// Leaves out the default transports; only those that are added are served.
    pub fn without_defaults(mut self) -> Self {
        self.options.defaults = false;
        self
    }

    /// Serves the files of a folder, `index.html` for a folder, at paths that no service and no route has.
    pub fn public(mut self, folder: impl Into<PathBuf>) -> Self {
        self.options.public = Some(folder.into());
        self
    }

    /// Adds routes of your own. They win over services of the same path, and have the app as an `Extension<AppHandle>`.
    ///
    /// A request with a cookie from a page of another origin is a 403, as everywhere, unless
    /// [`Cors::credentials`](crate::Cors::credentials) lets that send cookies.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// use axum::{Extension, Json, Router, routing};
    /// use feathers::AppHandle;
    /// use feathers::transports::Server;
    ///
    /// async fn version() -> Json<&'static str> {
    ///     Json("1.0.0")
    /// }
    ///
    /// async fn online(Extension(app): Extension<AppHandle>) -> Json<usize> {
    ///     Json(app.connections())
    /// }
    ///
    /// # let app = feathers::App::new();
    /// let routes = Router::new().route("/version", routing::get(version)).route("/online", routing::get(online));
    /// let server = Server::new(app).merge(routes);
    /// ```
    ///
    /// # Panics
    /// As with [`Router::merge`], here or in the start, if two routes collide, or a fallback with that of REST.
    pub fn merge(mut self, routes: Router) -> Self {
        self.options.routes = Some(self.options.routes.unwrap_or_default().merge(routes));
        self
    }

    /// Serves behind GRIP proxies, instead of those that `GRIP_URL` names: see [`Grip::from_env`].
    ///
    /// Clients that come through a proxy are held there, at the same URL of the realtime endpoint and with the same
    /// bytes. All others are served as without.
    /// A setting that cannot be used is an error of the start.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// use feathers::transports::{Grip, GripProxy, Server};
    ///
    /// # let app = feathers::App::new();
    /// let proxy = GripProxy::new("http://127.0.0.1:5561");
    /// let server = Server::new(app).grip(Grip::new().proxy(proxy));
    /// ```
    #[cfg(feature = "grip")]
    pub fn grip(mut self, grip: Grip) -> Self {
        self.options.grip = Some(grip);
        self
    }

    /// Serves HTTPS, with HTTP/2 for clients that speak it. Both files are PEM; the first is the whole chain.
    ///
    /// Files that cannot be used are an error of the start.
    ///
    /// ```
    /// # mod feathers { pub use feathers_core::facade::*; pub mod transports { pub use feathers_transports::*; } }
    /// use feathers::transports::Server;
    ///
    /// # let app = feathers::App::new();
    /// let server = Server::new(app).bind("0.0.0.0:443").tls("tls/chain.pem", "tls/key.pem");
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.options.tls = Some((certificate.into(), key.into()));
        self
    }
}
