//! One WebSocket: messages in, shared frames out, on one task.
//!
//! What waits goes out in one vectored write. Nothing is copied: a frame is a reference to bytes that all connections
//! share.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::frame::{self, Decoder, Message, Violation};
use crate::kit::budget::{Account, Permit, SMALL};
use crate::kit::close_code;

/// How many frames go into one write.
const BATCH: usize = 64;
/// From this many bytes on nothing more is taken from the log until some have left.
const HIGH_WATER: usize = 64 << 10;
/// From this many bytes on a client that does not read is not read from either.
const CHOKED: usize = 4 * HIGH_WATER;
/// How much is read at once while nothing is known of what comes.
const READ: usize = 2 << 10;

/// How long the client may take to end its side after the goodbye.
const LINGER: Duration = Duration::from_secs(1);

/// One WebSocket connection.
#[derive(Debug)]
pub(crate) struct WebSocket<T> {
    io: T,
    decoder: Decoder,
    input: BytesMut,
    output: VecDeque<Bytes>,
    /// The bytes in `output`.
    queued: usize,
    /// Whether there has been a sign of life since this was asked.
    heard: bool,
    account: Arc<Account>,
    /// A message that is coming; none for most of the time.
    coming: Option<Box<Coming>>,
}

/// A message of which not all has come.
#[derive(Debug)]
struct Coming {
    /// The leave to hold it, where it is not small.
    permit: Option<Permit>,
    begun: Instant,
}

/// How reading has ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The client has gone without a word.
    Gone,
    /// The client breaks the protocol; a close frame with this code is due.
    Violation(Violation),
}

impl<T: AsyncRead + AsyncWrite + Unpin> WebSocket<T> {
    /// Takes the size of the largest message, and the account that incoming messages count for.
    pub(crate) fn new(io: T, max_message: usize, account: Arc<Account>) -> Self {
        let decoder = Decoder::new(max_message);
        Self {
            io,
            decoder,
            input: BytesMut::new(),
            output: VecDeque::new(),
            queued: 0,
            heard: true,
            account,
            coming: None,
        }
    }

    /// Adds a frame to what goes out, and keeps the leave to hold it where it is not small.
    pub(crate) fn queue_held(&mut self, frame: Bytes, permit: Permit) {
        self.queue(if frame.len() > SMALL { permit.hold(frame) } else { frame });
    }

    /// Adds a frame to what goes out.
    pub(crate) fn queue(&mut self, frame: Bytes) {
        self.queued += frame.len();
        self.output.push_back(frame);
    }

    /// Tells whether there is room for more frames from the log.
    pub(crate) fn has_room(&self) -> bool {
        self.queued < HIGH_WATER && self.output.len() < BATCH
    }

    /// Tells whether nothing waits to leave.
    pub(crate) fn is_empty(&self) -> bool {
        self.output.is_empty()
    }

    /// Tells whether so much waits to leave that nothing more should be read from the client.
    pub(crate) fn is_choked(&self) -> bool {
        self.queued >= CHOKED
    }

    /// Tells whether there was a sign of life since the last call: a part of a message has come, or a client
    /// with much to read has read some of it. A part of a message that takes too long is none.
    pub(crate) fn take_heard(&mut self) -> bool {
        let is_slow = self.coming.as_ref().is_some_and(|coming| coming.begun.elapsed() > self.account.body_time());
        std::mem::take(&mut self.heard) && !is_slow
    }

    /// Reads the next message.
    pub(crate) fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Ended>> {
        loop {
            match self.decoder.decode(&mut self.input) {
                Ok(Some(message)) => {
                    if self.input.is_empty() {
                        // An idle connection holds no buffer.
                        self.input = BytesMut::new();
                    }
                    if !self.decoder.is_within() {
                        self.coming = None;
                    }
                    return Poll::Ready(Ok(message));
                }
                Ok(None) => {}
                Err(violation) => return Poll::Ready(Err(Ended::Violation(violation))),
            }
            if let Err(violation) = self.count_input() {
                return Poll::Ready(Err(Ended::Violation(violation)));
            }
            let mut space = [const { MaybeUninit::uninit() }; READ];
            let mut buffer = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {
                    self.heard = true;
                    self.input.extend_from_slice(buffer.filled());
                }
                Ok(()) | Err(_) => return Poll::Ready(Err(Ended::Gone)),
            }
        }
    }

    /// Counts what has come of a message that is not whole.
    fn count_input(&mut self) -> Result<(), Violation> {
        let held = self.input.len() + self.decoder.held();
        if held == 0 {
            return Ok(());
        }
        let coming = self.coming.get_or_insert_with(|| Box::new(Coming { permit: None, begun: Instant::now() }));
        let counted = match &mut coming.permit {
            Some(permit) => permit.grow(held),
            // One message is bounded itself: the calls before it have no part in whether it is read.
            None if held > SMALL => self.account.apart().take(held).map(|permit| coming.permit = Some(permit)),
            None => Ok(()),
        };
        counted
            .map_err(|_| Violation { code: close_code::AGAIN, reason: "too many bytes are in flight, try again later" })
    }

    /// Writes until nothing waits.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(first) = self.output.front() {
            let written = if self.output.len() == 1 {
                // The usual case; a plain write is cheaper for the system than a list of one.
                ready!(Pin::new(&mut self.io).poll_write(cx, first))?
            } else {
                let mut slices = [IoSlice::new(&[]); BATCH];
                let mut count = 0;
                for (slice, frame) in slices.iter_mut().zip(&self.output) {
                    *slice = IoSlice::new(frame);
                    count += 1;
                }
                ready!(Pin::new(&mut self.io).poll_write_vectored(cx, slices.get(..count).unwrap_or_default()))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written(written);
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn written(&mut self, mut bytes: usize) {
        self.heard |= self.is_choked();
        self.queued = self.queued.saturating_sub(bytes);
        while let Some(front) = self.output.front_mut() {
            if front.len() > bytes {
                front.advance(bytes);
                return;
            }
            bytes -= front.len();
            self.output.pop_front();
        }
        // A burst's queue is not kept.
        if self.output.capacity() > BATCH {
            self.output = VecDeque::new();
        }
    }

    /// Says goodbye and closes. What the client still sends is read for a moment: a socket that is closed with unread
    /// bytes would take the goodbye back.
    pub(crate) async fn close(mut self, code: u16, reason: &str) {
        // Half a message is of no use any more, and others may have its room.
        (self.coming, self.input, self.decoder) = (None, BytesMut::new(), Decoder::new(0));
        self.queue(frame::close(code, reason));
        let _ = poll_fn(|cx| self.poll_flush(cx)).await;
        let _ = poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await;
        let _ = tokio::time::timeout(LINGER, poll_fn(|cx| self.poll_discard(cx))).await;
    }

    /// Reads to the end and keeps nothing.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [const { MaybeUninit::uninit() }; READ];
        loop {
            let mut buffer = ReadBuf::uninit(&mut space);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}
