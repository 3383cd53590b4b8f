//! Server-sent events: a stream that is pulled from the subscription when the socket can take more.
//!
//! There is no queue and no task per stream: hyper asks the body for bytes only while the client reads.
//! Native `EventSource` cannot read status or headers, so everything that a client must know is an event. A stream
//! without room for it is a 200 that says when to try again. Streams are cut off and have no proper end: see [`Cut`].

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use feathers_core::{Cursor, Delivery, Handshake, Provider, Result, Session, Subscription};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use hyper::body::{Body as _, Frame};
use serde::Serialize;
use serde_json::{Map, Value};

#[cfg(feature = "grip")]
use super::HeldBy;
use super::cut::{Cut, CutOff};
use super::streams::Place;
use super::{Shared, asked, envelope, jittered, resumption};
use crate::kit::address::client_address;
use crate::kit::timer::Timer;

/// How long clients wait before they reconnect.
const RETRY: Duration = Duration::from_secs(2);
/// The last bytes of a stream, a comment. By it a client that measures silence sees that the server has ended the
/// stream, and not a network that cuts quiet connections. To some readers an empty line after it would be a message.
const BYE: Bytes = Bytes::from_static(b": bye\n");
/// Past this many bytes, what is ready goes out before more is gathered.
const CHUNK: usize = 64 << 10;

/// Opens a stream, or says when to try again.
pub(super) async fn answer(shared: &Shared, parts: Parts, mut query: Map<String, Value>) -> Result<Response> {
    #[cfg(feature = "grip")]
    if let Some(holder) = HeldBy::of(&parts.extensions) {
        return holder.stream(shared, parts, query).await;
    }
    let address = client_address(&parts.extensions);
    let place = shared.place(address, &parts.headers);
    let Some(mut place) = place else { return Ok(response(Body::new(Cut::after(later(&shared.name))))) };
    let since = asked::since_of_stream(&parts.headers, &query, shared.app.log().epoch(), None);
    let named = query.get("names").is_some_and(|names| names == "1");
    let (credentials, cookie) = (asked::credentials(&mut query), resumption::Writer::new(&parts));
    let handshake = Handshake::new(Provider::SSE).headers(parts.headers).query(query).since(since);
    let handshake = handshake.credentials(credentials).address(address);
    let session = shared.app.open(handshake).await?;
    place.hold(session.connection());
    let subscription = session.subscribe().heartbeat_interval(jittered(shared.options.heartbeat_interval));
    let first = greeting(&shared.name, &session, &subscription);
    let end = jittered(shared.options.max_lifetime);
    let (name, connection) = (shared.name.clone(), session.connection().clone());
    let mut response = response(Body::new(Stream {
        name,
        subscription,
        first: Some(first),
        named,
        end: Timer::after(end),
        cut: None,
        _session: session,
        _place: place,
    }));
    cookie.write(&connection, end, &mut response);
    Ok(response)
}

pub(crate) fn response(body: Body) -> Response {
    let mut response = Response::new(body);
    *response.headers_mut() = HeaderMap::from_iter([
        // Bare: the reader of Feathers 6 compares the whole value.
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        // nginx would collect what it compresses.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ]);
    response
}

/// Tells when to try again: not all at once.
pub(crate) fn later(name: &str) -> Bytes {
    let wait = RETRY.mul_f64(1.0 + 2.0 * rand::random::<f64>());
    with_retry(wait, &envelope::own_block("ready", None, name, "busy", &Busy { retry_after_ms: wait.as_millis() }))
}

/// Makes a client reconnect at once after this stream has ended.
#[cfg(feature = "grip")]
pub(crate) fn come_back() -> Bytes {
    with_retry(Duration::from_millis(50), b"event: hb\ndata:{}\n\n")
}

/// Says in a block how long clients wait before they reconnect. A block of its own would be an empty message to readers
/// that do not follow the standard.
fn with_retry(wait: Duration, block: &[u8]) -> Bytes {
    let mut all = BytesMut::from(format!("retry: {}\n", wait.as_millis()).as_bytes());
    all.extend_from_slice(block);
    all.freeze()
}

/// What a stream has instead of a beginning when there is no room for it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Busy {
    retry_after_ms: u128,
}

/// What a stream begins with.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected<'a> {
    connection_token: &'a str,
    cursor: Cursor,
    recovered: bool,
}

