//! The timer for the heads of requests, one for the life of a connection.
//!
//! hyper makes a timer for every request that it waits for, and drops it when the head has come.
//! On a busy connection nearly all of them are put into the runtime's wheel and taken out again for nothing.
//! So there is one timer that is left to run; when it fires, it looks whether a wait is over, and goes on if not.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// Times one connection. Not more than one of its waits may be polled at a time, as HTTP/1 does it.
#[derive(Clone, Debug, Default)]
pub(super) struct HeadTimer(Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>);

/// One wait.
struct Wait {
    timer: HeadTimer,
    until: tokio::time::Instant,
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Wait { timer: self.clone(), until: deadline.into() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sleep = shared.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(self.until)));
        if sleep.deadline() > self.until {
            sleep.as_mut().reset(self.until);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= self.until {
                return Poll::Ready(());
            }
            // It was left to run for an earlier wait.
            sleep.as_mut().reset(self.until);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn every_wait_takes_its_own_time() {
        let timer = HeadTimer::default();
        let start = tokio::time::Instant::now();
        let seconds = |number| Duration::from_secs(number);
        timer.sleep(seconds(10)).await;
        assert_eq!(start.elapsed(), seconds(10));
        // A timer that is cancelled at once, as most are, does not end the next one early.
        let mut given_up = timer.sleep(seconds(10));
        assert!(futures_util::poll!(given_up.as_mut()).is_pending());
        drop(given_up);
        tokio::time::advance(seconds(4)).await;
        timer.sleep(seconds(10)).await;
        assert_eq!(start.elapsed(), seconds(24));
        // A shorter one does not wait for a longer one.
        let mut long = timer.sleep(seconds(100));
        assert!(futures_util::poll!(long.as_mut()).is_pending());
        drop(long);
        timer.sleep(seconds(1)).await;
        assert_eq!(start.elapsed(), seconds(25));
    }
}
