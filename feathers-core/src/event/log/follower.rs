//! Followers: readers of all events that are no connections, such as a gateway that passes events on.

use std::sync::Arc;

use super::cursor::Cursor;
use super::local::{EventLog, Generation};
use super::ring::Lookup;
use crate::event::connection::Connection;
use crate::event::subscription::DeliveredEvent;
use crate::event::visibility::Reach;
use crate::event::{Event, Seen};

/// Reads every event of a log, in order and once each, whatever channels it is for.
///
/// It keeps a position and nothing else, as a connection does: one that reads too slowly gets [`LogItem::Lost`] and
/// goes on from the head.
#[derive(Debug)]
pub struct Follower {
    log: EventLog,
    generation: Generation,
    last: u64,
}

/// What a follower reads.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum LogItem {
    /// An event.
    Event(LoggedEvent),
    /// What came next is no longer kept, or the log is another one: reading goes on from the follower's cursor.
    Lost,
}

/// An event as it was published, with the channels that it is for.
#[derive(Clone, Debug)]
pub struct LoggedEvent {
    event: Arc<Event>,
    cursor: Cursor,
}

/// How an event reaches connections that are in the same channels and have the same rights.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ForAudience {
    /// All of them get this.
    All(DeliveredEvent),
    /// It is decided for each of them: [`LoggedEvent::for_connection`].
    Each,
}

impl EventLog {
    /// Returns a reader of all events that come from now on.
    pub fn follow(&self) -> Follower {
        Follower { last: self.announced(), generation: self.generation(), log: self.clone() }
    }

    /// Returns a reader of all events after a place; if there is no going on from it, it says so first.
    pub fn follow_from(&self, cursor: Cursor) -> Follower {
        let last = self.check(cursor).unwrap_or(0);
        Follower { last, generation: self.generation(), log: self.clone() }
    }
}

impl Follower {
    /// Returns the position: all events up to here have been read.
    pub fn cursor(&self) -> Cursor {
        self.log.cursor(self.last)
    }

    /// Returns the next event, if every connection that it is for has been notified of it.
    pub fn try_next(&mut self) -> Option<LogItem> {
        let generation = self.log.generation();
        if self.generation != generation {
            self.generation = generation;
            return Some(self.lost());
        }
        let announced = self.log.announced();
        if self.last >= announced {
            return None;
        }
        match self.log.next_after(self.last) {
            Lookup::Event(event) if event.seq() <= announced => {
                self.last = event.seq();
                let cursor = self.log.cursor(self.last);
                Some(LogItem::Event(LoggedEvent { event, cursor }))
            }
            Lookup::Event(_) | Lookup::Nothing(_) => {
                self.last = announced;
                None
            }
            Lookup::Trimmed => Some(self.lost()),
        }
    }

    fn lost(&mut self) -> LogItem {
        self.last = self.log.announced();
        LogItem::Lost
    }

    /// Waits until there may be something to read.
    pub async fn changed(&self) {
        self.log.moved(self.generation, self.last).await;
    }
}

impl LoggedEvent {
    /// Returns its place in the log.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Returns the names of the channels and of the groups with the same rights whose members may get it, as
    /// [`Connection::audience`] has them.
    pub fn audiences(&self) -> Vec<Arc<str>> {
        self.event.audiences()
    }

    /// Returns how it reaches all connections with these names, of [`Connection::audience`]; `None` if it is not for
    /// them.
    pub fn for_audience(&self, names: &[Arc<str>]) -> Option<ForAudience> {
        Some(match self.event.reach(names)? {
            Reach::All(seen) => ForAudience::All(self.seen(seen)),
            Reach::Each => ForAudience::Each,
        })
    }

    /// Returns the event as a connection gets it; `None` if it is not for it.
    pub fn for_connection(&self, connection: &Connection) -> Option<DeliveredEvent> {
        self.event.target_for(connection).map(|seen| self.seen(seen))
    }

    fn seen(&self, seen: Seen) -> DeliveredEvent {
        DeliveredEvent::new(self.event.clone(), self.cursor, seen)
    }
}
