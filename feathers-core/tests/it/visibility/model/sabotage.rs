//! What a server could do wrong with events and rules.

/// What a server could do wrong. The model must notice each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sabotage {
    None,
    /// Every event goes to everyone.
    NoRule,
    /// What was missed is given to everyone who comes back.
    NoRuleOnReplay,
    /// A record that leaves is sent along.
    LeaveWithData,
    /// A change of a field that is not seen is told.
    OutOfSight,
    /// Fields are not taken out.
    NoMask,
}
