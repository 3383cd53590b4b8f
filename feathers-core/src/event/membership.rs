//! Memberships over time: since when subjects have been in channels, so that replay is never wider than the right was.
//!
//! A cursor is a position and not a permission. A client may read again only what it could have read at the time. So
//! the first position of each pair of a subject and a channel is kept beside the log. A lost connection does not end a
//! membership; an explicit leave, a denial and a revocation do.

mod recent;

use std::fmt;
use std::sync::Arc;

pub use self::recent::RecentMemberships;
use crate::event::log::EventLog;

/// Remembers since when subjects have been in channels.
///
/// A subject is the text by which the app's [`Authenticator`](crate::Authenticator) names the user that is logged in.
/// Channels of anonymous clients are not tracked.
///
/// The default, [`RecentMemberships`], knows what has happened in this process. An implementation that several
/// processes share answers at once too, since it is asked while a channel is joined: it keeps a copy, and says
/// [`Replayable::unknown`] where the copy is behind.
pub trait MembershipHistory: fmt::Debug + Send + Sync + 'static {
    /// Notes that a connection of the subject joins a channel, and says what it may be given of the channel's past.
    fn join(&self, subject: &Arc<str>, channel: &Arc<str>, since: Option<ReplayStart>, log: &EventLog) -> Replayable;

    /// Notes that a connection that has been in a channel since a place is one of the subject from now on.
    fn adopt(&self, subject: &Arc<str>, channel: &Arc<str>, since: u64, log: &EventLog);

    /// Notes that a connection of the subject has left a channel.
    fn leave(&self, subject: &str, channel: &str, departure: Departure, log: &EventLog);

    /// Notes that the rights of the subject have changed, and that its connections reconnect because of that.
    ///
    /// What it joins for the first time counts from here, if it reconnects soon.
    fn renew(&self, subject: &str, log: &EventLog);

    /// Ends those memberships of the subject that no connection is in.
    ///
    /// It is called when the listeners of a login have run: what they have not joined, the subject has no right to.
    fn settle(&self, subject: &str, log: &EventLog);

    /// Ends all memberships of the subject up to now; those that connections are in begin again from here.
    fn revoke(&self, subject: &str, log: &EventLog);
}

/// From where a reconnecting client wants events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayStart {
    /// The place in the log; it wants what comes after.
    pub seq: u64,
    /// Whether the client has named it, and so has got everything before; `false` for `earliest`.
    pub is_cursor: bool,
}

/// How a connection leaves a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Departure {
    /// The connection is lost, and the client may reconnect.
    Lost,
    /// It has been taken out of the channel.
    Left,
    /// Its credentials are no longer valid.
    Denied,
}

/// What a client may be given of the past of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayable {
    /// Events after this place are for it.
    pub since: u64,
    /// Whether it may miss something that came before: if there is an event between what it wants and `since`, it gets
    /// a reset.
    pub has_gap: bool,
}

impl Replayable {
    /// Says that nothing is known of the past: the client gets what comes after the head of the log, and a reset if
    /// there was something before.
    pub fn unknown(log: &EventLog) -> Self {
        Self { since: log.head().seq(), has_gap: true }
    }
}
