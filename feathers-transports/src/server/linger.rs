//! The end of a connection whose client still sends.
//!
//! A system that holds unread bytes resets the connection when it is closed, and the client loses the answer that says
//! why it was refused. So the server says first that nothing more comes from it, and throws away what the client still
//! sends, within bounds.

use std::future::Future;
use std::io::Result;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How many bytes are thrown away at most.
const BYTES: usize = 16 << 20;
/// How long the client may be silent before the connection is closed.
const SILENCE: Duration = Duration::from_secs(2);
/// How long it takes in all at most.
const TIME: Duration = Duration::from_secs(30);

/// How many bytes are thrown away at a time.
const PIECE: usize = 8 << 10;

/// All that the client has sent is read, or was asked for.
const QUIET: u8 = 0;
/// Something has come, and its end has not.
const SENDING: u8 = 1;
/// What comes is no request, or nothing comes before it is asked for.
const APART: u8 = 2;

/// What a client is sending. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Sending(Arc<State>);

#[derive(Debug, Default)]
struct State {
    sending: AtomicU8,
    /// Whether there has been a request.
    has_begun: AtomicBool,
}

impl Sending {
    fn is(&self, state: u8) -> bool {
        self.0.sending.load(Ordering::Relaxed) == state
    }

    fn set(&self, state: u8) {
        self.0.sending.store(state, Ordering::Relaxed);
    }

    /// Notes the head of a request, and returns it with a body that notes its end.
    pub(super) fn watch(&self, request: Request<Incoming>) -> Request<axum::body::Body> {
        self.0.has_begun.store(true, Ordering::Relaxed);
        if request.body().is_end_stream() {
            self.set(QUIET);
            return request.map(|_| axum::body::Body::empty());
        }
        let waits = request.headers().contains_key(header::EXPECT);
        self.set(if waits { APART } else { SENDING });
        request.map(|body| axum::body::Body::new(Watched { body, waits, sending: self.clone() }))
    }

    /// Tells whether there has been a request.
    pub(super) fn has_begun(&self) -> bool {
        self.0.has_begun.load(Ordering::Relaxed)
    }

    /// Notes that the connection is handed over to another protocol.
    pub(super) fn hand_over(&self) {
        self.set(APART);
    }
}

/// A body that notes its end.
struct Watched {
    body: Incoming,
    /// Whether the client sends nothing before the body is asked for.
    waits: bool,
    sending: Sending,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, hyper::Error>>> {
        if std::mem::take(&mut self.waits) {
            self.sending.set(SENDING);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.sending.set(QUIET);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A socket that lingers when it is closed while its client sends.
pub(super) struct Lingering<S> {
    stream: S,
    sending: Sending,
    lingers: Option<Box<Lingers>>,
}

/// What is left of the bounds.
struct Lingers {
    bytes: usize,
    end: Instant,
    silence: Pin<Box<Sleep>>,
}

impl<S> Lingering<S> {
    /// Also returns what notes whether the client is sending.
    pub(super) fn new(stream: S) -> (Self, Sending) {
        let sending = Sending::default();
        (Self { stream, sending: sending.clone(), lingers: None }, sending)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before && self.sending.is(QUIET) {
            self.sending.set(SENDING);
        }
        read
    }
}

impl<S: AsyncRead + Unpin> Lingering<S> {
    /// Throws away what comes, until the client has closed its side or a bound is reached.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let lingers = self.lingers.get_or_insert_with(|| {
            let now = Instant::now();
            Box::new(Lingers { bytes: BYTES, end: now + TIME, silence: Box::pin(tokio::time::sleep(SILENCE)) })
        });
        let mut piece = [0; PIECE];
        loop {
            let mut piece = ReadBuf::new(&mut piece);
            let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(cx, &mut piece) else {
                return lingers.silence.as_mut().poll(cx);
            };
            let (now, length) = (Instant::now(), piece.filled().len());
            if read.is_err() || length == 0 || length >= lingers.bytes || now >= lingers.end {
                return Poll::Ready(());
            }
            lingers.bytes -= length;
            lingers.silence.as_mut().reset(lingers.end.min(now + SILENCE));
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        if self.lingers.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            if !self.sending.is(SENDING) {
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_linger(cx).map(Ok)
    }
}
