//! The end of a connection: why it comes, and which answers leave before it.

use std::fmt;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use super::{Connection, lock};
use crate::data::error::Error;
use crate::event::membership::Departure;

/// Why a connection has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client has gone, or another connection has taken its place: it may go on from where it was.
    Lost,
    /// The server has disconnected the client for good; clients do not reconnect by themselves.
    Kicked,
    /// The credentials are no longer valid: the client has to log in again.
    Unauthenticated(Error),
    /// The client is to reconnect at once, with its current rights.
    Reconnect,
}

impl DisconnectReason {
    /// Returns what calls on the connection are refused with from then on; `None` if they run all the same.
    pub(crate) fn refusal(&self) -> Option<Error> {
        match self {
            Self::Lost => None,
            Self::Kicked => Some(Error::forbidden("the server has ended the connection")),
            Self::Unauthenticated(error) if error.is_not_authenticated() => Some(error.clone()),
            Self::Unauthenticated(error) => Some(Error::not_authenticated(error.message())),
            Self::Reconnect => Some(Error::not_authenticated("the rights have changed: connect again")),
        }
    }
}

/// A call that is under way on a connection, until its answer is on its way to the client.
///
/// A connection that is ended meanwhile gets no more events, and closes when the last of these is dropped, or when
/// their [time](crate::App::answer_grace) is over.
#[must_use = "the call is under way for as long as this is kept"]
pub struct UnderWay(Connection);

impl UnderWay {
    pub(super) fn new(connection: &Connection) -> Self {
        connection.0.under_way.fetch_add(1, Ordering::SeqCst);
        Self(connection.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Connection(connection, _) = &self.0;
        let was = connection.under_way.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        // Either this sees the end, or the end sees that nothing is under way.
        if was == 1 && connection.ending.get().is_some() {
            self.0.close();
        }
    }
}

impl fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnderWay").field(&self.0).finish()
    }
}

impl Connection {
    /// Ends the connection from the server's side, for good.
    pub fn disconnect(&self) {
        self.end(DisconnectReason::Kicked);
    }

    /// Ends the connection from the server's side; its client gets the reason, where its transport can carry one.
    ///
    /// From now on it gets no event, and no call of its client begins. Where calls are under way, it stays for their
    /// answers, for [2 seconds](crate::App::answer_grace) at most.
    pub fn end(&self, ending: DisconnectReason) {
        let (is_denied, is_renewed) =
            (matches!(ending, DisconnectReason::Unauthenticated(_)), matches!(ending, DisconnectReason::Reconnect));
        if self.0.ending.set(ending).is_err() {
            return;
        }
        // Now, and not when the transport has noticed: a user that logs in again meanwhile begins new memberships.
        if is_denied {
            lock(&self.0.joined).depart(Departure::Denied);
        } else if is_renewed {
            lock(&self.0.joined).renew();
        }
        self.0.over.notify_waiters();
        fence(Ordering::SeqCst);
        if self.0.under_way.load(Ordering::SeqCst) == 0 || !self.close_later() {
            self.close();
        }
        self.0.wake.wake();
        self.tell();
    }

    /// Ends the connection at once: its client has gone.
    pub fn lose(&self) {
        let first = self.0.ending.set(DisconnectReason::Lost).is_ok();
        self.close();
        if first {
            self.tell();
        }
    }

    /// Notes that a call has come, until what is returned is dropped. Transports do so whose answers go the way of the
    /// events.
    pub fn call_begins(&self) -> UnderWay {
        UnderWay::new(self)
    }

    /// Returns why the connection has ended, if it has.
    pub fn disconnect_reason(&self) -> Option<&DisconnectReason> {
        self.0.ending.get()
    }

    /// Tells whether the connection has ended: it gets no more events, and answers of calls under way may still leave.
    pub fn is_closed(&self) -> bool {
        self.0.ending.get().is_some()
    }

    /// Waits for the end of the connection: from then on it gets no more events.
    pub async fn ended(&self) {
        self.until(Self::is_closed).await;
    }

    /// Waits until the connection has ended and no answer of a call under way is waited for any more.
    pub async fn closed(&self) {
        self.until(Self::is_over).await;
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        loop {
            // It is woken by what is told from here on, also before it is polled for the first time.
            let told = self.0.over.notified();
            if is_so(self) {
                return;
            }
            told.await;
        }
    }

    /// Tells whether nothing more leaves.
    pub(crate) fn is_over(&self) -> bool {
        self.0.closed.load(Ordering::Acquire)
    }

    /// Returns what new calls of the client are refused with, if they are.
    pub(crate) fn refusal(&self) -> Option<Error> {
        self.0.ending.get()?.refusal()
    }

    fn close(&self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.over.notify_waiters();
        self.0.wake.wake();
    }

    /// Closes after the time that answers have; `false` without a runtime, which has the timer.
    fn close_later(&self) -> bool {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return false };
        let connection = self.clone();
        runtime.spawn(async move {
            let grace = Duration::from_millis(connection.0.answer_grace.into());
            if tokio::time::timeout(grace, connection.closed()).await.is_err() {
                connection.close();
            }
        });
        true
    }
}
