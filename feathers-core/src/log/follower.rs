//! Followers: whoever passes all events on to others, and is no connection.

use std::sync::Arc;

use super::cursor::Cursor;
use super::local::{Era, Log};
use super::ring::Look;
use crate::connection::Connection;
use crate::event::Event;
use crate::subscription::Delivered;

/// Reads every event of a log, in order and once each, whoever it is for.
///
/// It keeps a position and nothing else, as a connection does: one that reads too slowly is told that it has missed
/// something, and goes on from the head.
#[derive(Debug)]
pub struct Follower {
    log: Log,
    era: Era,
    last: u64,
}

/// What a follower reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Followed {
    /// An event.
    Event(Published),
    /// What came next is no longer kept, or the log is another one: reading goes on from the follower's cursor.
    Lost,
}

/// An event as it was published, with the channels that it is for.
#[derive(Clone, Debug)]
pub struct Published {
    event: Arc<Event>,
    cursor: Cursor,
}

/// One of the targets of an event.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'a> {
    /// The names of its channels.
    pub channels: &'a [Arc<str>],
    /// Whether code decides which of their members get the event.
    pub filtered: bool,
}

impl Log {
    /// Returns a reader of all events that come from now on.
    pub fn follow(&self) -> Follower {
        Follower { last: self.announced(), era: self.era(), log: self.clone() }
    }

    /// Returns a reader of all events after a place; if there is no going on from it, it says so first.
    pub fn follow_from(&self, cursor: Cursor) -> Follower {
        let last = self.check(cursor).unwrap_or(0);
        Follower { last, era: self.era(), log: self.clone() }
    }
}

impl Follower {
    /// Returns the position: all events up to here have been read.
    pub fn cursor(&self) -> Cursor {
        self.log.cursor(self.last)
    }

    /// Returns the next event, if every connection that it is for has been told of it.
    pub fn try_next(&mut self) -> Option<Followed> {
        let era = self.log.era();
        if self.era != era {
            self.era = era;
            return Some(self.lost());
        }
        let announced = self.log.announced();
        if self.last >= announced {
            return None;
        }
        match self.log.next_after(self.last) {
            Look::Event(event) if event.seq() <= announced => {
                self.last = event.seq();
                let cursor = self.log.cursor(self.last);
                Some(Followed::Event(Published { event, cursor }))
            }
            Look::Event(_) | Look::Nothing(_) => {
                self.last = announced;
                None
            }
            Look::Trimmed => Some(self.lost()),
        }
    }

    fn lost(&mut self) -> Followed {
        self.last = self.log.announced();
        Followed::Lost
    }

    /// Waits until there may be something to read.
    pub async fn changed(&self) {
        self.log.moved(self.era, self.last).await;
    }
}

impl Published {
    /// Returns its place in the log.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Returns its targets in the order of the publisher; a connection gets the event through the first that admits it.
    pub fn audiences(&self) -> impl Iterator<Item = Audience<'_>> {
        self.event.targets().iter().map(|target| Audience { channels: target.names(), filtered: target.is_filtered() })
    }

    /// Returns the event as those get it that get it through this target.
    pub fn through(&self, target: usize) -> Delivered {
        Delivered::new(self.event.clone(), self.cursor, target)
    }

    /// Returns the event as a connection gets it; `None` if it is not for it.
    pub fn for_connection(&self, connection: &Connection) -> Option<Delivered> {
        self.event.target_for(connection).map(|target| self.through(target))
    }
}
