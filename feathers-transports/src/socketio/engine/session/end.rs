//! How the session of a client ends.

use feathers_core::{Connection, DisconnectReason};

use crate::socketio::engine::outbox::Gone;

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client has gone without a word, or does not answer.
    Lost,
    /// The client has closed the engine, and may reconnect.
    Closed,
    /// The client has left for good, or breaks the protocol.
    Left { code: u16 },
    /// The server has ended the connection.
    Kicked,
    /// The client is to reconnect at once; its user and rights are then checked again.
    Reconnect,
    /// The server stops.
    Stopping,
}

impl End {
    /// Says how a session ends whose connection the server has ended.
    pub(super) fn of(connection: &Connection) -> Self {
        if matches!(connection.disconnect_reason(), Some(DisconnectReason::Reconnect)) {
            Self::Reconnect
        } else {
            Self::Kicked
        }
    }
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Lost
    }
}
