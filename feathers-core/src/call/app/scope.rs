//! Scopes: what the calls through one handle share.

use tokio::time::Instant;

/// What the calls through one handle share, and those that they make.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scope {
    deadline: Option<Instant>,
}

impl Scope {
    /// Ends at a time, or earlier.
    pub(super) fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(self.deadline.map_or(deadline, |own| own.min(deadline))) }
    }

    pub(super) fn deadline(self) -> Option<Instant> {
        self.deadline
    }
}
