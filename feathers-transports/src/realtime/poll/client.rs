//! One polling client: its session, and whose turn it is to read.
//!
//! A client may have several polls under way, on purpose or because it does not know that one was lost. Only the newest
//! reads; every older one sees that its turn is over and answers at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use feathers_core::{Connection, Cursor, Delivery, DisconnectReason, Session, Since, Subscription};
use tokio::time::Instant;

use super::batch::Batch;
use super::clients::Place;

/// A polling client, between its polls and during them.
#[derive(Debug)]
pub(super) struct Client {
    session: Session,
    state: Mutex<State>,
    _place: Place,
}

#[derive(Debug)]
struct State {
    /// The number of the newest poll.
    newest: u64,
    /// The task of the newest poll, while it waits.
    waiting: Option<Waker>,
    /// Reads on from where the last answer ended; `None` if it has read further than that.
    reader: Option<Subscription>,
    polls: usize,
    /// From when on it is idle, while there are no polls: later than now if a proxy has its poll.
    idle_since: Instant,
}

impl Client {
    pub(super) fn new(session: Session, place: Place) -> Self {
        let reader = Some(session.subscribe());
        let state = State { newest: 0, waiting: None, reader, polls: 0, idle_since: Instant::now() };
        Self { session, state: Mutex::new(state), _place: place }
    }

    pub(super) fn secret(&self) -> &Arc<str> {
        self.session.secret()
    }

    pub(super) fn connection(&self) -> &Connection {
        self.session.connection()
    }

    pub(super) fn is_over(&self) -> bool {
        self.session.connection().is_closed()
    }

    /// Ends the session; a poll that waits answers.
    pub(super) fn end(&self) {
        self.session.connection().disconnect();
    }

    /// Tells whether there has been no poll for this long.
    pub(super) fn is_idle(&self, session_timeout: Duration) -> bool {
        let state = self.lock();
        state.polls == 0 && state.idle_since.elapsed() >= session_timeout
    }

    /// Makes a poll the newest; it reads nothing before [`Turn::go_on_from`] or [`Turn::begin`].
    pub(super) fn next_turn(self: &Arc<Self>) -> Turn {
        let mut state = self.lock();
        state.newest += 1;
        state.polls += 1;
        if let Some(earlier) = state.waiting.take() {
            earlier.wake();
        }
        Turn { client: self.clone(), number: state.newest, start: None }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One poll. The client is idle when all of its polls are dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    client: Arc<Client>,
    number: u64,
    start: Option<Cursor>,
}

impl Turn {
    pub(crate) fn secret(&self) -> &Arc<str> {
        self.client.secret()
    }

    pub(crate) fn connection(&self) -> &Connection {
        self.client.connection()
    }

    /// Keeps the client for this long after the answer, which a proxy has and gives later.
    #[cfg(feature = "grip")]
    pub(crate) fn stay(&self, time: Duration) {
        self.client.lock().idle_since = Instant::now() + time;
    }

    /// Returns why the server has ended the session, if it has.
    pub(super) fn disconnect_reason(&self) -> Option<DisconnectReason> {
        self.client.session.connection().disconnect_reason().cloned()
    }

    /// Returns where the client stands before anything is read: a poll that is over at once leaves it there.
    pub(super) fn start(&self) -> Option<Cursor> {
        self.start
    }

    /// Reads on from where the session began.
    pub(super) fn begin(mut self, since: Since) -> Self {
        self.start = self.place(since);
        self
    }

    /// Reads on from where the client says. Nearly always that is where the last answer ended.
    pub(super) fn go_on_from(mut self, since: Since) -> Self {
        if let Some(mut state) = self.state() {
            let there =
                |reader: &Subscription| since == Since::Cursor(reader.cursor()) && reader.pending_reset().is_none();
            if !state.reader.as_ref().is_some_and(there) {
                state.reader = Some(self.client.session.subscribe_since(since));
            }
        }
        self.start = self.place(since);
        self
    }

    fn place(&self, since: Since) -> Option<Cursor> {
        match since {
            Since::Cursor(cursor) => Some(cursor),
            _ => self.state()?.reader.as_ref().map(Subscription::cursor),
        }
    }

    /// Takes what is there now.
    pub(crate) fn take_ready(&self, batch: &mut Batch) {
        let Some(mut state) = self.state() else { return };
        let Some(reader) = &mut state.reader else { return };
        if self.client.is_over() {
            return;
        }
        let left = loop {
            let delivery = if batch.is_closed() && !batch.is_full() { return } else { reader.try_next() };
            match delivery {
                None => {
                    batch.advance(reader.cursor());
                    break false;
                }
                // Full: this one was only to know whether there is more.
                Some(_) if batch.is_full() => break true,
                Some(delivery) if !batch.push(&delivery) => break true,
                Some(Delivery::Reset(_)) => break false,
                Some(_) => {}
            }
        };
        if left {
            batch.leave_rest();
            state.reader = None;
        }
    }

    /// Waits for something; ready with `false` if this poll has nothing more to read.
    pub(super) fn poll_wait(&self, cx: &mut Context<'_>, batch: &mut Batch) -> Poll<bool> {
        let Some(mut state) = self.state() else { return Poll::Ready(false) };
        let Some(reader) = &mut state.reader else { return Poll::Ready(false) };
        match reader.poll_next(cx) {
            Poll::Ready(None) => Poll::Ready(false),
            Poll::Ready(Some(delivery)) => {
                if batch.push(&delivery) {
                    return Poll::Ready(true);
                }
                batch.leave_rest();
                state.reader = None;
                Poll::Ready(false)
            }
            Poll::Pending => {
                state.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Returns the state while this is the newest poll.
    fn state(&self) -> Option<MutexGuard<'_, State>> {
        Some(self.client.lock()).filter(|state| state.newest == self.number)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.client.lock();
        state.polls -= 1;
        state.idle_since = state.idle_since.max(Instant::now());
        if state.newest == self.number {
            state.waiting = None;
        }
    }
}
