//! The calls of one client: a few run at the same time, and each answer leaves after the events before it.

mod bucket;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use feathers_core::{AppHandle, Call, Cursor, Error, Method, Payload, Result, Subscription, UnderWay};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

pub(crate) use self::bucket::{Bucket, DEFAULT_RATE};
use crate::kit::budget::{Account, OVERHEAD, Permit, cost_of_call};
use crate::kit::rate_limit::RateLimit;

/// How many calls of one client run at the same time.
pub(crate) const CONCURRENT: usize = 64;
/// How many more may wait for their turn.
const WAITING: usize = 1_024;
/// How many refused calls in a row are taken for abuse.
const ABUSE: u32 = 100_000;
/// How long calls under way may take to be answered once the server stops.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);
/// How long the goodbye to a client may take to be written. Together with [`DRAIN`] it is shorter than the default of
/// [`Server::shutdown_timeout`](crate::Server::shutdown_timeout): a client that has gone does not hold the server up.
pub(crate) const GOODBYE: Duration = Duration::from_secs(2);

/// Writes the answer to a call; `None` where the client expects none.
pub(crate) trait Encode: Send + Unpin + 'static {
    /// Why a call cannot be made.
    type Refusal: From<Error>;

    /// Writes it.
    fn encode(&self, result: Result<Payload, Self::Refusal>) -> Option<Bytes>;
}

/// The calls of one client, polled by the task that serves it.
///
/// They start in the order in which they came, and are decoded when they start: until then they are the text that the
/// client has sent. A place is free again when the answer has left, so a client that does not read its answers cannot
/// pile them up.
pub(crate) struct Calls<E: Encode> {
    app: AppHandle,
    account: Arc<Account>,
    rate: RateLimit,
    /// Nothing until the client calls: most clients listen, and there may be very many of them.
    queue: Option<Box<Queue<E>>>,
}

/// The calls of a client that has made one.
struct Queue<E: Encode> {
    app: AppHandle,
    account: Arc<Account>,
    bucket: Bucket,
    running: FuturesUnordered<Running<E>>,
    waiting: VecDeque<Waiting<E>>,
    answers: VecDeque<Answer>,
    /// How many calls have been refused in a row.
    refused: u32,
}

type Decode<E> = Box<dyn FnOnce(&AppHandle, &str) -> Result<Call, <E as Encode>::Refusal> + Send>;

/// A call that waits for its turn.
struct Waiting<E: Encode> {
    answering: Answering<E>,
    text: Box<str>,
    decode: Decode<E>,
    permit: Permit,
}

/// A call under way; its answer goes nowhere if its client has left.
struct Running<E> {
    answering: Option<Answering<E>>,
    /// Whether it may change something: then it is finished and answered in any case.
    changes: bool,
    work: BoxFuture<'static, Result<Payload>>,
}

/// Where an answer goes, and that the connection waits for it.
struct Answering<E> {
    encode: E,
    under_way: UnderWay,
}

/// An answer, and up to where events leave before it.
struct Answer {
    after: Cursor,
    bytes: Bytes,
    permit: Permit,
    /// The connection waits until it has left.
    _under_way: UnderWay,
}

impl<E: Unpin> Future for Running<E> {
    type Output = (Option<Answering<E>>, bool, Result<Payload>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.work.as_mut().poll(cx));
        Poll::Ready((self.answering.take(), self.changes, result))
    }
}

impl<E: Encode> Calls<E> {
    pub(crate) fn new(app: AppHandle, account: Arc<Account>, rate: RateLimit) -> Self {
        Self { app, account, rate, queue: None }
    }

