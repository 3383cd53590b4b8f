//! Clients that a GRIP proxy holds: what the app keeps of them between two requests of the proxy.
//!
//! A client is a session as any other, so that its channels, its login and its end are what they are everywhere. It is
//! over when the proxy has not asked for a while.

mod poll;
mod socket;
mod stream;
mod ws_over_http;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use feathers_core::{AppHandle, Cursor, Result, Session};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Method;
use http::request::Parts;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::ws_over_http::WsRequest;
use super::incoming::Proxied;
use super::origin::Origin;
use super::router::{HoldPosition, LEASE};
use crate::realtime::poll::{Batch, Turn};
use crate::realtime::streams::Place;
use crate::realtime::{Holder, Instructions, Shared};

/// How often those that are over are looked for.
const SWEEP: Duration = Duration::from_secs(5);

/// The streams at proxies, by the secrets of their sessions. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Holds {
    app: AppHandle,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    streams: HashMap<Arc<str>, Arc<Stream>>,
    /// The ways to the tasks of `WebSockets`.
    sockets: HashMap<String, mpsc::Sender<WsRequest>>,
    /// Whether a task looks for streams that are over.
    watched: bool,
    stopped: bool,
}

/// One stream at a proxy.
#[derive(Debug)]
struct Stream {
    session: Session,
    named: bool,
    until: Mutex<Instant>,
    origin: Origin,
    _place: Place,
}

impl Stream {
    fn renew(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + LEASE;
    }

    fn is_over(&self) -> bool {
        self.session.connection().is_closed()
            || *self.until.lock().unwrap_or_else(PoisonError::into_inner) <= Instant::now()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.origin.release(self.session.connection());
    }
}

impl Holds {
    pub(super) fn new(app: &AppHandle) -> Self {
        Self { app: app.clone(), table: Arc::default() }
    }

    /// Keeps a stream; one that comes when the server stops is over at once.
    fn keep(&self, stream: Stream) -> Arc<Stream> {
        let stream = Arc::new(stream);
        let mut table = self.lock();
        if !table.stopped {
            table.streams.insert(stream.session.secret().clone(), stream.clone());
            if !std::mem::replace(&mut table.watched, true) {
                self.app.spawn(self.clone().watch());
            }
        }
        stream
    }

    fn find(&self, secret: &str) -> Option<Arc<Stream>> {
        self.lock().streams.get(secret).cloned()
    }

    /// Notes the way to the task of a WebSocket.
    fn register(&self, id: &str, sender: mpsc::Sender<WsRequest>) {
        self.lock().sockets.insert(id.to_owned(), sender);
    }

    fn socket(&self, id: &str) -> Option<mpsc::Sender<WsRequest>> {
        self.lock().sockets.get(id).cloned()
    }

    /// Ends a WebSocket, if its task has not.
    fn close_socket(&self, id: &str) {
        self.lock().sockets.remove(id);
    }

    /// Ends the session of a stream.
    fn end(&self, secret: &str) {
        // Outside of the lock, since the disconnect listeners run.
        let stream = self.lock().streams.remove(secret);
        drop(stream);
    }

    /// Ends all sessions. The clients stay at the proxy, which asks again and finds them over.
    pub(super) fn close(&self) {
        let streams = {
            let mut table = self.lock();
            table.stopped = true;
            std::mem::take(&mut table.streams)
        };
        drop(streams);
    }

    /// Lets go of streams that are over, for as long as there are any.
    async fn watch(self) {
        while tokio::time::timeout(SWEEP, self.app.stopping()).await.is_err() {
            let (over, watching) = {
                let mut table = self.lock();
                let over: Vec<_> = table.streams.extract_if(|_, stream| stream.is_over()).collect();
                table.watched = !table.streams.is_empty();
                (over, table.watched)
            };
            // Outside of the lock, since the disconnect listeners run.
            drop(over);
            if !watching {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder for Proxied {
    fn delivered(&self) -> Vec<Cursor> {
        self.delivered().collect()
    }

    fn is_own(&self, request: &Request) -> bool {
        *request.method() == Method::POST && socket::is_events(request.headers())
            || *request.method() == Method::GET && stream::is_linked(request.uri())
    }

    fn answer<'a>(&'a self, shared: &'a Shared, request: Request) -> BoxFuture<'a, Result<Response>> {
        if *request.method() == Method::POST {
            return socket::answer(shared, self, request).boxed();
        }
        stream::again(shared, self, request.into_parts().0).boxed()
    }

    fn stream<'a>(
        &'a self,
        shared: &'a Shared,
        parts: Parts,
        query: Map<String, Value>,
    ) -> BoxFuture<'a, Result<Response>> {
        stream::begin(shared, self, parts, query).boxed()
    }

    fn poll(&self, turn: &Turn, batch: &mut Batch, wait: Duration) -> Option<Instructions> {
        let hold = poll::hold(self, turn, batch, wait)?;
        Some(Box::new(move |response, token| hold.instruct(response, token)))
    }
}

/// How often reading and the routing of events are brought together before the proxy is left to find the gap.
const TRIES: usize = 8;

/// Finds the place of a client that has read everything up to now: the last item of its channel before its position.
///
/// `find` routes all visible events, and `read` reads them and returns the position. An event that was read must have
/// been routed, or it would be published after the place and come twice. The second value is `false` if there are
/// events that have not been read: the client then is at no place of this channel.
fn hold_position(find: impl Fn() -> HoldPosition, mut read: impl FnMut() -> Cursor) -> (HoldPosition, bool) {
    let mut held_at = find();
    for _ in 0..TRIES {
        let position = read();
        // After the reading: an item that comes between the two is one to be read.
        held_at = find();
        if held_at.last.cursor().epoch() != position.epoch() || held_at.last.cursor().seq() <= position.seq() {
            return (held_at, true);
        }
    }
    (held_at, false)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feathers_core::{App, Document, Handshake, Memory, Provider, Since};
    use serde_json::json;

    use super::{LEASE, Origin, hold_position};
    use crate::grip::Grip;

    /// The window keeps events visible and not announced yet, as a thread does that is put off between the two.
    #[tokio::test(start_paused = true)]
    async fn what_is_read_and_not_announced_yet_is_not_published_after_the_place_of_the_client() {
        let mut app = App::new();
        app.batch_window(Duration::from_millis(1));
        app.service("ticks", Memory::<Document>::new()).publish(|_, app| app.channel("everybody"));
        app.on_connect(|connection, app| app.channel("everybody").join(connection));
        let app = app.start().await.unwrap();
        let origin = Origin::start(&Grip::new(), &app).unwrap();
        let start = app.log().head();
        let session = app.open(Handshake::new(Provider::SSE).since(Since::Cursor(start))).await.unwrap();
        app.service("ticks").unwrap().create(json!({}), ()).await.unwrap();
        let mut reader = session.subscribe();
        let mut read = 0;
        let (held_at, whole) = hold_position(
            || origin.position(session.connection(), false, LEASE),
            || {
                read += std::iter::from_fn(|| reader.try_next()).count();
                reader.cursor()
            },
        );
        assert_eq!((read, whole), (1, true));
        assert_eq!(held_at.last.cursor(), app.log().head());
    }
}
