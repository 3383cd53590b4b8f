//! What a store is told of the call that it works for.

use std::time::Duration;

use tokio::time::Instant;

use crate::data::error::{Error, Result};
use crate::event::commit::Commit;
use crate::event::connection::Connection;
use crate::store::cancellation::{CancelOnDrop, Cancellation};

/// The call that a store works for: its commit, its deadline and its caller. Copying it is cheap.
///
/// Every method of [`Store`](crate::Store) takes it. More may be added to it later without a change of any store.
///
/// A call is cancelled by dropping its future. A read ends then, and a write that has begun is finished.
/// A store that works on another thread, where nothing is dropped, looks at [`StoreContext::cancellation`].
///
/// ```
/// # use feathers_core::facade as feathers;
/// use feathers::query::Query;
/// use feathers::store::{Store, StoreContext};
/// use feathers::{Document, Memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> feathers::Result<()> {
/// let todos = Memory::<Document>::new();
/// let found = todos.store().find(&Query::default(), &StoreContext::NONE).await?;
/// assert!(found.records.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StoreContext<'a> {
    commit: &'a Commit,
    deadline: Option<Instant>,
    caller: Option<&'a Connection>,
}

static NO_COMMIT: Commit = Commit::none();

impl StoreContext<'static> {
    /// For using a store without an app: no events, no deadline, no caller.
    pub const NONE: Self = Self { commit: &NO_COMMIT, deadline: None, caller: None };
}

impl<'a> StoreContext<'a> {
    /// Sets the commit that the store reports its changes to.
    pub fn with_commit(self, commit: &'a Commit) -> Self {
        Self { commit, ..self }
    }

    /// Sets when the answer is of no use any more.
    pub fn with_deadline(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// Sets the connection of the caller.
    pub fn with_caller(self, caller: Option<&'a Connection>) -> Self {
        Self { caller, ..self }
    }

    /// Returns the commit that the store reports its changes to.
    pub fn commit(&self) -> &'a Commit {
        self.commit
    }

    /// Returns when the answer is of no use any more; `None` for never.
    ///
    /// Only reads have a deadline: a call that may change something is finished, however long that takes.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Returns when work that begins now and may take as long as `limit` must end: at the deadline, if that is earlier.
    pub fn until(&self, limit: Duration) -> Instant {
        let until = Instant::now() + limit;
        self.deadline.map_or(until, |deadline| deadline.min(until))
    }

    /// Checks the deadline.
    ///
    /// # Errors
    /// The deadline has passed: a 408.
    pub fn check_deadline(&self) -> Result<()> {
        match self.deadline {
            Some(deadline) if deadline <= Instant::now() => Err(Error::timeout("The deadline of the call has passed")),
            _ => Ok(()),
        }
    }

    /// Returns what tells work on another thread that its result is not needed any more, and what makes it do so.
    ///
    /// Keep the second in the future of the call: that it is dropped before the work is done cancels the work.
    pub fn cancellation(&self) -> (Cancellation, CancelOnDrop) {
        Cancellation::new(self.deadline)
    }

    /// Returns the connection of the caller; `None` for calls from inside the server, and on transports without
    /// connections.
    pub fn caller(&self) -> Option<&'a Connection> {
        self.caller
    }
}
