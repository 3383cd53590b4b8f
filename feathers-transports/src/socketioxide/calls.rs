//! The calls of one client: a few run at the same time, the others wait in the order in which they came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use feathers_core::{Error, Params, Result, UnderWay};

use crate::kit::budget::{Account, OVERHEAD, Permit};
use crate::kit::calls::{Bucket, CONCURRENT};

/// How many calls of one client may wait for their turn.
const WAITING: usize = 1_024;

/// A call as the client has sent it, and where the answer goes if one is wanted.
#[derive(Debug)]
pub(super) struct Job<R> {
    pub(super) reply: Option<R>,
    /// Its text and what it is made with, or why it cannot be made. It is decoded when it runs.
    pub(super) call: Result<(Bytes, Params)>,
    /// The connection waits for its end.
    pub(super) under_way: Option<UnderWay>,
    /// The leave to hold the text.
    pub(super) permit: Permit,
}

/// The calls of one client.
#[derive(Debug)]
pub(super) struct Calls<R> {
    account: Arc<Account>,
    bucket: Bucket,
    queue: Mutex<Queue<R>>,
}

#[derive(Debug)]
struct Queue<R> {
    running: usize,
    waiting: VecDeque<Job<R>>,
}

impl<R> Calls<R> {
    pub(super) fn new(account: Arc<Account>, bucket: Bucket) -> Self {
        Self { account, bucket, queue: Mutex::new(Queue { running: 0, waiting: VecDeque::new() }) }
    }

    /// Gives leave for a call whose text has so many bytes, or says why it is not even tried.
    pub(super) fn admit(&self, size: usize) -> Result<Permit> {
        self.bucket.take()?;
        if self.lock().waiting.len() >= WAITING {
            metrics::counter!(feathers_core::metrics::REFUSED, "bound" => "calls").increment(1);
            return Err(Error::too_many_requests("too many calls at the same time"));
        }
        self.account.take(OVERHEAD + size)
    }

    /// Takes a new call in; returns it if it runs now.
    pub(super) fn submit(&self, job: Job<R>) -> Option<Box<Job<R>>> {
        let mut queue = self.lock();
        if queue.running < CONCURRENT {
            queue.running += 1;
            return Some(Box::new(job));
        }
        queue.waiting.push_back(job);
        None
    }

    /// Notes the end of a call and returns the one whose turn it is.
    pub(super) fn finished(&self) -> Option<Job<R>> {
        let mut queue = self.lock();
        let next = queue.waiting.pop_front();
        if next.is_none() {
            queue.running -= 1;
        }
        next
    }

    fn lock(&self) -> MutexGuard<'_, Queue<R>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kit::budget::{Budget, Limits, Meter};
    use crate::kit::calls::DEFAULT_RATE;

    fn calls(connection: usize) -> Calls<usize> {
        let limits = Limits { max_in_flight_per_connection: connection, ..Limits::default() };
        let budget = Budget::new(limits, Duration::from_secs(30));
        Calls::new(Meter::of_session(&budget, None).account(), Bucket::new(DEFAULT_RATE))
    }

    fn submit(calls: &Calls<usize>, reply: usize, size: usize) -> Result<bool> {
        let permit = calls.admit(size)?;
        let call = Ok((Bytes::new(), Params::new()));
        Ok(calls.submit(Job { reply: Some(reply), call, under_way: None, permit }).is_some())
    }

    #[test]
    fn calls_past_the_limit_wait_in_order() {
        let calls = calls(1 << 20);
        for id in 0..CONCURRENT {
            assert!(submit(&calls, id, 10).unwrap());
        }
        assert!(!submit(&calls, 100, 10).unwrap() && !submit(&calls, 101, 10).unwrap());
        assert_eq!(calls.finished().and_then(|job| job.reply), Some(100));
        assert_eq!(calls.finished().and_then(|job| job.reply), Some(101));
        assert!(calls.finished().is_none());
        assert!(submit(&calls, 102, 10).unwrap());
    }

    #[test]
    fn what_waits_is_bounded() {
        let calls = calls(10_000);
        for id in 0..CONCURRENT {
            assert!(submit(&calls, id, 0).unwrap());
        }
        assert!(!submit(&calls, 100, 10_000 - OVERHEAD).unwrap());
        assert_eq!(submit(&calls, 101, 0).unwrap_err().code(), 429);
        assert!(calls.finished().is_some());
        assert!(!submit(&calls, 102, 0).unwrap());
        let calls = self::calls(1 << 30);
        let admitted = (0..2_000).take_while(|id| submit(&calls, *id, 0).is_ok()).count();
        assert_eq!(admitted, CONCURRENT + WAITING);
    }
}
