//! The presence of one process, in its memory.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::engine::{PresenceEngine, PresenceEvent, Seat, Tell};
use crate::data::error::Result;
use crate::data::payload::Payload;

/// Counts the connections of this process. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct LocalPresence(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    seats: HashMap<Seat, Arc<str>>,
    users: HashMap<Arc<str>, Present>,
    /// In the order in which they came.
    shown: BTreeMap<u64, Payload>,
    next: u64,
}

/// A user who is there.
#[derive(Debug)]
struct Present {
    seats: usize,
    place: u64,
}

impl LocalPresence {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn come(&mut self, seat: Seat, user: &str, shown: Payload, tell: Tell<'_>) {
        match self.seats.get(&seat) {
            Some(known) if **known == *user => return,
            Some(_) => self.go(seat, tell),
            None => {}
        }
        let user: Arc<str> = user.into();
        self.seats.insert(seat, user.clone());
        if let Some(present) = self.users.get_mut(&user) {
            present.seats += 1;
            return;
        }
        let place = self.next;
        self.next += 1;
        self.users.insert(user, Present { seats: 1, place });
        self.shown.insert(place, shown.clone());
        tell(PresenceEvent::Came(shown));
    }

    fn go(&mut self, seat: Seat, tell: Tell<'_>) {
        let Some(user) = self.seats.remove(&seat) else { return };
        let Some(present) = self.users.get_mut(&user) else { return };
        present.seats -= 1;
        if present.seats > 0 {
            return;
        }
        let gone = self.users.remove(&user).and_then(|present| self.shown.remove(&present.place));
        if let Some(shown) = gone {
            tell(PresenceEvent::Went(shown));
        }
    }
}

// Events leave under the lock, so that they are in the order of what happens.
#[async_trait]
impl PresenceEngine for LocalPresence {
    async fn come(&self, seat: Seat, user: &str, shown: Payload, tell: Tell<'_>) -> Result<()> {
        self.lock().come(seat, user, shown, tell);
        Ok(())
    }

    async fn go(&self, seat: Seat, tell: Tell<'_>) -> Result<()> {
        self.lock().go(seat, tell);
        Ok(())
    }

    async fn end(&self, process: u128, tell: Tell<'_>) -> Result<()> {
        let mut table = self.lock();
        let mut seats: Vec<Seat> = table.seats.keys().filter(|seat| seat.process == process).copied().collect();
        seats.sort_unstable();
        for seat in seats {
            table.go(seat, tell);
        }
        Ok(())
    }

    async fn find(&self) -> Result<Vec<Payload>> {
        Ok(self.lock().shown.values().cloned().collect())
    }
}
