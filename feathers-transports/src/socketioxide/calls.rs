//! The calls of one client: a few run at the same time, the others wait in the order in which they came.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use feathers_core::{Call, Result};

/// How many calls of one client run at the same time.
pub(super) const CONCURRENT: usize = 64;
/// How many bytes of calls of one client may wait.
const WAITING_BYTES: usize = 16 << 20;
/// What a waiting call costs besides its text.
const OVERHEAD: usize = 512;

/// A call, or why it cannot be made, and where the answer goes if one is wanted.
#[derive(Debug)]
pub(super) struct Job<R> {
    pub(super) reply: Option<R>,
    pub(super) call: Result<Call>,
    /// The length of the call's text in bytes.
    pub(super) size: usize,
}

/// What becomes of a new call.
#[derive(Debug)]
pub(super) enum Admission<R> {
    /// It runs now.
    Run(Box<Job<R>>),
    /// It waits for its turn.
    Wait,
    /// Too much waits already.
    Flood(Option<R>),
}

/// The calls of one client.
///
/// What waits is bounded in bytes; past the bound, calls are refused.
#[derive(Debug)]
pub(super) struct Calls<R>(Mutex<Queue<R>>);

#[derive(Debug)]
struct Queue<R> {
    running: usize,
    waiting: VecDeque<Job<R>>,
    bytes: usize,
}

impl<R> Calls<R> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Queue { running: 0, waiting: VecDeque::new(), bytes: 0 }))
    }

    /// Takes a new call in.
    pub(super) fn admit(&self, job: Job<R>) -> Admission<R> {
        let mut queue = self.lock();
        if queue.running < CONCURRENT {
            queue.running += 1;
            return Admission::Run(Box::new(job));
        }
        let bytes = queue.bytes + job.size + OVERHEAD;
        if bytes > WAITING_BYTES {
            return Admission::Flood(job.reply);
        }
        queue.bytes = bytes;
        queue.waiting.push_back(job);
        Admission::Wait
    }

    /// Notes the end of a call and returns the one whose turn it is.
    pub(super) fn finished(&self) -> Option<Job<R>> {
        let mut queue = self.lock();
        if let Some(job) = queue.waiting.pop_front() {
            queue.bytes -= job.size + OVERHEAD;
            return Some(job);
        }
        queue.running -= 1;
        None
    }

    fn lock(&self) -> MutexGuard<'_, Queue<R>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use feathers_core::Error;

    use super::*;

    fn job(reply: usize, size: usize) -> Job<usize> {
        Job { reply: Some(reply), call: Err(Error::general("unused")), size }
    }

    #[test]
    fn calls_past_the_limit_wait_in_order() {
        let calls = Calls::new();
        for id in 0..CONCURRENT {
            assert!(matches!(calls.admit(job(id, 10)), Admission::Run(_)));
        }
        assert!(matches!(calls.admit(job(100, 10)), Admission::Wait));
        assert!(matches!(calls.admit(job(101, 10)), Admission::Wait));
        assert_eq!(calls.finished().and_then(|job| job.reply), Some(100));
        assert_eq!(calls.finished().and_then(|job| job.reply), Some(101));
        assert!(calls.finished().is_none());
        assert!(matches!(calls.admit(job(102, 10)), Admission::Run(_)));
    }

    #[test]
    fn what_waits_is_bounded() {
        let calls = Calls::new();
        for id in 0..CONCURRENT {
            assert!(matches!(calls.admit(job(id, 10)), Admission::Run(_)));
        }
        assert!(matches!(calls.admit(job(100, WAITING_BYTES - OVERHEAD)), Admission::Wait));
        assert!(matches!(calls.admit(job(101, 0)), Admission::Flood(Some(101))));
        assert!(calls.finished().is_some());
        assert!(matches!(calls.admit(job(102, 0)), Admission::Wait));
    }
}