    /// Returns how many calls have not been answered yet.
    pub(crate) fn len(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.under_way() + queue.waiting.len())
    }

    /// Tells whether all calls have ended; their answers may still wait to leave.
    #[cfg(feature = "socketio")]
    pub(crate) fn are_done(&self) -> bool {
        self.queue.as_ref().is_none_or(|queue| queue.running.is_empty() && queue.waiting.is_empty())
    }

    /// Tells whether so many answers wait that nothing more should be read from the client.
    pub(crate) fn is_choked(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.answers.len() >= CONCURRENT)
    }

    /// Gives leave to submit a call whose text has so many bytes, or says why it is not even tried.
    pub(crate) fn admit(&mut self, size: usize) -> Result<Permit> {
        self.queue().admit(size)
    }

    /// Tells whether so many calls in a row were refused that the client is to be sent away.
    pub(crate) fn is_abused(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.refused > ABUSE)
    }

    /// Takes a call in that was admitted, as its text; `decode` is asked when it starts.
    pub(crate) fn submit(
        &mut self,
        encode: E,
        (under_way, permit): (UnderWay, Permit),
        text: &str,
        decode: impl FnOnce(&AppHandle, &str) -> Result<Call, E::Refusal> + Send + 'static,
    ) {
        let answering = Answering { encode, under_way };
        let queue = self.queue();
        if queue.has_place() && queue.waiting.is_empty() {
            queue.begin(answering, permit, text, decode);
        } else {
            queue.waiting.push_back(Waiting { answering, text: text.into(), decode: Box::new(decode), permit });
        }
    }

    /// Takes a call back that has not begun; `None` if there is none.
    pub(crate) fn cancel(&mut self, wanted: impl Fn(&E) -> bool) -> Option<E> {
        let waiting = &mut self.queue.as_mut()?.waiting;
        let index = waiting.iter().position(|waiting| wanted(&waiting.answering.encode))?;
        waiting.remove(index).map(|waiting| waiting.answering.encode)
    }

    /// Detaches the calls so far from their client, which gets no answers. Those that may change something go on, and
    /// count until they are finished.
    #[cfg(feature = "socketio")]
    pub(crate) fn abandon(&mut self) {
        if let Some(queue) = &mut self.queue {
            queue.abandon();
        }
    }

    /// Polls what runs; `true` if something has ended.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        self.queue.as_mut().is_some_and(|queue| queue.poll(cx))
    }

    /// Returns the next answer whose events have all been read. Asked for only when there is room to write it.
    pub(crate) fn next_answer(&mut self, events: &Subscription) -> Option<(Bytes, Permit)> {
        self.queue.as_mut()?.next_answer(events)
    }

    fn queue(&mut self) -> &mut Queue<E> {
        self.queue.get_or_insert_with(|| {
            Box::new(Queue {
                app: self.app.clone(),
                account: self.account.clone(),
                bucket: Bucket::new(self.rate),
                running: FuturesUnordered::new(),
                waiting: VecDeque::new(),
                answers: VecDeque::new(),
                refused: 0,
            })
        })
    }
}

impl<E: Encode> Queue<E> {
    fn admit(&mut self, size: usize) -> Result<Permit> {
        let admitted = self.bucket.take().and_then(|()| {
            if self.waiting.len() < WAITING {
                return self.account.take(OVERHEAD + size);
            }
            metrics::counter!(feathers_core::metrics::REFUSED, "bound" => "calls").increment(1);
            Err(Error::too_many_requests("too many calls at the same time"))
        });
        self.refused = if admitted.is_ok() { 0 } else { self.refused.saturating_add(1) };
        admitted
    }

    #[cfg(feature = "socketio")]
    fn abandon(&mut self) {
        self.waiting.clear();
        self.answers.clear();
        let running = std::mem::take(&mut self.running);
        let changes = running.into_iter().filter(|running| running.changes);
        self.running = changes.map(|running| Running { answering: None, ..running }).collect();
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        // To ask an empty set costs as much as to ask one that is not; there is none for most events.
        if self.running.is_empty() {
            return false;
        }
        let mut busy = false;
        while let Poll::Ready(Some((answering, changes, result))) = self.running.poll_next_unpin(cx) {
            if let Some(answering) = answering {
                self.answer(answering, result.map_err(Into::into), changes);
            }
            self.start();
            busy = true;
        }
        busy
    }

    fn next_answer(&mut self, events: &Subscription) -> Option<(Bytes, Permit)> {
        self.answers.front().filter(|first| events.has_read(first.after))?;
        let Answer { bytes, permit, .. } = self.answers.pop_front()?;
        self.start();
        Some((bytes, permit))
    }

    /// Returns how many calls have begun whose answers have not left.
    fn under_way(&self) -> usize {
        self.running.len() + self.answers.len()
    }

    fn has_place(&self) -> bool {
        self.under_way() < CONCURRENT
    }

    fn start(&mut self) {
        while self.has_place()
            && let Some(Waiting { answering, text, decode, permit }) = self.waiting.pop_front()
        {
            self.begin(answering, permit, &text, decode);
        }
    }

    fn begin(
        &mut self,
        answering: Answering<E>,
        mut permit: Permit,
        text: &str,
        decode: impl FnOnce(&AppHandle, &str) -> Result<Call, E::Refusal>,
    ) {
        let grown = permit.grow(cost_of_call(text.as_bytes())).map_err(Into::into);
        match grown.and_then(|()| decode(&self.app, text)) {
            Err(refusal) => self.answer(answering, Err(refusal), true),
            Ok(call) => {
                let changes = !matches!(call.method, Method::Find | Method::Get);
                let call = self.app.call_holding(call, Box::new(permit));
                let work = Box::pin(async move { call.await.map(|reply| reply.ack().clone()) });
                self.running.push(Running { answering: Some(answering), changes, work });
            }
        }
    }

    /// Keeps an answer until it can leave. What was only read is refused where there is no room for it.
    fn answer(&mut self, answering: Answering<E>, result: Result<Payload, E::Refusal>, must: bool) {
        let Answering { encode, under_way } = answering;
        let Some(mut bytes) = encode.encode(result) else { return };
        let permit = match self.account.take(bytes.len()) {
            Ok(permit) => permit,
            Err(_) if must => self.account.take_anyway(bytes.len()),
            Err(error) => {
                bytes = encode.encode(Err(error.into())).unwrap_or_default();
                self.account.take_anyway(bytes.len())
            }
        };
        self.answers.push_back(Answer { after: self.app.log().head(), bytes, permit, _under_way: under_way });
    }
}
