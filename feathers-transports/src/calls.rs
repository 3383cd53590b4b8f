//! The calls of one client: a few run at the same time, and each answer leaves after the events before it.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use feathers_core::{Call, Cursor, Handle, Payload, Result, Subscription};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

/// How many calls of one client run at the same time.
const CONCURRENT: usize = 64;
/// How many more may wait for their turn, and how many bytes they may have.
const WAITING: usize = 1_024;
const WAITING_BYTES: usize = 16 << 20;
/// How long calls under way may take to be answered once the server stops.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// Writes the answer to a call; `None` where nobody waits for one.
pub(crate) trait Encode: Send + 'static {
    /// Writes it.
    fn encode(self, result: Result<Payload>) -> Option<Bytes>;
}

/// The calls of one client, polled by the task that serves it.
///
/// They start in the order in which they came. A place is free again when the answer has left, so a client that does
/// not read its answers cannot pile them up.
pub(crate) struct Calls<E> {
    app: Handle,
    running: FuturesUnordered<BoxFuture<'static, (E, Result<Payload>)>>,
    waiting: VecDeque<Waiting<E>>,
    /// The bytes in `waiting`.
    waiting_bytes: usize,
    answers: VecDeque<Answer>,
}

/// A call that waits for its turn, or the reason why it cannot be made.
struct Waiting<E> {
    encode: E,
    call: Result<Call>,
    size: usize,
}

/// An answer, and up to where events leave before it.
struct Answer {
    after: Cursor,
    bytes: Bytes,
}

impl<E: Encode> Calls<E> {
    pub(crate) fn new(app: Handle) -> Self {
        Self {
            app,
            running: FuturesUnordered::new(),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            answers: VecDeque::new(),
        }
    }

    /// Returns how many calls have not been answered yet.
    pub(crate) fn len(&self) -> usize {
        self.running.len() + self.waiting.len() + self.answers.len()
    }

    /// Tells whether so many answers wait that nothing more should be read from the client.
    pub(crate) fn is_choked(&self) -> bool {
        self.answers.len() >= CONCURRENT
    }

    /// Tells whether so much waits already that the next call is to be refused.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING || self.waiting_bytes >= WAITING_BYTES
    }

    /// Takes a call in, or the reason why it cannot be made; `size` is the length of its text in bytes.
    pub(crate) fn submit(&mut self, encode: E, call: Result<Call>, size: usize) {
        self.waiting_bytes += size;
        self.waiting.push_back(Waiting { encode, call, size });
        self.start();
    }

    /// Takes a call back that has not begun; `None` if there is none.
    pub(crate) fn cancel(&mut self, wanted: impl Fn(&E) -> bool) -> Option<E> {
        let index = self.waiting.iter().position(|waiting| wanted(&waiting.encode))?;
        let waiting = self.waiting.remove(index)?;
        self.waiting_bytes -= waiting.size;
        Some(waiting.encode)
    }

    /// Polls what runs; `true` if something has ended.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        // To ask an empty set costs as much as to ask one that is not; there is none for most events.
        if self.running.is_empty() {
            return false;
        }
        let mut busy = false;
        while let Poll::Ready(Some((encode, result))) = self.running.poll_next_unpin(cx) {
            self.answer(encode, result);
            self.start();
            busy = true;
        }
        busy
    }

    /// Returns the next answer whose events have all been read. Asked for only when there is room to write it.
    pub(crate) fn next_answer(&mut self, events: &Subscription) -> Option<Bytes> {
        let first = self.answers.front().filter(|first| events.has_read(first.after))?;
        let bytes = first.bytes.clone();
        self.answers.pop_front();
        self.start();
        Some(bytes)
    }

    fn start(&mut self) {
        while self.running.len() + self.answers.len() < CONCURRENT
            && let Some(Waiting { encode, call, size }) = self.waiting.pop_front()
        {
            self.waiting_bytes -= size;
            match call {
                Err(error) => self.answer(encode, Err(error)),
                Ok(call) => {
                    let app = self.app.clone();
                    self.running.push(Box::pin(async move {
                        let result = app.call(call).await.map(|reply| reply.ack().clone());
                        (encode, result)
                    }));
                }
            }
        }
    }

    fn answer(&mut self, encode: E, result: Result<Payload>) {
        if let Some(bytes) = encode.encode(result) {
            self.answers.push_back(Answer { after: self.app.log().head(), bytes });
        }
    }
}
