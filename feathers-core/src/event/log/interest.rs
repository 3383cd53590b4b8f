//! Interests: what a process wants to read of a shared log.

/// What a process wants to read of a shared log.
///
/// Today that is everything. It is a type of its own so that a process can name channels, services or shards later: an
/// engine that knows only [`Interest::is_everything`] reads everything then too, which is more than was asked for, and
/// right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest(Scope);

/// All that an interest may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Scope {
    #[default]
    Everything,
}

impl Interest {
    /// Wants every entry.
    pub const fn everything() -> Self {
        Self(Scope::Everything)
    }

    /// Tells whether every entry is wanted.
    pub const fn is_everything(&self) -> bool {
        matches!(self.0, Scope::Everything)
    }
}
