//! A socket that counts among the open connections until it is closed, also after an upgrade to a WebSocket.
//!
//! A task that writes to it waits for the client to read, and does nothing else meanwhile: no heartbeat and no lifetime
//! of a stream ends that wait. So the socket itself does. TCP alone would hold on to a client that never reads for as
//! long as its machine is up.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use feathers_core::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::kit::budget::Link;
use crate::server::pace::{MinRate, Pace};
use crate::server::places::Place;

/// How soon a client is checked again at the earliest.
const MOMENT: Duration = Duration::from_millis(1);

/// A client that was waited for.
struct Slow {
    pace: Pace,
    /// Since when it has taken nothing, and when that is looked at; there is none while writes succeed.
    stalled: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// How slowly a client may read.
#[derive(Debug)]
pub(super) struct ReadingBounds {
    /// How long it may take nothing of what is written.
    pub(super) write_timeout: Duration,
    pub(super) min_rate: MinRate,
}

/// A socket with its place.
pub(super) struct Counted<S> {
    stream: S,
    bounds: Arc<ReadingBounds>,
    /// How the client reads, once it was waited for.
    slow: Option<Box<Slow>>,
    gauge: metrics::Gauge,
    place: Place,
    link: Arc<Link>,
}

impl<S> Counted<S> {
    pub(super) fn new(stream: S, bounds: Arc<ReadingBounds>, place: Place, link: Arc<Link>) -> Self {
        let gauge = metrics::gauge!(feathers_core::metrics::HTTP_CONNECTIONS);
        gauge.increment(1.0);
        Self { stream, bounds, slow: None, gauge, place, link }
    }

    /// Returns why nothing but health checks is answered on this connection, if so.
    pub(super) fn refusal(&self) -> Option<&Error> {
        self.place.refusal()
    }

    /// Returns what counts the bytes that are in flight on it.
    pub(super) fn link(&self) -> Arc<Link> {
        self.link.clone()
    }

    /// Waits for the client to take something, up to the timeout, or until an answer that ends is read too slowly.
    fn poll_stalled<T>(&mut self, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let ReadingBounds { write_timeout: timeout, min_rate: rate } = *self.bounds;
        let Slow { pace, stalled } =
            &mut **self.slow.get_or_insert_with(|| Box::new(Slow { pace: Pace::new(rate), stalled: None }));
        loop {
            let now = Instant::now();
            let judged = pace.wait(now);
            let (since, sleep) =
                stalled.get_or_insert_with(|| (now, Box::pin(tokio::time::sleep(timeout.min(judged)))));
            ready!(sleep.as_mut().poll(cx));
            let waited = now.duration_since(*since);
            if waited >= timeout {
                return Poll::Ready(Err(too_slow("the client does not read")));
            }
            sleep.as_mut().reset(now + timeout.saturating_sub(waited).min(judged.max(MOMENT)));
            if pace.is_too_slow() && self.link.ends() {
                return Poll::Ready(Err(too_slow("the client reads too slowly")));
            }
        }
    }

    /// Passes on what has become of a write. Only bytes that have left end a stall: a flush of nothing does not.
    fn watch(&mut self, written: Poll<Result<usize>>, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        let Poll::Ready(result) = &written else { return self.poll_stalled(cx) };
        let bytes = result.as_ref().copied().unwrap_or_default();
        self.link.wrote(bytes);
        if let Some(Slow { pace, stalled }) = self.slow.as_deref_mut() {
            *stalled = None;
            if pace.wrote(bytes) && pace.is_too_slow() && self.link.ends() {
                return Poll::Ready(Err(too_slow("the client reads too slowly")));
            }
        }
        written
    }
}

/// Ends a connection.
fn too_slow(why: &'static str) -> io::Error {
    metrics::counter!(feathers_core::metrics::REFUSED, "bound" => "slow_reader").increment(1);
    io::Error::new(ErrorKind::TimedOut, why)
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
