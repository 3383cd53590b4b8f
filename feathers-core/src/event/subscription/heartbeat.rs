//! The heartbeat of a subscription: it is due when nothing has come for a while.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};

/// A timer that every event puts off, at little cost: it is set again only when it has come too soon, and the task is
/// registered with it only once.
#[derive(Debug)]
pub(super) struct Heartbeat {
    every: Duration,
    timer: Pin<Box<Sleep>>,
    /// The task that the timer wakes.
    registered: Option<Waker>,
    /// Since when it is quiet; `None` if something has come since it was asked last.
    quiet: Option<Instant>,
}

impl Heartbeat {
    pub(super) fn new(every: Duration) -> Self {
        let timer = Box::pin(tokio::time::sleep(every));
        Self { every, timer, registered: None, quiet: Some(Instant::now()) }
    }

    /// Notes that something has come.
    pub(super) fn put_off(&mut self) {
        self.quiet = None;
    }

    /// Polls for the next heartbeat; the one after it is due as long after that.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut quiet = *self.quiet.get_or_insert_with(Instant::now);
        let registered = self.registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if registered && !self.timer.is_elapsed() {
            return Poll::Pending;
        }
        let mut due = Poll::Pending;
        // Out of turn, a timer would be pending without having noted the waker.
        while Pin::new(&mut unconstrained(self.timer.as_mut())).poll(cx).is_ready() {
            let now = Instant::now();
            if quiet + self.every <= now {
                quiet = now;
                due = Poll::Ready(());
            }
            self.timer.as_mut().reset(quiet + self.every);
        }
        (self.quiet, self.registered) = (Some(quiet), Some(cx.waker().clone()));
        due
    }
}
