//! Tasks of the app: the shutdown waits for them, and drops them when it has waited long enough.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;
use slab::Slab;

use crate::call::blocking::watched;

/// The tasks that have run, and whether the shutdown has waited long enough for them.
#[derive(Debug, Default)]
pub(super) struct Over {
    is_over: AtomicBool,
    /// What wakes each task that has run. There is one for each connection, and a waker in a list is the smallest way
    /// to reach it.
    wakers: Mutex<Slab<Waker>>,
}

impl Over {
    /// Wakes every task, which finds out by itself what has changed.
    pub(super) fn wake_all(&self) {
        for (_, waker) in &*self.wakers() {
            waker.wake_by_ref();
        }
    }

    /// Drops every task.
    pub(super) fn set(&self) {
        self.is_over.store(true, Ordering::Release);
        self.wake_all();
    }

    fn is_set(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Registers a task, before it asks whether all is over.
    fn register(&self, waker: &Waker) -> usize {
        self.wakers().insert(waker.clone())
    }

    fn remove(&self, key: usize) {
        // Dropped without the lock: it may hold the last reference to a task.
        let _waker = self.wakers().try_remove(key);
    }

    fn wakers(&self) -> MutexGuard<'_, Slab<Waker>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pin_project! {
    /// One task. It is not an async block, which would have room for its work twice.
    pub(super) struct Task<F> {
        #[pin]
        work: F,
        registered: Registered,
    }
}

/// A task in the list of what is woken at the end.
struct Registered {
    over: Arc<Over>,
    key: Option<u32>,
}

impl Registered {
    /// Registers the task; it has one waker for all its life.
    #[cold]
    fn register(&mut self, waker: &Waker) {
        // More than four thousand million tasks do not fit into a process.
        self.key = u32::try_from(self.over.register(waker)).ok();
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.over.remove(key as usize);
        }
    }
}

impl<F: Future<Output = ()>> Task<F> {
    pub(super) fn new(work: F, over: Arc<Over>) -> Self {
        Self { work, registered: Registered { over, key: None } }
    }
}

impl<F: Future<Output = ()>> Future for Task<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let task = self.project();
        if task.registered.key.is_none() {
            task.registered.register(cx.waker());
        }
        if task.registered.over.is_set() {
            return Poll::Ready(());
        }
        watched("a task", || task.work.poll(cx))
    }
}
