//! One connection: HTTP on a socket, until it ends or the server stops.

#[cfg(feature = "tls")]
use std::convert::Infallible;
use std::net::SocketAddr;
#[cfg(feature = "tls")]
use std::pin::pin;
use std::time::Duration;

#[cfg(feature = "tls")]
use axum::body::Body;
use feathers_core::Error;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either};
#[cfg(feature = "tls")]
use http::Request;
#[cfg(feature = "tls")]
use hyper::body::Incoming;
use hyper::server::conn::http1;
#[cfg(feature = "tls")]
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::head::HeadLimit;
use crate::server::head_timer::HeadTimer;
#[cfg(feature = "tls")]
use crate::server::http1::ended;
use crate::server::http1::{Answers, Http1};
use crate::server::io::Counted;
use crate::server::linger::Lingering;
#[cfg(feature = "tls")]
use crate::server::pace::{MinRate, too_slow};
#[cfg(feature = "tls")]
use crate::server::paced::Paced;
use crate::server::peer::Peer;
use crate::server::pipeline::Pipeline;
#[cfg(feature = "tls")]
use crate::server::routes::Ends;
use crate::server::stopper::Stopper;
#[cfg(feature = "tls")]
use crate::server::tls::Tls;

/// A connection that is served. What is rare is in a box, so that a plain connection has no room for it.
pub(super) type Work = Either<Http1<Counted<TcpStream>>, BoxFuture<'static, ()>>;

/// How long a connection lives that is only for health checks.
const RESERVED: Duration = Duration::from_secs(2);

/// Serves connections.
#[derive(Clone)]
pub(super) struct Connections {
    pipeline: Pipeline,
    head_limit: HeadLimit,
    header_timeout: Duration,
    /// Why nothing but health checks is answered.
    refusal: Option<Error>,
    #[cfg(feature = "tls")]
    tls: Option<Tls>,
    /// For connections of HTTP/2.
    #[cfg(feature = "tls")]
    min_rate: Option<MinRate>,
}

impl Connections {
    pub(super) fn new(pipeline: Pipeline, head_limit: HeadLimit, header_timeout: Duration) -> Self {
        Self {
            pipeline,
            head_limit,
            header_timeout,
            refusal: None,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            min_rate: None,
        }
    }

    #[cfg(feature = "tls")]
    pub(super) fn min_rate(mut self, rate: MinRate) -> Self {
        self.min_rate = Some(rate);
        self
    }

    #[cfg(feature = "tls")]
    pub(super) fn tls(mut self, tls: Option<Tls>) -> Self {
        self.tls = tls;
        self
    }

    /// Serves one connection until it ends. One that is only for health checks has little time for it.
    pub(super) fn serve(mut self, stream: Counted<TcpStream>, peer: SocketAddr, stopper: Stopper) -> Work {
        let Some(refusal) = stream.refusal().cloned() else { return self.run(stream, peer, stopper) };
        self.refusal = Some(refusal);
        Work::Right(timeout(RESERVED, self.run(stream, peer, stopper)).map(drop).boxed())
    }

    fn run(self, stream: Counted<TcpStream>, peer: SocketAddr, stopper: Stopper) -> Work {
        let peer = Peer { address: peer, link: stream.link() };
        #[cfg(feature = "tls")]
        if let Some(tls) = self.tls.clone() {
            return Work::Right(self.secure(tls, stream, peer, stopper).boxed());
        }
        Work::Left(self.http1(stream, peer, stopper))
    }

    #[cfg(feature = "tls")]
    async fn secure(self, tls: Tls, stream: Counted<TcpStream>, peer: Peer, stopper: Stopper) {
        let stream = tokio::select! {
            stream = tls.handshake(stream) => stream,
            () = stopper.closing() => return,
        };
        match stream {
            Ok(stream) if Tls::is_http2(&stream) => Box::pin(self.http2(stream, &peer, &stopper)).await,
            Ok(stream) => Box::pin(self.http1(stream, peer, stopper)).await,
            Err(error) => tracing::debug!(peer = %peer.address, %error, "TLS handshake failed"),
        }
    }

    fn http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        stream: S,
        peer: Peer,
        stopper: Stopper,
    ) -> Http1<S> {
        let (stream, sending) = Lingering::new(stream);
        let address = peer.address;
        let (keeps, refusal) = (self.refusal.is_none(), self.refusal);
        let answers = Answers { pipeline: self.pipeline, peer, refusal, sending: sending.clone() };
        let connection = http1::Builder::new()
            .timer(HeadTimer::default())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(self.head_limit.buffer())
            .keep_alive(keeps)
            .serve_connection(TokioIo::new(stream), answers)
            .with_upgrades();
        Http1::new(connection, address, sending, stopper)
    }

    #[cfg(feature = "tls")]
    async fn http2<S>(&self, stream: S, peer: &Peer, stopper: &Stopper)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request: Request<Incoming>| {
            let link = peer.link.clone();
            self.pipeline.answer(request.map(Body::new), Some(peer), self.refusal.as_ref()).map(|response| {
                let ends = Ends::is_on(&response);
                Ok::<_, Infallible>(if ends {
                    response.map(|body| Body::new(Paced::new(body, link)))
                } else {
                    response
                })
            })
        });
        let connection = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
            .timer(hyper_util::rt::TokioTimer::new())
            // Finds out that a client is gone without a word.
            .keep_alive_interval(self.header_timeout)
            .keep_alive_timeout(self.header_timeout)
            .max_header_list_size(u32::try_from(self.head_limit.buffer()).unwrap_or(u32::MAX))
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let slow = async {
            match self.min_rate {
                Some(rate) => too_slow(&peer.link, rate).await,
                None => std::future::pending().await,
            }
        };
        let result = tokio::select! {
            biased;
            result = connection.as_mut() => result,
            () = slow => return tracing::debug!(peer = %peer.address, "the client reads too slowly"),
            () = stopper.draining() => {
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    result = connection => result,
                    () = stopper.closing() => return,
                }
            }
        };
        ended(peer.address, result);
    }
}
