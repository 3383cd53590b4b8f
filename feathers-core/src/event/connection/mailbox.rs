//! The mailbox: which events wait for a connection, and what wakes its reader.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::task::Context;

use super::{Connection, NO_REPLAY, lock};

/// Past this many events that wait for it, a connection reads the log itself instead of keeping a list.
const PENDING: usize = 64;

#[derive(Default)]
pub(super) struct Mailbox {
    /// The first event that waits. Most often there is no other, and `more` has no memory.
    first: Option<u64>,
    /// The events after it, in order.
    more: VecDeque<u64>,
    /// Events have come that are not in the list: the log must be read.
    behind: bool,
}

impl Mailbox {
    fn last(&self) -> Option<u64> {
        self.more.back().copied().or(self.first)
    }

    fn push(&mut self, seq: u64) {
        if self.first.is_none() {
            self.first = Some(seq);
        } else {
            self.more.push_back(seq);
        }
    }

    fn pop(&mut self) -> Option<u64> {
        let first = self.first.take();
        if !self.more.is_empty() {
            self.first = self.more.pop_front();
        }
        first
    }

    fn retain(&mut self, keep: impl Fn(u64) -> bool) {
        self.more.retain(|seq| keep(*seq));
        if self.first.is_some_and(|seq| !keep(seq)) {
            self.first = self.more.pop_front();
        }
    }

    fn clear(&mut self) {
        (self.first, self.more) = (None, VecDeque::new());
    }
}

/// What a connection is to read next.
pub(crate) enum Mail {
    /// This event.
    Event(u64),
    /// Whatever the log holds after the last one.
    EventLog,
    /// Nothing for now.
    None,
}

impl Connection {
    /// Notes that an event may be for this connection. Never waits.
    pub(crate) fn announce(&self, seq: u64) {
        let is_new = self.change_mail(|mailbox| {
            if mailbox.last().is_some_and(|last| last >= seq) || mailbox.behind {
                return false;
            }
            if mailbox.more.len() + 1 < PENDING {
                mailbox.push(seq);
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
            Some(seq) => Mail::Event(seq),
            None if mailbox.behind => Mail::EventLog,
            None => Mail::None,
        })
    }

    /// Returns the place of the event that is next in the list; the log must be read if there is a gap before it.
    pub(crate) fn next_mail(&self) -> Option<u64> {
        let mailbox = lock(&self.0.mailbox);
        match (mailbox.first, mailbox.behind) {
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

    /// Forgets what waits up to this place.
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
