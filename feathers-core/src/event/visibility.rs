//! Visibility: what the readers of a service with rules are told of a change.
//!
//! Connections with the same rights to a service are one group. Whether a group may read a record is asked once for
//! each event, of the images of the record before and after the change, and when the event is read: so a replay gives
//! the same answer as the live event did.

mod announce;
mod group;
mod guarded;
mod index;
mod standing;
mod targets;

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, RwLock};

use crate::data::payload::Payload;
use crate::data::query::Filter;
use crate::data::rights::{ReadRights, ServiceAccess};
use crate::event::channel::{Hub, read, write};
use crate::event::connection::Connection;

pub(crate) use self::group::{Group, told_name};
pub(crate) use self::guarded::{Guard, Guarded, Sight, Told, View};
use self::index::{Anchors, Index};
pub(crate) use self::standing::{Granted, Standings};
pub(crate) use self::targets::{Audience, Reach};

/// More groups than this are not told apart behind a proxy: each of their clients asks for itself.
pub(crate) const MOST_AUDIENCES: usize = 1_000;

/// Who may read one service with rules: its groups.
pub(crate) struct Readers {
    path: Arc<str>,
    /// The name of the id field of its records.
    id: Arc<str>,
    access: Arc<dyn ServiceAccess>,
    /// What a connection has that may read nothing.
    nothing: Arc<ReadRights>,
    /// The names of what a change may be told as.
    created: Arc<str>,
    removed: Arc<str>,
    groups: RwLock<Groups>,
}

#[derive(Default)]
struct Groups {
    by_key: HashMap<Arc<str>, Entry>,
    index: Index,
}

/// A group, and where it stands in the index.
struct Entry {
    group: Arc<Group>,
    anchors: Option<Anchors>,
}

impl Readers {
    /// Describes the readers of the service at a path, whose records have their id in this field.
    pub(crate) fn new(path: &Arc<str>, id: &str, access: Arc<dyn ServiceAccess>) -> Self {
        let nothing = ReadRights::new(Filter::NONE, Vec::new());
        Self {
            path: path.clone(),
            id: id.into(),
            access,
            nothing: Arc::new(nothing),
            created: "created".into(),
            removed: "removed".into(),
            groups: RwLock::default(),
        }
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        &self.path
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Tells whether the rules look at the records of the service at this path.
    pub(crate) fn depends_on(&self, path: &str) -> bool {
        self.dependencies().iter().any(|other| *other == path)
    }

    /// Returns the paths of the services that the rules look at.
    pub(crate) fn dependencies(&self) -> &[String] {
        self.access.depends_on()
    }

    /// Asks the rules what a user may read. What fails, and a rule that panics, closes.
    pub(crate) fn rights_of(&self, user: Option<&Payload>) -> Arc<ReadRights> {
        match catch_unwind(AssertUnwindSafe(|| self.access.read_rights(user))) {
            Ok(Ok(rights)) => rights.unwrap_or_else(|| self.nothing.clone()),
            Ok(Err(error)) => {
                tracing::debug!(path = %self.path, ?error, "a rule has failed, and its user reads no events");
                self.nothing.clone()
            }
            Err(_) => {
                tracing::error!(path = %self.path, "a rule panicked, and its user reads no events");
                self.nothing.clone()
            }
        }
    }

    /// Makes a connection a member of the group with these rights, and of no other one of this service.
    pub(crate) fn join(self: &Arc<Self>, rights: &Arc<ReadRights>, connection: &Connection, hub: &Hub) {
        let left = {
            let mut groups = write(&self.groups);
            let group = groups.enter(&self.path, rights);
            // The place is read under the members' lock, so that no event is announced between the two.
            let mut members = write(group.members());
            let (since, left) = match connection.reads_as(self, &group, hub) {
                Some(joined) => joined,
                None if members.contains_key(connection) => return,
                None => {
                    // It has ended, and the group may have been made for it.
                    let is_empty = members.is_empty();
                    drop(members);
                    if is_empty {
                        groups.forget(&group);
                    }
                    return;
                }
            };
            members.insert(connection.at_any_time(), since);
            left
        };
        if let Some(left) = left {
            self.leave(&left, connection);
        }
    }

    /// Takes a connection out of a group; the last one takes the group along.
    pub(crate) fn leave(&self, group: &Arc<Group>, connection: &Connection) {
        let mut groups = write(&self.groups);
        let is_empty = {
            let mut members = write(group.members());
            members.remove(connection);
            members.is_empty()
        };
        if is_empty {
            groups.forget(group);
        }
    }

    /// Returns the group with a key, if it has members.
    pub(crate) fn group(&self, key: &str) -> Option<Arc<Group>> {
        read(&self.groups).by_key.get(key).map(|entry| entry.group.clone())
    }

    /// Returns all connections that are in a group.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        let groups: Vec<_> = read(&self.groups).by_key.values().map(|entry| entry.group.clone()).collect();
        groups.iter().flat_map(|group| read(group.members()).keys().cloned().collect::<Vec<_>>()).collect()
    }

    /// Wakes the members of all groups.
    pub(crate) fn wake(&self) {
        for connection in self.connections() {
            connection.wake();
        }
    }

    /// Returns the name of a group among the channels of an audience; `None` if it reads nothing.
    pub(crate) fn audience(&self, group: &Group) -> Option<Arc<str>> {
        if group.reads_nothing() {
            return None;
        }
        let many = read(&self.groups).by_key.len() > MOST_AUDIENCES;
        Some(if many { self.everyone() } else { group.name().clone() })
    }

    /// Returns what begins the names of this service's groups, which no app can give to a channel.
    fn prefix(&self) -> String {
        group::prefix(&self.path)
    }

    /// Returns the name for all groups, where there are too many to tell them apart.
    fn everyone(&self) -> Arc<str> {
        format!("{}*", self.prefix()).into()
    }

    /// Returns the groups that may see a change, as far as the records tell.
    pub(crate) fn seeing(&self, guarded: &Guarded) -> Vec<Arc<Group>> {
        let mut found: Vec<Arc<Group>> = Vec::new();
        {
            let groups = read(&self.groups);
            match guarded.told() {
                Told::Record { before, after } => {
                    for image in [before, after].into_iter().flatten() {
                        groups.index.candidates(&|path| image.lookup(path), |group| found.push(group.clone()));
                    }
                }
                Told::Other => found.extend(groups.by_key.values().map(|entry| entry.group.clone())),
            }
        }
        found.sort_unstable_by_key(Arc::as_ptr);
        found.dedup_by(|a, b| Arc::ptr_eq(a, b));
        found.retain(|group| guarded.concerns(group));
        found
    }
}

impl Groups {
    /// Returns the group with these rights, which is made if it is not there.
    fn enter(&mut self, path: &str, rights: &Arc<ReadRights>) -> Arc<Group> {
        if let Some(entry) = self.by_key.get(rights.key()) {
            return entry.group.clone();
        }
        let group = Arc::new(Group::new(path, rights.clone()));
        let anchors = self.index.insert(&group);
        self.by_key.insert(rights.key().clone(), Entry { group: group.clone(), anchors });
        group
    }

    /// Forgets a group that has no members.
    fn forget(&mut self, group: &Arc<Group>) {
        let key = group.rights().key();
        if self.by_key.get(key).is_some_and(|entry| Arc::ptr_eq(&entry.group, group))
            && let Some(entry) = self.by_key.remove(key)
        {
            self.index.remove(&entry.group, entry.anchors.as_ref());
        }
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("path", &self.path).finish_non_exhaustive()
    }
}
