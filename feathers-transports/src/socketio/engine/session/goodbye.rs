//! The end of a session: what is sent to the client for each reason.

use tokio::sync::mpsc;

use super::{Client, Command, Driver, End};
use crate::kit::calls::GOODBYE;
use crate::kit::close_code;
use crate::socketio::engine::outbox::{Outlet, Polling, Turn};
use crate::socketio::engine::packet;

impl Driver {
    /// Says goodbye, and notes whether the client may reconnect.
    pub(super) async fn finish(mut self, end: End) {
        if let Client::Connected(client) = &self.client {
            let (recovery, connection) = (&self.engine.recovery, client.session.connection());
            match end {
                End::Lost | End::Closed | End::Reconnect | End::Stopping => recovery.left(&client.names, connection),
                End::Left { .. } | End::Kicked => recovery.forget(&client.names, connection),
            }
        }
        // The connection leaves its channels before a slow goodbye.
        drop(self.client);
        if end == End::Kicked {
            self.outlet.send(packet::DISCONNECT);
        }
        let goodbye = async {
            match self.outlet {
                Outlet::Socket(socket) => match end {
                    End::Lost => {}
                    End::Left { code } => socket.close(code, "").await,
                    End::Closed | End::Kicked => socket.close(close_code::NORMAL, "").await,
                    End::Reconnect => socket.close(close_code::RESTART, "come back").await,
                    End::Stopping => socket.close(close_code::AWAY, "going away").await,
                },
                Outlet::Polling(polling) => {
                    if end != End::Lost {
                        farewell(polling, self.commands, end == End::Closed, self.engine.options.max_message).await;
                    }
                }
            }
        };
        // A client that does not read does not hold anything up.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

/// Ends a session that polls. Answers that are still to be sent wait for the next poll, unless the client has closed
/// the session itself and does not poll again.
async fn farewell(
    mut polling: Polling,
    mut commands: Option<mpsc::Receiver<Command>>,
    known: bool,
    max_message: usize,
) {
    polling.end(known, max_message);
    while !known
        && polling.owes_answers()
        && let Some(commands) = &mut commands
        && let Some(command) = commands.recv().await
    {
        // Whatever else comes is too late: dropping the request answers it with a 400.
        if let Command::Poll(poll, mark) = command
            && matches!(polling.hold(poll, mark), Turn::Taken)
        {
            polling.answer(max_message);
        }
    }
}
