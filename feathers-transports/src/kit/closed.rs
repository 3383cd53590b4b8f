//! The end of a connection, for a task that does not ask the connection's reader for the moment.

use std::fmt;
use std::task::{Context, Poll};

use feathers_core::Connection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Waits for the end of a connection while there is no room for its events, whose reader would tell otherwise.
#[derive(Default)]
pub(crate) struct Closed(Option<BoxFuture<'static, ()>>);

impl Closed {
    /// Tells whether the connection has ended; if not, the task is woken when it does.
    pub(crate) fn poll(&mut self, connection: &Connection, cx: &mut Context<'_>) -> bool {
        let closed = self.0.get_or_insert_with(|| {
            let connection = connection.clone();
            async move { connection.ended().await }.boxed()
        });
        matches!(closed.poll_unpin(cx), Poll::Ready(()))
    }

    /// Stops to wait: the reader is asked again.
    pub(crate) fn reset(&mut self) {
        self.0 = None;
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Closed(waiting: {})", self.0.is_some())
    }
}
