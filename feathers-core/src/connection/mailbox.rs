//! The mailbox: which events wait for a connection, and what wakes its reader.

use std::sync::atomic::Ordering;
use std::task::Context;

use smallvec::SmallVec;

use super::{Connection, NO_REPLAY, lock};

/// Past this many events that wait for it, a connection reads the log itself instead of keeping a list.
const PENDING: usize = 64;

#[derive(Default)]
pub(super) struct Mailbox {
    /// In order; most often one or two, which need no memory of their own.
    pending: SmallVec<[u64; 2]>,
    /// Events have come that are not in `pending`: the log must be read.
    behind: bool,
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
            if mailbox.pending.last().is_some_and(|last| *last >= seq) || mailbox.behind {
                return false;
            }
            if mailbox.pending.len() < PENDING {
                mailbox.pending.push(seq);
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
        self.change_mail(|mailbox| match mailbox.pending.first() {
            Some(_) => Mail::Event(mailbox.pending.remove(0)),
            None if mailbox.behind => Mail::EventLog,
            None => Mail::None,
        })
    }

    /// Returns the place of the event that is next in the list; the log must be read if there is a gap before it.
    pub(crate) fn next_mail(&self) -> Option<u64> {
        let mailbox = lock(&self.0.mailbox);
        match (mailbox.pending.first(), mailbox.behind) {
            (Some(seq), _) => Some(*seq),
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
            mailbox.pending.clear();
            mailbox.behind = true;
        });
    }

    /// Forgets what waits up to this place.
    pub(crate) fn forget(&self, up_to: u64) {
        self.change_mail(|mailbox| mailbox.pending.retain(|seq| *seq > up_to));
    }

    fn change_mail<T>(&self, change: impl FnOnce(&mut Mailbox) -> T) -> T {
        let mut mailbox = lock(&self.0.mailbox);
        let result = change(&mut mailbox);
        self.0.has_mail.store(mailbox.behind || !mailbox.pending.is_empty(), Ordering::Release);
        result
    }
}
