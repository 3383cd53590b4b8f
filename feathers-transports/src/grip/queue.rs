//! What is to be published, in the order of the log, with a position for each proxy.
//!
//! A proxy that is down delays no other proxy: what it has not taken waits here up to a bound, and what falls out of
//! that is skipped for it. Its clients find the gap by the ids, and ask again.

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
#[derive(Default)]
pub(super) struct Batch {
    pub(super) items: Vec<Arc<Item>>,
    /// How many it has missed before these, since it was last asked for.
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

    /// Returns the next items of a proxy, up to a number and a size; they stay the next ones until [`Queue::taken`].
    pub(super) fn batch(&self, proxy: usize, most: usize, bytes: usize) -> Batch {
        let mut inner = self.lock();
        let first = inner.first;
        let Some(next) = inner.next.get_mut(proxy) else { return Batch::default() };
        let start = first.max(*next);
        let skipped = start - std::mem::replace(next, start);
        let offset = usize::try_from(start - inner.first).unwrap_or(usize::MAX);
        let mut size = 0;
        let fits = |item: &&Arc<Item>| {
            size += item.size();
            size <= bytes || size == item.size()
        };
        let items: Vec<_> = inner.items.iter().skip(offset).take(most).take_while(fits).cloned().collect();
        let end = start + items.len() as u64;
        let all = inner.first + inner.items.len() as u64;
        Batch { items, skipped, behind: all - end, end }
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
        if self.is_done(proxy) {
            more.await;
        }
    }

    /// Tells whether a proxy has taken everything.
    fn is_done(&self, proxy: usize) -> bool {
        let inner = self.lock();
        let all = inner.first + inner.items.len() as u64;
        inner.next.get(proxy).is_none_or(|next| *next >= all)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &Queue, count: usize) {
        for _ in 0..count {
            queue.push(Item::ping("w-1".into()));
        }
    }

    #[test]
    fn each_proxy_is_brought_everything_in_its_own_time() {
        let queue = Queue::new(2);
        push(&queue, 5);
        let first = queue.batch(0, 3, usize::MAX);
        assert_eq!((first.items.len(), first.behind, first.skipped), (3, 2, 0));
        assert_eq!(queue.batch(0, 3, usize::MAX).items.len(), 3, "until they are taken");
        queue.taken(0, &first);
        let second = queue.batch(0, 3, usize::MAX);
        assert_eq!((second.items.len(), second.behind), (2, 0));
        queue.taken(0, &second);
        assert_eq!((queue.is_done(0), queue.is_done(1)), (true, false));
        let all = queue.batch(1, 10, usize::MAX);
        assert_eq!(all.items.len(), 5);
        assert_eq!(queue.batch(1, 10, 1).items.len(), 1, "one always fits");
        queue.taken(1, &all);
        assert!(queue.lock().items.is_empty());
    }

    #[test]
    fn what_waits_is_bounded_and_the_oldest_is_missed() {
        let queue = Queue::new(2);
        push(&queue, ITEMS);
        queue.taken(0, &queue.batch(0, ITEMS, usize::MAX));
        push(&queue, 7);
        let slow = queue.batch(1, 10, usize::MAX);
        assert_eq!((slow.skipped, slow.items.len(), slow.behind), (7, 10, ITEMS as u64 - 10));
        assert_eq!(queue.batch(1, 10, usize::MAX).skipped, 0, "it is reported once");
        let fast = queue.batch(0, 10, usize::MAX);
        assert_eq!((fast.skipped, fast.items.len()), (0, 7));
        let text = bytes::Bytes::from(vec![b'x'; BYTES / 2]);
        for _ in 0..3 {
            queue.push(Item::text("w-1".into(), text.clone()));
        }
        assert_eq!(queue.lock().items.len(), 1);
        assert!(queue.lock().bytes <= BYTES);
    }
}
