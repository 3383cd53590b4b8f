//! The channels that a connection has joined, as the history of its subject sees them.

use std::sync::Arc;

use super::memberships::{Memberships, Past};
use super::reading::Reading;
use crate::event::membership::Departure;

/// The channels of a connection, and whose they are.
#[derive(Default)]
pub(super) struct Joined {
    pub(super) subject: Option<Arc<str>>,
    pub(super) memberships: Memberships,
    /// What it may read of services with rules. Boxed, since most apps have none.
    pub(super) reading: Option<Box<Reading>>,
}

impl Joined {
    /// Notes that the rights of the subject have changed.
    pub(super) fn renew(&mut self) {
        let Some(subject) = &self.subject else { return };
        let mut hub = None;
        self.memberships.for_each_mut(|_, membership| hub = Some(membership.hub.clone()));
        if let Some(hub) = hub {
            hub.history().renew(subject, hub.log());
        }
    }

    /// Makes the channels of an anonymous client those of the user that it has become.
    pub(super) fn adopt(&mut self) {
        let Some(subject) = &self.subject else { return };
        self.memberships.for_each_mut(|name, membership| {
            if let Past::Untracked(joined) = membership.past {
                membership.hub.history().adopt(subject, name, joined, membership.hub.log());
                membership.past = Past::Whole;
            }
        });
    }

    /// Notes that the subject has left its channels, as far as this connection goes.
    pub(super) fn depart(&mut self, departure: Departure) {
        let Some(subject) = &self.subject else { return };
        self.memberships.for_each_mut(|name, membership| {
            if std::mem::replace(&mut membership.past, Past::Untracked(membership.since)).is_tracked() {
                membership.hub.history().leave(subject, name, departure, membership.hub.log());
            }
        });
    }

    /// Takes the memberships away.
    pub(super) fn leave_all(&mut self, departure: Departure) -> Memberships {
        self.depart(departure);
        std::mem::take(&mut self.memberships)
    }
}
