//! How the session of a client ends.

use feathers_core::{Connection, Ending};

use crate::engine::outbox::Gone;

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client has gone without a word, or does not answer.
    Lost,
    /// The client has closed the engine, and may come back.
    Closed,
    /// The client has left for good, or breaks the protocol.
    Left { code: u16 },
    /// The server has ended the connection.
    Dismissed,
    /// The client is to come back at once, and is looked at anew.
    Renewed,
    /// The server stops.
    Stopping,
}

impl End {
    /// Says how a session ends whose connection the server has ended.
    pub(super) fn of(connection: &Connection) -> Self {
        if matches!(connection.ending(), Some(Ending::Renewed)) { Self::Renewed } else { Self::Dismissed }
    }
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Lost
    }
}
