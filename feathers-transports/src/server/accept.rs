//! The accept loop: takes connections, up to a number, and survives whatever goes wrong with one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use feathers_core::Handle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::server::Options;
use crate::server::connection::Connections;
use crate::server::front::Front;
use crate::server::io::Counted;
#[cfg(feature = "tls")]
use crate::server::tls::Tls;

/// How long to wait when the system has no more sockets or memory to give.
const BACKOFF: Duration = Duration::from_millis(100);

/// How often the log says that the number of connections is reached.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// Takes connections.
pub(super) struct Acceptor {
    permits: Arc<Semaphore>,
    header_timeout: Duration,
    write_timeout: Duration,
    stopper: Stopper,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

/// Stops an acceptor and its connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopper {
    drain: CancellationToken,
    close: CancellationToken,
    /// Whether the drain has begun, for all connections to look at without a lock.
    is_draining: Arc<AtomicBool>,
}

impl Stopper {
    /// Takes no more connections, and ends each one after the call that it is busy with.
    pub(super) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
        self.drain.cancel();
    }

    /// Closes the connections that are still there.
    pub(super) fn close(&self) {
        self.close.cancel();
        self.drain();
    }

    /// Returns a stopper for one connection: its waiting for the drain costs no other one anything.
    fn child(&self) -> Self {
        Self { drain: self.drain.child_token(), close: self.close.clone(), is_draining: self.is_draining.clone() }
    }

    pub(super) async fn draining(&self) {
        self.drain.cancelled().await;
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// Waits for the close, which nobody needs to do before the drain has begun.
    pub(super) async fn closing(&self) {
        self.close.cancelled().await;
    }
}

impl Acceptor {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(options.max_connections.clamp(1, Semaphore::MAX_PERMITS))),
            header_timeout: options.header_timeout,
            write_timeout: options.write_timeout,
            stopper: Stopper::default(),
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
    pub(super) fn run(self, listener: TcpListener, front: Front, app: &Handle) -> Stopper {
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
            tokio::select! {
                () = self.stopper.draining() => {}
                () = self.accept(&listener, front, &handle) => {}
            }
        });
        stopper
    }

    async fn accept(&self, listener: &TcpListener, front: Front, app: &Handle) {
        let connections = Connections::new(front, self.header_timeout);
        #[cfg(feature = "tls")]
        let connections = connections.tls(self.tls.clone());
        let mut warned = None;
        loop {
            let Some(permit) = self.permit(&mut warned).await else { return };
            let (stream, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    tracing::error!(%error, "cannot accept connections");
                    tokio::time::sleep(BACKOFF).await;
                    continue;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "cannot set TCP_NODELAY");
            }
            let stream: Counted<TcpStream> = Counted::new(stream, self.write_timeout, permit);
            app.spawn(connections.clone().serve(stream, peer, self.stopper.child()));
        }
    }

    async fn permit(&self, warned: &mut Option<Instant>) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Some(permit);
        }
        if warned.is_none_or(|last| last.elapsed() > WARN_EVERY) {
            *warned = Some(Instant::now());
            tracing::warn!("the number of connections is reached, new ones wait");
        }
        self.permits.clone().acquire_owned().await.ok()
    }
}

/// Tells whether an error is about the connection that was to be accepted, and not about the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
