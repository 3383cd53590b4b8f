//! The end of a stream whose reader is to reconnect.
//!
//! Readers that follow the standard reconnect whenever a stream ends. Others take the proper end of a body for the last
//! word of the server, and read no more; all of them reconnect when the body is cut off. So a stream never ends as a
//! body should: over HTTP/1.1 the connection is closed before the last chunk, and over HTTP/2 the stream is reset.
//! HTTP/1.0 has no other end than that of the connection, so there the two are the same.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Frame;

use crate::kit::timer::Timer;

/// How long the last bytes have for their way before the body is cut off: what has not left the process by then is
/// dropped with the rest.
const FLUSH: Duration = Duration::from_millis(50);

/// A body that is cut off after its bytes.
#[derive(Debug)]
pub(super) struct Cut {
    last: Option<Bytes>,
    /// Set when the last bytes have been given away.
    end: Option<Timer>,
}

/// Why a body ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct CutOff;

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the stream has ended, and its client comes back")
    }
}

impl Error for CutOff {}

impl Cut {
    /// Ends a body after these bytes.
    pub(super) fn after(last: Bytes) -> Self {
        Self { last: Some(last), end: None }
    }
}

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        if let Some(last) = self.last.take() {
            return Poll::Ready(Some(Ok(Frame::data(last))));
        }
        ready!(self.end.get_or_insert_with(|| Timer::after(FLUSH)).poll(cx));
        Poll::Ready(Some(Err(CutOff)))
    }
}