pub(crate) fn greeting(name: &str, session: &Session, subscription: &Subscription) -> Bytes {
    let cursor = subscription.cursor();
    let connected = Connected { connection_token: session.secret(), cursor, recovered: subscription.is_resumed() };
    // A client that has not got the reset yet must not take over the cursor that follows it.
    let id = subscription.pending_reset().is_none().then_some(cursor);
    with_retry(RETRY, &envelope::own_block("ready", id, name, "connected", &connected))
}

/// The body of one stream. Its end is the end of the session.
struct Stream {
    name: Arc<str>,
    subscription: Subscription,
    first: Option<Bytes>,
    named: bool,
    end: Timer,
    /// What is left to do once there is nothing more to read.
    cut: Option<Box<Cut>>,
    _session: Session,
    _place: Place,
}

impl Stream {
    /// Reads nothing more, and begins to end.
    fn leave(&mut self, cx: &mut Context<'_>) -> Poll<Option<std::result::Result<Frame<Bytes>, CutOff>>> {
        let cut = self.cut.insert(Box::new(Cut::after(BYE)));
        Pin::new(&mut **cut).poll_frame(cx)
    }
}

impl hyper::body::Body for Stream {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, CutOff>>> {
        let stream = &mut *self;
        if let Some(cut) = &mut stream.cut {
            return Pin::new(&mut **cut).poll_frame(cx);
        }
        if stream.end.poll(cx).is_ready() {
            return stream.leave(cx);
        }
        let mut chunk = Chunk::default();
        if let Some(first) = stream.first.take() {
            chunk.push(first);
        }
        while chunk.len() < CHUNK {
            let delivery = if chunk.len() == 0 {
                match stream.subscription.poll_next(cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(None) => return stream.leave(cx),
                    Poll::Ready(Some(delivery)) => delivery,
                }
            } else if let Some(delivery) = stream.subscription.try_next() {
                delivery
            } else {
                break;
            };
            match encode(&stream.name, stream.named, &delivery) {
                Ok(bytes) => chunk.push(bytes),
                Err(error) => tracing::error!(?error, "an event could not be encoded"),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(chunk.into_bytes()))))
    }
}

/// Writes what a subscription has read.
pub(crate) fn encode(name: &str, named: bool, delivery: &Delivery) -> Result<Bytes> {
    match delivery {
        Delivery::Event(event) if named => envelope::named_block(event),
        Delivery::Event(event) => envelope::block(event),
        Delivery::Reset(reset) => Ok(envelope::own_block("reset", Some(reset.cursor), name, "reset", reset)),
        Delivery::Heartbeat(cursor) => Ok(heartbeat(*cursor)),
        _ => Ok(Bytes::new()),
    }
}

/// Tells the position of a client that gets nothing.
pub(crate) fn heartbeat(cursor: Cursor) -> Bytes {
    // Without the space after the colon the reader of Feathers 6 passes it over.
    format!("event: hb\nid: {cursor}\ndata:{{}}\n\n").into()
}

/// What goes out in one write. A single block is passed on as it is.
#[derive(Default)]
struct Chunk {
    first: Bytes,
    more: BytesMut,
}

impl Chunk {
    fn len(&self) -> usize {
        self.first.len() + self.more.len()
    }

    fn push(&mut self, block: Bytes) {
        if self.len() == 0 {
            self.first = block;
            return;
        }
        if !self.first.is_empty() {
            self.more.reserve(self.first.len() + block.len());
            self.more.extend_from_slice(&self.first);
            self.first = Bytes::new();
        }
        self.more.extend_from_slice(&block);
    }

    fn into_bytes(self) -> Bytes {
        if self.more.is_empty() { self.first } else { self.more.freeze() }
    }
}
