//! One connection: HTTP on a socket, until it ends or the server stops.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::alarm::Signal;
use crate::server::accept::Stopper;
use crate::server::front::Front;
use crate::server::io::Counted;
#[cfg(feature = "tls")]
use crate::server::tls::Tls;

/// Serves connections.
#[derive(Clone)]
pub(super) struct Connections {
    front: Front,
    header_timeout: Duration,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
}

impl Connections {
    pub(super) fn new(front: Front, header_timeout: Duration) -> Self {
        Self {
            front,
            header_timeout,
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// Serves one connection until it ends.
    pub(super) async fn serve(self, stream: Counted<TcpStream>, peer: SocketAddr, stopper: Stopper) {
        let closer = stopper.clone();
        let closing = pin!(closer.closing());
        let mut closing = Signal::new(closing);
        let mut serving = pin!(self.serve_until_drained(stream, peer, stopper));
        poll_fn(|cx| {
            if serving.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            closing.poll(cx, |_| closer.is_closing())
        })
        .await;
    }

    async fn serve_until_drained(self, stream: Counted<TcpStream>, peer: SocketAddr, stopper: Stopper) {
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            match tls.handshake(stream).await {
                Ok(stream) if Tls::is_http2(&stream) => self.http2(stream, peer, &stopper).await,
                Ok(stream) => self.http1(stream, peer, &stopper).await,
                Err(error) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            }
            return;
        }
        self.http1(stream, peer, &stopper).await;
    }

    async fn http1<S>(&self, stream: S, peer: SocketAddr, stopper: &Stopper)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let used = AtomicBool::new(false);
        let service = service_fn(|request| {
            used.store(true, Ordering::Relaxed);
            // Boxed: hyper keeps room for this future for the life of the connection, whether a request is under way
            // or not, and a stream of events lives long after the head of its answer.
            Box::pin(self.front.clone().answer(incoming(request, peer)))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = pin!(connection);
        let draining = pin!(stopper.draining());
        let mut draining = Signal::new(draining);
        let ended_before = poll_fn(|cx| {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(Some(result));
            }
            draining.poll(cx, |_| stopper.is_draining()).map(|()| None)
        })
        .await;
        let result = match ended_before {
            Some(result) => result,
            // A browser's connection in reserve has not asked for anything yet; nobody waits for it.
            None if !used.load(Ordering::Relaxed) => return,
            None => {
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await
            }
        };
        ended(peer, result);
    }

    #[cfg(feature = "tls")]
    async fn http2<S>(&self, stream: S, peer: SocketAddr, stopper: &Stopper)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| self.front.clone().answer(incoming(request, peer)));
        let connection = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
            .timer(TokioTimer::new())
            // Finds out that a client is gone without a word.
            .keep_alive_interval(self.header_timeout)
            .keep_alive_timeout(self.header_timeout)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let result = tokio::select! {
            biased;
            result = connection.as_mut() => result,
            () = stopper.draining() => {
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await
            }
        };
        ended(peer, result);
    }
}

/// Takes the request as the routes want it, with the address of the client.
fn incoming(request: Request<Incoming>, peer: SocketAddr) -> Request<Body> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn ended(peer: SocketAddr, result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "connection ended");
    }
}
