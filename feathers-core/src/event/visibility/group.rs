//! Groups: the connections with the same rights to one service.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, RwLock};

use crate::data::query::Filter;
use crate::data::rights::ReadRights;
use crate::event::connection::Connection;

/// The connections that may read the same records of a service, and the same fields of them.
pub(crate) struct Group {
    rights: Arc<ReadRights>,
    name: Arc<str>,
    /// Each with the last event before it was a member.
    members: RwLock<HashMap<Connection, u64>>,
}

/// Returns what begins the names of the groups of a service: no channel has such a name among those of an audience.
pub(super) fn prefix(path: &str) -> String {
    format!("\0:{path}\0")
}

/// Returns the name of a channel among those of an audience, where it cannot be taken for that of a group.
pub(crate) fn told_name(channel: &Arc<str>) -> Arc<str> {
    if channel.starts_with('\0') { format!("\0\0{channel}").into() } else { channel.clone() }
}

impl Group {
    pub(super) fn new(path: &str, rights: Arc<ReadRights>) -> Self {
        let name = format!("{}{}", prefix(path), rights.key()).into();
        Self { rights, name, members: RwLock::default() }
    }

    pub(crate) fn rights(&self) -> &ReadRights {
        &self.rights
    }

    /// Returns its name, which is the same in every process.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn members(&self) -> &RwLock<HashMap<Connection, u64>> {
        &self.members
    }

    /// Tells whether no record is for it.
    pub(crate) fn reads_nothing(&self) -> bool {
        matches!(&self.rights.filter, Filter::Or(branches) if branches.is_empty())
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("key", self.rights.key()).finish_non_exhaustive()
    }
}
