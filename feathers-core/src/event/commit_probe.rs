//! A log that only counts, for the contract that stores keep.

use std::time::Duration;

use crate::data::error::Result;
use crate::event::change::Change;
use crate::event::commit::Commit;
use crate::event::log::{EventLog, Retention};

/// Counts the places that commits take: a commit that is dropped frees its places, and the head moves on over those.
#[derive(Debug)]
pub struct CommitProbe(EventLog);

impl Default for CommitProbe {
    fn default() -> Self {
        Self(EventLog::new(Retention::default(), Duration::ZERO))
    }
}

impl CommitProbe {
    /// Makes a commit whose places are counted.
    pub fn commit(&self) -> Commit {
        Commit::to(&self.0, None)
    }

    /// Makes a commit whose places are counted, and that asks a check before it.
    pub fn checked_commit(&self, check: impl Fn(&[Change]) -> Result<()> + Send + Sync + 'static) -> Commit {
        let mut commit = self.commit();
        commit.check_with(check);
        commit
    }

    /// Returns how many places were taken and are free again, up to the first that is still taken.
    pub fn freed(&self) -> u64 {
        self.0.head().seq()
    }
}
