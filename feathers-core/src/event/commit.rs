//! Commits: the moment at which a change becomes visible, which fixes the slot of its events in the log.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::data::error::Result;
use crate::event::change::{Change, StoreChange};
use crate::event::log::{Caller, EventLog, Reservation, Slot};

/// Says when a change is visible, so that its events are in the order of commits, and what has changed.
///
/// A store calls [`Commit::reached`] inside its critical section. It never waits and never fails.
#[derive(Clone, Debug, Default)]
pub struct Commit(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    slots: Option<Slots>,
    /// The images of what has changed; `None` where they are not wanted.
    changes: Option<OnceLock<Vec<Change>>>,
    check: Option<CommitCheck>,
    /// What has changed in other stores.
    others: OnceLock<Vec<StoreChange>>,
}

/// What may refuse a change before it is stored.
#[derive(Clone)]
struct CommitCheck(Arc<Check>);

type Check = dyn Fn(&[Change]) -> Result<()> + Send + Sync;

impl fmt::Debug for CommitCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CommitCheck")
    }
}

/// The slots of the events in the log.
#[derive(Debug)]
struct Slots {
    log: EventLog,
    caller: Option<Caller>,
    reservation: OnceLock<Reservation>,
}

impl Inner {
    fn new(slots: Option<Slots>, changes: Option<OnceLock<Vec<Change>>>, check: Option<CommitCheck>) -> Self {
        Self { slots, changes, check, others: OnceLock::new() }
    }
}

impl Commit {
    /// Makes a commit that takes no slots and keeps nothing.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Makes a commit that keeps what has changed, for using a store without an app.
    ///
    /// ```
    /// # use feathers_core::facade as feathers;
    /// use feathers::store::{Commit, Store, StoreContext};
    /// use feathers::{Document, Memory};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> feathers::Result<()> {
    /// let todos = Memory::<Document>::new();
    /// let commit = Commit::recording();
    /// todos.store().create(vec![Document::default()], &StoreContext::NONE.with_commit(&commit)).await?;
    /// let [change] = commit.changes() else { panic!("one record is new") };
    /// assert!(change.before().is_none() && change.after().is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn recording() -> Self {
        Self(Some(Arc::new(Inner::new(None, Some(OnceLock::new()), None))))
    }

    pub(crate) fn to(log: &EventLog, caller: Option<Caller>) -> Self {
        let slots = Slots { log: log.clone(), caller, reservation: OnceLock::new() };
        Self(Some(Arc::new(Inner::new(Some(slots), None, None))))
    }

    /// Makes a commit to the same log that keeps what has changed, unless this one does, or has been reached.
    pub(crate) fn record(&mut self) {
        if self.is_recording() || self.is_reached() {
            return;
        }
        let check = self.0.as_ref().and_then(|inner| inner.check.clone());
        self.0 = Some(Arc::new(Inner::new(self.new_slots(), Some(OnceLock::new()), check)));
    }

    /// Makes a commit to the same log that asks a check before it, unless this one has been reached.
    pub(crate) fn check_with(&mut self, check: impl Fn(&[Change]) -> Result<()> + Send + Sync + 'static) {
        if self.is_reached() {
            return;
        }
        let changes = self.is_recording().then(OnceLock::new);
        let check = Some(CommitCheck(Arc::new(check)));
        self.0 = Some(Arc::new(Inner::new(self.new_slots(), changes, check)));
    }

    /// Returns slots in the same log that are not taken yet.
    fn new_slots(&self) -> Option<Slots> {
        let slots = self.slots()?;
        Some(Slots { log: slots.log.clone(), caller: slots.caller, reservation: OnceLock::new() })
    }

    fn is_recording(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.changes.is_some())
    }

    fn is_reached(&self) -> bool {
        self.slots().is_some_and(|slots| slots.reservation.get().is_some())
    }

    /// Tells whether images of the records before and after the change are wanted, which a store may have to read.
    pub fn wants_images(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.changes.is_some() || inner.check.is_some())
    }

    /// Asks whether the changes may be stored. A store that says so in
    /// [`Store::checks_commits`](crate::Store::checks_commits) asks it in the same transaction, after the last read and
    /// before the change is visible, with all changes of the write.
    ///
    /// `changes` is only asked where there is a check; it returns what it does for [`Commit::reached`].
    ///
    /// # Errors
    /// The change is refused: the write fails with this error, and nothing is stored.
    pub fn check(&self, changes: impl FnOnce() -> Vec<Change>) -> Result<()> {
        match self.0.as_ref().and_then(|inner| inner.check.as_ref()) {
            Some(check) => (check.0)(&changes()),
            None => Ok(()),
        }
    }

    /// Says that this many records have changed, and which. Only the first call counts.
    ///
    /// It takes the next slots in the event log, one for each record. `changes` is only asked where
    /// [`Commit::wants_images`]; it returns one for each record, in the order in which the store returns them.
    pub fn reached(&self, count: usize, changes: impl FnOnce() -> Vec<Change>) {
        let Some(inner) = self.0.as_ref().filter(|_| count > 0) else { return };
        if let Some(kept) = &inner.changes {
            kept.get_or_init(changes);
        }
        self.reserve(count);
    }

    /// Says what [`Commit::reached`] says, and what has changed in other stores in the same commit.
    ///
    /// The slots of the others come first, in the order given. They are told whether images are wanted or not: each
    /// becomes an event of the services of its store.
    pub fn reached_with(&self, others: Vec<StoreChange>, count: usize, changes: impl FnOnce() -> Vec<Change>) {
        if let Some(inner) = self.0.as_ref().filter(|_| !others.is_empty()) {
            self.reserve(others.len() + count);
            inner.others.get_or_init(|| others);
        }
        self.reached(count, changes);
    }

    /// Returns what has changed in other stores than the one that the call is for, in the order of the commit.
    pub fn others(&self) -> &[StoreChange] {
        self.0.as_ref().and_then(|inner| inner.others.get()).map(Vec::as_slice).unwrap_or_default()
    }

    /// Takes the next of the reserved slots; `None` if none was reserved.
    pub(crate) fn next_slot(&self) -> Option<Slot> {
        Some(self.slots()?.reservation.get()?.slot())
    }

    /// Returns what has changed, where images were wanted and the store has reached its commit.
    pub fn changes(&self) -> &[Change] {
        let changes = self.0.as_ref().and_then(|inner| inner.changes.as_ref()?.get());
        changes.map(Vec::as_slice).unwrap_or_default()
    }

    /// Tells whether slots are wanted and not taken yet.
    pub(crate) fn is_open(&self) -> bool {
        self.slots().is_some_and(|slots| slots.reservation.get().is_none())
    }

    /// Releases the slots that have no event: the others of the call wait for them.
    pub(crate) fn release(&self) {
        if let Some(reservation) = self.slots().and_then(|slots| slots.reservation.get()) {
            reservation.release();
        }
    }

    /// Returns the reserved slots, or takes some now if the service has no store that did.
    pub(crate) fn reserve(&self, count: usize) -> Option<&Reservation> {
        let slots = self.slots().filter(|_| count > 0)?;
        Some(slots.reservation.get_or_init(|| slots.log.reserve(count, slots.caller)))
    }

    fn slots(&self) -> Option<&Slots> {
        self.0.as_ref()?.slots.as_ref()
    }
}
