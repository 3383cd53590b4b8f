//! The clock of a subscription: a heartbeat is due when nothing has come for a while, and at some time it is over.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};

/// As good as never, and can be added to any time.
const NEVER: Duration = Duration::from_hours(24 * 365);

/// A timer that every event puts off, at little cost: it is set anew only when it has come too soon, and the task is
/// registered with it only once.
///
/// The end has no timer of its own: each would be one more place in memory that every event looks at.
#[derive(Debug)]
pub(super) struct Heartbeat {
    every: Duration,
    end: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    /// Who is woken by the timer.
    registered: Option<Waker>,
    /// Since when it is quiet; `None` if something has come since it was asked last.
    quiet: Option<Instant>,
}

/// What the time has come for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beat {
    /// A heartbeat.
    Due,
    /// The end.
    Over,
}

impl Heartbeat {
    pub(super) fn new(every: Duration) -> Self {
        let every = every.min(NEVER);
        let timer = Box::pin(tokio::time::sleep(every));
        Self { every, end: None, timer, registered: None, quiet: Some(Instant::now()) }
    }

    /// Sets the end.
    pub(super) fn end_after(&mut self, time: Duration) {
        // What is too far away to be named never comes.
        self.end = Instant::now().checked_add(time);
        let first = self.timer.deadline();
        self.reset(first);
    }

    /// Tells whether the end has come, also while there is always something to read.
    pub(super) fn is_over(&self) -> bool {
        self.end.is_some_and(|end| end <= Instant::now())
    }

    /// Notes that something has come.
    pub(super) fn put_off(&mut self) {
        self.quiet = None;
    }

    /// Polls for the next heartbeat or the end; the heartbeat after one is due as long after that.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Beat> {
        let mut quiet = *self.quiet.get_or_insert_with(Instant::now);
        let registered = self.registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if registered && !self.timer.is_elapsed() {
            return Poll::Pending;
        }
        let mut due = Poll::Pending;
        // Out of turn, a timer would be pending without having noted whom to wake.
        while Pin::new(&mut unconstrained(self.timer.as_mut())).poll(cx).is_ready() {
            if self.is_over() {
                return Poll::Ready(Beat::Over);
            }
            let now = Instant::now();
            if quiet + self.every <= now {
                quiet = now;
                due = Poll::Ready(Beat::Due);
            }
            self.reset(quiet + self.every);
        }
        (self.quiet, self.registered) = (Some(quiet), Some(cx.waker().clone()));
        due
    }

    /// Sets the timer to a heartbeat, or to the end if that comes first.
    fn reset(&mut self, beat: Instant) {
        self.timer.as_mut().reset(self.end.map_or(beat, |end| end.min(beat)));
    }
}
