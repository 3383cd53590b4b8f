//! Timers and signals for the task of a connection, at little cost each time that the task is woken.
//!
//! Every event wakes the tasks of its subscribers, and each poll of a timer or of a signal takes a lock to note the
//! task to wake. Here that is noted once. From then on there is only a look at whether it has come.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};

/// Something that comes once, such as the end of the server.
pub(crate) struct OncePolled<F> {
    future: F,
    /// The task that is woken when it comes.
    registered: Option<Waker>,
}

impl<F: Future + Unpin> OncePolled<F> {
    /// Waits for a future.
    pub(crate) fn new(future: F) -> Self {
        Self { future, registered: None }
    }

    /// Polls the future, unless the task is to be woken by it already and it says that it `has_come` not.
    ///
    /// `has_come` is true from the moment on in which the future wakes the task.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, has_come: impl FnOnce(&F) -> bool) -> Poll<F::Output> {
        if self.registered.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) && !has_come(&self.future) {
            return Poll::Pending;
        }
        // Out of turn, a timer would be pending without having noted the task to wake.
        let polled = Pin::new(&mut unconstrained(&mut self.future)).poll(cx);
        self.registered = polled.is_pending().then(|| cx.waker().clone());
        polled
    }
}

impl<F> fmt::Debug for OncePolled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OncePolled").field("registered", &self.registered.is_some()).finish_non_exhaustive()
    }
}

/// A timer that can be reset.
#[derive(Debug)]
pub struct Timer(OncePolled<Pin<Box<Sleep>>>);

impl Timer {
    /// Sets it for the first time.
    pub fn after(time: Duration) -> Self {
        Self(OncePolled::new(Box::pin(tokio::time::sleep(time))))
    }

    /// Resets it, whether it has come or not.
    pub fn set(&mut self, after: Duration) {
        self.0.future.as_mut().reset(Instant::now() + after);
        self.0.registered = None;
    }

    /// Tells whether the time has come; if not, the task is woken when it does.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll(cx, |sleep| sleep.is_elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::task::coop::poll_proceed;
    use tokio::time::advance;
    use tokio_util::sync::CancellationToken;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    async fn is_over(alarm: &mut Timer) -> bool {
        poll_fn(|cx| Poll::Ready(alarm.poll(cx).is_ready())).await
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_comes_when_it_was_set_last() {
        let mut alarm = Timer::after(SECOND);
        assert!(!is_over(&mut alarm).await);
        advance(SECOND / 2).await;
        alarm.set(SECOND);
        for _ in 0..3 {
            assert!(!is_over(&mut alarm).await);
        }
        advance(Duration::from_millis(998)).await;
        assert!(!is_over(&mut alarm).await);
        advance(Duration::from_millis(3)).await;
        assert!(is_over(&mut alarm).await);
        alarm.set(SECOND / 4);
        assert!(!is_over(&mut alarm).await);
        // It wakes the task that was noted once.
        poll_fn(|cx| alarm.poll(cx)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_had_its_turn_is_woken_all_the_same() {
        let mut alarm = Timer::after(SECOND);
        let mut has_had = false;
        let waiting = poll_fn(|cx| {
            if !has_had {
                has_had = true;
                while let Poll::Ready(turn) = poll_proceed(cx) {
                    turn.made_progress();
                }
            }
            alarm.poll(cx)
        });
        tokio::time::timeout(2 * SECOND, waiting).await.expect("it is woken");
    }

    #[tokio::test(start_paused = true)]
    async fn a_signal_wakes_the_task_that_asked_last() {
        let (end, asked) = (CancellationToken::new(), CancellationToken::new());
        let mut signal = OncePolled::new(Box::pin(end.clone().cancelled_owned()));
        let here = poll_fn(|cx| Poll::Ready(signal.poll(cx, |_| end.is_cancelled()))).await;
        assert!(here.is_pending());
        let (its_end, has_asked) = (end.clone(), asked.clone());
        let task = tokio::spawn(poll_fn(move |cx| {
            let polled = signal.poll(cx, |_| its_end.is_cancelled());
            has_asked.cancel();
            polled
        }));
        asked.cancelled().await;
        end.cancel();
        tokio::time::timeout(SECOND, task).await.expect("the task is woken").unwrap();
    }
}
