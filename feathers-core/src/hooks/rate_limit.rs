//! A hook that bounds how often a user may call.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::call::context::Context;
use crate::call::hook::Hook;
use crate::data::error::{Error, Result};
use crate::event::log::Caller;

/// How many callers one hook knows at the same time.
const CALLERS: usize = 100_000;

/// Lets each user call so many times in a while, such as 5 times in a minute; one more is a 429 that says when to try
/// again.
///
/// The calls may come at once; each counts until it is as long ago as the while divided by their number, one after the
/// other. A caller who is not logged in counts by the address, all of a /64 of IPv6 together. Calls from inside pass.
/// Each hook counts for itself, all its methods together. Past 100,000 callers at the same time, further ones share one
/// count.
///
/// It comes after the hook `authenticate`, so that the user is known over REST too.
///
/// ```
/// # use feathers_core::facade as feathers;
/// use std::time::Duration;
///
/// use feathers::hook::rate_limit;
/// use feathers::{App, Document, Memory};
///
/// let mut app = App::new();
/// app.service("messages", Memory::<Document>::new())
///     .before("create", rate_limit(5, Duration::from_mins(1)));
/// ```
pub fn rate_limit(calls: u32, within: Duration) -> RateLimit {
    RateLimit { each: within / calls.max(1), within, callers: Mutex::default(), most: CALLERS }
}

/// The hook that [`rate_limit`] makes.
pub struct RateLimit {
    /// How long one call counts.
    each: Duration,
    within: Duration,
    callers: Mutex<Callers>,
    most: usize,
}

/// When the calls of each caller will have stopped counting.
#[derive(Default)]
struct Callers {
    known: HashMap<Caller, Instant>,
    others: Option<Instant>,
}

impl RateLimit {
    /// Counts a call, or returns how long the caller has to wait.
    fn count(&self, caller: Caller, now: Instant) -> Result<(), Duration> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let Callers { known, others } = &mut *callers;
        if known.len() >= self.most && !known.contains_key(&caller) {
            known.retain(|_, until| *until > now);
        }
        let is_known = known.contains_key(&caller) || known.len() < self.most;
        let until = if is_known { known.entry(caller).or_insert(now) } else { others.get_or_insert(now) };
        let next = (*until).max(now) + self.each;
        match next.checked_duration_since(now + self.within) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *until = next;
                Ok(())
            }
        }
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit").field("each", &self.each).field("within", &self.within).finish_non_exhaustive()
    }
}

#[async_trait]
impl Hook for RateLimit {
    async fn run(&self, ctx: &mut Context) -> Result<()> {
        if !ctx.params.is_external() {
            return Ok(());
        }
        let caller = match ctx.app().subject(&ctx.params) {
            Some(subject) => Caller::user(&subject),
            None => Caller::of(ctx.params.connection.as_ref(), ctx.params.address),
        };
        self.count(caller, Instant::now())
            .map_err(|wait| Error::too_many_requests("too many calls, try again later").with_retry_after(wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(limit: &RateLimit, caller: &str, now: Instant) -> usize {
        (0..10).take_while(|_| limit.count(Caller::user(caller), now).is_ok()).count()
    }

    #[test]
    fn calls_come_at_once_and_then_one_after_the_other() {
        let (limit, start) = (rate_limit(3, Duration::from_mins(1)), Instant::now());
        assert_eq!(passing(&limit, "ann", start), 3);
        assert_eq!(limit.count(Caller::user("ann"), start), Err(Duration::from_secs(20)));
        assert_eq!(passing(&limit, "bob", start), 3);
        assert_eq!(passing(&limit, "ann", start + Duration::from_secs(19)), 0);
        assert_eq!(passing(&limit, "ann", start + Duration::from_secs(20)), 1);
        assert_eq!(passing(&limit, "ann", start + Duration::from_mins(10)), 3);
        // None at all is one at a time.
        assert_eq!(passing(&rate_limit(0, Duration::from_mins(1)), "ann", start), 1);
    }

    #[test]
    fn a_table_that_is_full_forgets_who_may_call_and_else_counts_new_callers_together() {
        let limit = RateLimit { most: 2, ..rate_limit(2, Duration::from_mins(1)) };
        let start = Instant::now();
        assert_eq!((passing(&limit, "ann", start), passing(&limit, "bob", start)), (2, 2));
        assert_eq!((passing(&limit, "carl", start), passing(&limit, "dora", start)), (2, 0));
        assert_eq!(passing(&limit, "ann", start + Duration::from_secs(30)), 1);
        let later = start + Duration::from_mins(10);
        assert_eq!((passing(&limit, "carl", later), passing(&limit, "dora", later)), (2, 2));
    }
}
