//! A connection of HTTP/1: calls on a socket, until it ends or the server stops.
//!
//! These are futures written by hand, since every connection has one for all its life: an async function has room for its
//! arguments twice, and a stream of events would have the socket in it three times.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::Response;
use feathers_core::Error;
use futures_util::future::BoxFuture;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1::UpgradeableConnection;
use hyper::service::Service;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::kit::timer::OncePolled;
use crate::server::linger::{Lingering, Sending};
use crate::server::peer::Peer;
use crate::server::pipeline::Pipeline;
use crate::server::stopper::{Closing, Draining, Stopper};

/// One connection. It is over when the client or the server has closed it.
pub(super) struct Http1<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> {
    connection: UpgradeableConnection<TokioIo<Lingering<S>>, Answers>,
    peer: SocketAddr,
    sending: Sending,
    stopper: Stopper,
    draining: OncePolled<Pin<Box<Draining>>>,
    /// The drain has begun, and the call under way is waited for until the server closes.
    closing: Option<Pin<Box<Closing>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Http1<S> {
    pub(super) fn new(
        connection: UpgradeableConnection<TokioIo<Lingering<S>>, Answers>,
        peer: SocketAddr,
        sending: Sending,
        stopper: Stopper,
    ) -> Self {
        let draining = OncePolled::new(Box::pin(stopper.draining()));
        Self { connection, peer, sending, stopper, draining, closing: None }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Future for Http1<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        loop {
            if let Poll::Ready(result) = Pin::new(&mut this.connection).poll(cx) {
                ended(this.peer, result);
                return Poll::Ready(());
            }
            if let Some(closing) = &mut this.closing {
                return closing.as_mut().poll(cx);
            }
            ready!(this.draining.poll(cx, |_| this.stopper.is_draining()));
            // A browser's connection in reserve has not asked for anything yet; no answer is due on it.
            if !this.sending.has_begun() {
                return Poll::Ready(());
            }
            Pin::new(&mut this.connection).graceful_shutdown();
            this.closing = Some(Box::pin(this.stopper.closing()));
        }
    }
}

/// Logs how a connection has ended.
pub(super) fn ended(peer: SocketAddr, result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Answers the requests of one connection.
pub(super) struct Answers {
    pub(super) pipeline: Pipeline,
    pub(super) peer: Peer,
    /// Why nothing but health checks is answered.
    pub(super) refusal: Option<Error>,
    pub(super) sending: Sending,
}

impl Service<Request<Incoming>> for Answers {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let work = self.pipeline.answer(self.sending.watch(request), Some(&self.peer), self.refusal.as_ref());
        Answer { work, sending: self.sending.clone() }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// The answer to a request, which notes whether it hands the connection over to another protocol.
pub(super) struct Answer {
    work: BoxFuture<'static, Response>,
    sending: Sending,
}

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(self.work.as_mut().poll(cx));
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            self.sending.hand_over();
        }
        Poll::Ready(Ok(response))
    }
}
