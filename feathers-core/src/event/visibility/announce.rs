//! Announcing an event of a service with rules: to those who may see it, and who are told.

use std::sync::Arc;

use super::{Group, Guard};
use crate::event::Event;
use crate::event::channel::{HubInner, read};

impl HubInner {
    /// Tells the connections that may see the event of it. What each of them sees is decided when it is read.
    pub(in crate::event) fn announce_guarded(&self, event: &Event, guard: &Guard) {
        let seeing = guard.guarded().readers().seeing(guard.guarded());
        let to_group = |group: &Group| {
            for (connection, since) in read(group.members()).iter() {
                if *since < event.seq() {
                    connection.announce(event.seq(), false);
                }
            }
        };
        match guard {
            Guard::Readers(_) => {
                for group in &seeing {
                    to_group(group);
                }
            }
            Guard::Members(_) => self.announce_to_members(event, &seeing),
        }
    }

    /// Tells those who may see the event and are in one of its channels: from the side that has fewer connections.
    fn announce_to_members(&self, event: &Event, seeing: &[Arc<Group>]) {
        let channels: Vec<_> = event.channels().filter_map(|name| self.members(name)).collect();
        let told: usize = channels.iter().map(|members| read(members).len()).sum();
        let may_see: usize = seeing.iter().map(|group| read(group.members()).len()).sum();
        if told <= may_see {
            for members in &channels {
                for (connection, since) in read(members).iter() {
                    if *since < event.seq() {
                        connection.announce(event.seq(), false);
                    }
                }
            }
            return;
        }
        for group in seeing {
            for connection in read(group.members()).keys() {
                if event.channels().any(|name| connection.is_member(name, event.seq())) {
                    connection.announce(event.seq(), false);
                }
            }
        }
    }
}
