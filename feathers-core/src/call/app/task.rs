//! Tasks of the app: the shutdown waits for them, and drops them when it has waited long enough.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::call::blocking::Watch;

/// Says that the shutdown has waited long enough.
#[derive(Debug, Default)]
pub(super) struct Over {
    is_over: AtomicBool,
    notify: Arc<Notify>,
}

impl Over {
    /// Drops every task.
    pub(super) fn set(&self) {
        self.is_over.store(true, Ordering::Release);
        self.notify.notify_waiters();
    }

    fn is_set(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

pin_project! {
    /// One task. It is not an async block, which would have room for its work twice.
    pub(super) struct Task<F> {
        #[pin]
        work: F,
        #[pin]
        notified: OwnedNotified,
        is_registered: bool,
        over: Arc<Over>,
        watch: Watch,
    }
}

impl<F: Future<Output = ()>> Task<F> {
    pub(super) fn new(work: F, over: Arc<Over>) -> Self {
        let notified = over.notify.clone().notified_owned();
        Self { work, notified, is_registered: false, over, watch: Watch::default() }
    }
}

impl<F: Future<Output = ()>> Future for Task<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.project();
        // A task of the runtime has one waker for all its life, so that it registers once; a look is enough after that.
        if !std::mem::replace(task.is_registered, true) && task.notified.poll(cx).is_ready() || task.over.is_set() {
            return Poll::Ready(());
        }
        task.watch.poll("a task", || task.work.poll(cx))
    }
}
