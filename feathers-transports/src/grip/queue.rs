//! What is to be published, in the order of the log, with a position for each proxy.
//!
//! A proxy that is down delays nobody: what it has not taken waits here up to a bound, and what falls out of that is
//! skipped for it. Its clients find the gap by the ids, and ask again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::item::Item;

/// How many items wait for proxies at most, and how many bytes they have.
const ITEMS: usize = 20_000;
const BYTES: usize = 64 << 20;

/// The items that not every proxy has taken yet.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    more: Notify,
}

struct Inner {
    items: VecDeque<Arc<Item>>,
    bytes: usize,
    /// The number of the first item.
    first: u64,
    /// The number of the next item of each proxy.
    next: Vec<u64>,
}

/// The next items of one proxy.
pub(super) struct Batch {
    pub(super) items: Vec<Arc<Item>>,
    /// How many it has missed before these.
    pub(super) skipped: u64,
    /// How many wait after these.
    pub(super) behind: u64,
    end: u64,
}

impl Queue {
    pub(super) fn new(proxies: usize) -> Self {
        let inner = Inner { items: VecDeque::new(), bytes: 0, first: 0, next: vec![0; proxies] };
        Self { inner: Mutex::new(inner), more: Notify::new() }
    }

    pub(super) fn push(&self, item: Item) {
        {
            let mut inner = self.lock();
            inner.bytes += item.size();
            inner.items.push_back(Arc::new(item));
            while inner.items.len() > ITEMS || inner.bytes > BYTES {
                inner.pop();
            }
        }
        self.more.notify_waiters();
    }

    /// Returns the next items of a proxy, up to a number and a size; it stays where it is until [`Queue::taken`].
    pub(super) fn batch(&self, proxy: usize, most: usize, bytes: usize) -> Batch {
        let inner = self.lock();
        let next = inner.next.get(proxy).copied().unwrap_or_default();
        let start = next.max(inner.first);
        let offset = usize::try_from(start - inner.first).unwrap_or(usize::MAX);
        let mut size = 0;
        let fits = |item: &&Arc<Item>| {
            size += item.size();
            size <= bytes || size == item.size()
        };
        let items: Vec<_> = inner.items.iter().skip(offset).take(most).take_while(fits).cloned().collect();
        let end = start + items.len() as u64;
        let all = inner.first + inner.items.len() as u64;
        Batch { items, skipped: start - next, behind: all - end, end }
    }

    /// Notes that a proxy is done with a batch.
    pub(super) fn taken(&self, proxy: usize, batch: &Batch) {
        let mut inner = self.lock();
        if let Some(next) = inner.next.get_mut(proxy) {
            *next = batch.end;
        }
        let slowest = inner.next.iter().copied().min().unwrap_or(u64::MAX);
        while inner.first < slowest && inner.pop() {}
    }

    /// Waits until there is something for a proxy.
    pub(super) async fn wait(&self, proxy: usize) {
        let mut more = std::pin::pin!(self.more.notified());
        // Registered before the look, so that what comes between the two is not missed.
        more.as_mut().enable();
        if self.batch(proxy, 1, usize::MAX).items.is_empty() {
            more.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Forgets the first item; `false` if there is none.
    fn pop(&mut self) -> bool {
        let Some(item) = self.items.pop_front() else { return false };
        self.bytes -= item.size();
        self.first += 1;
        if self.items.is_empty() {
            // A burst's memory is not kept.
            self.items = VecDeque::new();
        }
        true
    }
}
