//! The mailbox: which events wait for a connection, and what wakes its reader.

use std::collections::VecDeque;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::atomic::Ordering;
use std::task::Context;

use super::{Connection, NO_REPLAY, lock};

/// Past this many events that wait for it, a connection reads the log itself instead of keeping a list.
const PENDING: usize = 64;

#[derive(Default)]
pub(super) struct Mailbox {
    /// The first event that waits. Most often there is no other.
    first: Option<NonZeroU64>,
    /// The events after it, in order.
    #[expect(clippy::box_collection, reason = "what every event touches is small, and most have none of these")]
    more: Option<Box<VecDeque<u64>>>,
    /// How often the connection had left channels when all of these were announced; `None` if that differs, or if it
    /// says nothing.
    left: Option<NonZeroU32>,
    /// Events have come that are not in the list: the log must be read.
    behind: bool,
}

impl Mailbox {
    fn first(&self) -> Option<u64> {
        self.first.map(NonZeroU64::get)
    }

    fn last(&self) -> Option<u64> {
        self.more.as_ref().and_then(|more| more.back().copied()).or(self.first())
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.as_ref().map_or(0, |more| more.len())
    }

    fn push(&mut self, seq: u64, left: Option<NonZeroU32>) {
        if self.first.is_none() {
            (self.first, self.left) = (NonZeroU64::new(seq), left);
        } else {
            self.more.get_or_insert_default().push_back(seq);
            self.left = self.left.filter(|_| self.left == left);
        }
    }

    fn pop(&mut self) -> Option<u64> {
        let first = self.first();
        self.first = self.next();
        first
    }

    fn next(&mut self) -> Option<NonZeroU64> {
        self.more.as_mut().and_then(|more| more.pop_front()).and_then(NonZeroU64::new)
    }

    fn retain(&mut self, keep: impl Fn(u64) -> bool) {
        if let Some(more) = &mut self.more {
            more.retain(|seq| keep(*seq));
        }
        if self.first().is_some_and(|seq| !keep(seq)) {
            self.first = self.next();
        }
        self.left = None;
    }

    fn clear(&mut self) {
        (self.first, self.more, self.left) = (None, None, None);
    }
}

/// What a connection is to read next.
pub(crate) enum Mail {
    /// This event, and whether the connection is certainly in the only channel that it is for.
    Event(u64, bool),
    /// Whatever the log holds after the last one.
    EventLog,
    /// Nothing for now.
    None,
}

impl Connection {
    /// Notes that an event may be for this connection. Never waits.
    ///
    /// An event that `is_plain` is for the members of one channel, whose lock is held, and for nothing else: as long as
    /// the connection leaves no channel, its reader need not look whether it is a member.
    pub(crate) fn announce(&self, seq: u64, is_plain: bool) {
        let left = NonZeroU32::new(self.0.left.load(Ordering::Acquire)).filter(|_| is_plain);
        let is_new = self.change_mail(|mailbox| {
            if mailbox.last().is_some_and(|last| last >= seq) || mailbox.behind {
                return false;
            }
            if mailbox.len() < PENDING {
                mailbox.push(seq, left);
            } else {
                mailbox.behind = true;
            }
            true
        });
        if is_new {
            self.0.wake.wake();
        }
    }

    pub(crate) fn take_mail(&self) -> Mail {
        // A reader looks three times for each event that it finds.
        if !self.0.has_mail.load(Ordering::Acquire) {
            return Mail::None;
        }
        self.change_mail(|mailbox| match mailbox.pop() {
            Some(seq) => {
                let now = || self.0.left.load(Ordering::Acquire);
                Mail::Event(seq, mailbox.left.is_some_and(|left| left.get() == now()))
            }
            None if mailbox.behind => Mail::EventLog,
            None => Mail::None,
        })
    }

    /// Returns the place of the event that is next in the list; the log must be read if there is a gap before it.
    pub(crate) fn next_mail(&self) -> Option<u64> {
        let mailbox = lock(&self.0.mailbox);
        match (mailbox.first(), mailbox.behind) {
            (Some(seq), _) => Some(seq),
            (None, true) => None,
            (None, false) => Some(u64::MAX),
        }
    }

    /// Goes back from reading the log to single events, unless `caught_up` says that there is more to read.
    ///
    /// What is announced after this is after what `caught_up` has looked at.
    pub(crate) fn leave_log(&self, caught_up: impl FnOnce() -> bool) -> bool {
        self.change_mail(|mailbox| {
            if !caught_up() {
                return false;
            }
            mailbox.behind = false;
            true
        })
    }

    /// Wakes the reader without an event.
    pub(crate) fn wake(&self) {
        self.0.wake.wake();
    }

    /// Registers this task to be woken by the next announcement. There is one reader at a time; the last one counts.
    pub(crate) fn wake_with(&self, cx: &Context<'_>) {
        self.0.wake.register(cx.waker());
    }

    /// Ends the joining part of a replay and makes the next reads come from the log.
    pub(crate) fn end_replay(&self) {
        self.0.replay_from.store(NO_REPLAY, Ordering::Release);
        self.change_mail(|mailbox| {
            // What has come already is in the log too, after what was missed.
            mailbox.clear();
            mailbox.behind = true;
        });
    }

    /// Forgets what waits up to this place, and looks at everything else itself: the log may be another one.
    pub(crate) fn forget(&self, up_to: u64) {
        self.change_mail(|mailbox| mailbox.retain(|seq| seq > up_to));
    }

    fn change_mail<T>(&self, change: impl FnOnce(&mut Mailbox) -> T) -> T {
        let mut mailbox = lock(&self.0.mailbox);
        let result = change(&mut mailbox);
        self.0.has_mail.store(mailbox.behind || mailbox.first.is_some(), Ordering::Release);
        result
    }
}
