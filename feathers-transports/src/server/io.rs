//! A socket that counts among the open connections until it is closed, also after an upgrade to a WebSocket.
//!
//! Whoever writes to it waits for the client to read, and does nothing else meanwhile: no heartbeat and no lifetime of
//! a stream ends that wait. So the socket itself does. TCP alone would hold on to a client that never reads for as long
//! as its machine is up.

use std::future::Future;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;

/// A socket with its permit.
pub(super) struct Counted<S> {
    stream: S,
    /// How long a client may take nothing of what is written.
    write_timeout: Duration,
    /// The end of that time; there is none while writes succeed.
    stalled: Option<Pin<Box<Sleep>>>,
    gauge: metrics::Gauge,
    _permit: OwnedSemaphorePermit,
}

impl<S> Counted<S> {
    pub(super) fn new(stream: S, write_timeout: Duration, permit: OwnedSemaphorePermit) -> Self {
        let gauge = metrics::gauge!("feathers_http_connections");
        gauge.increment(1.0);
        Self { stream, write_timeout, stalled: None, gauge, _permit: permit }
    }

    /// Waits for the client to take something, up to the timeout.
    fn poll_stalled<T>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let timeout = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client does not read")))
    }

    /// Passes on what has become of a write. Only bytes that have left end a stall: a flush of nothing does not.
    fn watch(&mut self, written: Poll<Result<usize>>, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        if written.is_pending() {
            return self.poll_stalled(cx);
        }
        self.stalled = None;
        written
    }
}

impl<S> Drop for Counted<S> {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Pending => self.poll_stalled(cx),
            flushed @ Poll::Ready(_) => flushed,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
