//! The accept loop: takes connections, as long as there are places, and survives whatever goes wrong with one.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use feathers_core::AppHandle;
use tokio::net::{TcpListener, TcpStream};

use crate::kit::budget::Budget;
use crate::server::Options;
use crate::server::connection::Connections;
use crate::server::head::HeadLimit;
use crate::server::io::{Counted, ReadingBounds};
use crate::server::pipeline::Pipeline;
use crate::server::places::Places;
use crate::server::proxies::Proxies;
use crate::server::stopper::Stopper;
#[cfg(feature = "tls")]
use crate::server::tls::Tls;

/// How long to wait when the system has no more sockets or memory to give.
const BACKOFF: Duration = Duration::from_millis(100);

/// Takes connections.
pub(super) struct Acceptor {
    places: Places,
    head_limit: HeadLimit,
    header_timeout: Duration,
    reading: Arc<ReadingBounds>,
    stopper: Stopper,
    budget: Budget,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Acceptor {
    pub(super) fn new(options: &Options, proxies: Proxies, budget: Budget) -> Self {
        Self {
            places: Places::new(options.max_connections, options.max_connections_per_address, proxies),
            head_limit: HeadLimit::new(options.head_limit),
            header_timeout: options.header_timeout,
            reading: Arc::new(ReadingBounds { write_timeout: options.write_timeout, min_rate: options.min_rate }),
            stopper: Stopper::default(),
            budget,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// Starts to accept, in the background; the shutdown of the app ends it too.
    pub(super) fn run(mut self, listener: TcpListener, pipeline: Pipeline, app: &AppHandle) -> Stopper {
        let stopper = self.stopper.clone();
        let draining = stopper.clone();
        let handle = app.clone();
        app.spawn(async move {
            tokio::select! {
                () = handle.stopping() => draining.drain(),
                () = draining.draining() => {}
            }
        });
        let handle = app.clone();
        app.spawn(async move {
            let stopper = self.stopper.clone();
            tokio::select! {
                () = stopper.draining() => {}
                () = self.accept(&listener, pipeline, &handle) => {}
            }
        });
        stopper
    }

    async fn accept(&mut self, listener: &TcpListener, pipeline: Pipeline, app: &AppHandle) {
        let connections = Connections::new(pipeline, self.head_limit, self.header_timeout);
        #[cfg(feature = "tls")]
        let connections = connections.min_rate(self.reading.min_rate);
        #[cfg(feature = "tls")]
        let connections = connections.tls(self.tls.clone());
        loop {
            let Ok(leave) = self.places.leave().await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(BACKOFF).await;
                    continue;
                }
            };
            let Some(place) = self.places.seat(leave, peer.ip()) else { continue };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
            let stream: Counted<TcpStream> = Counted::new(stream, self.reading.clone(), place, self.budget.link());
            app.spawn(connections.clone().serve(stream, peer, self.stopper.child()));
        }
    }
}

/// Tells whether an error is about the connection that was to be accepted, and not about the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
