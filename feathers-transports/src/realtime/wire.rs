//! What carries the messages of a WebSocket: a socket of this process, or requests of a proxy that has the socket.

use std::future::Future;
use std::io;
use std::task::{Context, Poll};

use feathers_core::{Cursor, DeliveredEvent, Result, Session, Subscription, WireFormat};
use tokio::io::{AsyncRead, AsyncWrite};

use super::rpc;
use crate::kit::budget::Permit;
use crate::websocket::{Ended, Message, WebSocket, frame};

/// Carries the messages of one client, for the task that serves it.
pub(crate) trait Wire: Send {
    /// Reads the next message.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Ended>>;

    /// Sends a message of the protocol.
    fn text(&mut self, text: &[u8]);

    /// Sends the answer to a call, with the leave to hold it.
    fn answer(&mut self, text: &[u8], permit: Permit);

    /// Sends an event.
    fn event(&mut self, event: &DeliveredEvent) -> Result<()>;

    /// Answers a ping.
    fn pong(&mut self, payload: &[u8]);

    /// Looks for a sign of life, and tells the position of a reader that has read up to a cursor.
    fn ping(&mut self, position: Cursor);

    /// Tells the position of a client, given that of its reader.
    fn position(&self, reader: Cursor) -> Cursor {
        reader
    }

    /// Notes that the client is connected, whenever its events are about to be read.
    fn attend(&mut self, _session: &Session, _events: &Subscription) {}

    /// Notes that the task has nothing to do for now, and how many calls are under way.
    fn idle(&mut self, _cx: &mut Context<'_>, _calls: usize) {}

    /// Tells whether there is room for more events and answers.
    fn has_room(&self) -> bool;

    /// Tells whether nothing waits to leave.
    fn is_empty(&self) -> bool;

    /// Tells whether so much waits to leave that nothing more should be read from the client.
    fn is_choked(&self) -> bool;

    /// Tells whether there was a sign of life since the last time.
    fn take_heard(&mut self) -> bool;

    /// Writes until nothing waits.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Says goodbye and ends.
    fn close(self, code: u16, reason: &'static str) -> impl Future<Output = ()> + Send;
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for WebSocket<T> {
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Ended>> {
        self.poll_message(cx)
    }

    fn text(&mut self, text: &[u8]) {
        self.queue(frame::text(text));
    }

    fn answer(&mut self, text: &[u8], permit: Permit) {
        self.queue_held(frame::text(text), permit);
    }

    fn event(&mut self, event: &DeliveredEvent) -> Result<()> {
        static FRAME: WireFormat = WireFormat::new();
        self.queue(event.frame(&FRAME, |event| Ok(frame::text(&rpc::event(event)?)))?);
        Ok(())
    }

    fn pong(&mut self, payload: &[u8]) {
        self.queue(frame::pong(payload));
    }

    fn ping(&mut self, position: Cursor) {
        // The frame is for proxies and for browsers, which answer it; the message tells the position.
        self.queue(frame::ping());
        self.text(&rpc::ping(position));
    }

    fn has_room(&self) -> bool {
        self.has_room()
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn is_choked(&self) -> bool {
        self.is_choked()
    }

    fn take_heard(&mut self) -> bool {
        self.take_heard()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }

    async fn close(self, code: u16, reason: &'static str) {
        self.close(code, reason).await;
    }
}
