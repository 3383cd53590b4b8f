//! Streams at a proxy: each request of the proxy is answered with what the client has not got yet, and how to hold it.

use std::sync::Mutex;
use std::time::Duration;

use axum::body::Body;
use axum::extract::OriginalUri;
use axum::response::Response;
use bytes::BytesMut;
use feathers_core::{Cursor, Handshake, HandshakeCredentials, Provider, Result, Since, Subscription};
use http::Uri;
use http::request::Parts;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::Stream;
use crate::grip::{LEASE, Link, Proxied, hold};
use crate::kit::address::client_address;
use crate::kit::since::newest_since;
use crate::realtime::{Shared, asked, resumption, sse};

/// Past this many bytes the first answer ends, and the client reconnects for the rest.
const PAGE: usize = 256 << 10;
/// The most bytes of events in the answer to a link; a client that has missed more reconnects.
///
/// If an answer to a link is cut on its way, Pushpin takes the part for the whole and continues from its end, so the
/// rest is lost. So these answers go out in one write. A first answer that is cut does not count for Pushpin.
const REPAIR: usize = 8 << 10;
/// How long an answer with events to a link is kept back.
///
/// Some of these events may have been published and not have been sent yet: Pushpin sends what it gets within a tenth
/// of a second. While it waits for the answer it keeps them, and then passes over those that are in it. After the
/// answer they would be a gap, and it would ask again and again for as long as events come.
const SETTLE: Duration = Duration::from_millis(200);
/// What the link has its token in.
const LINK: &str = "grip";
/// How soon the proxy asks again when the client stands on a channel that had no clients before, or has to wait.
const SOON: Duration = Duration::from_secs(1);

/// Tells whether the URL is the proxy's own for the rest of a stream, which says nothing else of how it listens.
pub(super) fn is_linked(uri: &Uri) -> bool {
    uri.query()
        .is_some_and(|query| query.split('&').any(|pair| pair.split_once('=').is_some_and(|(name, _)| name == LINK)))
}

/// Answers the first request of a stream.
pub(super) async fn begin(
    shared: &Shared,
    proxied: &Proxied,
    parts: Parts,
    mut query: Map<String, Value>,
) -> Result<Response> {
    let address = client_address(&parts.extensions);
    let place = shared.place(address, &parts.headers);
    let Some(place) = place else { return Ok(sse::response(Body::from(sse::later(&shared.name)))) };
    let since = asked::since_of_stream(&parts.headers, &query, shared.app.log().epoch(), proxied.delivered());
    let named = query.get("names").is_some_and(|names| names == "1");
    let (credentials, cookie) = (asked::credentials(&mut query), resumption::Writer::new(&parts));
    let path = path(&parts);
    let handshake = Handshake::new(Provider::SSE).headers(parts.headers).query(query).since(since);
    let session = shared.app.open(handshake.credentials(credentials).address(address)).await?;
    let origin = proxied.origin();
    origin.watch(session.connection());
    let reader = session.subscribe();
    let greeting = sse::greeting(&shared.name, &session, &reader);
    let stream =
        Stream { session, named, until: Mutex::new(Instant::now() + LEASE), origin: origin.clone(), _place: place };
    let stream = origin.holds().keep(stream);
    let turn = Turn { shared, stream: &stream, path: &path, before: None };
    let (mut response, _) = turn.answer(reader, BytesMut::from(&*greeting))?;
    cookie.write(stream.session.connection(), shared.options.max_lifetime, &mut response);
    Ok(response)
}

/// Answers when the proxy asks again. A session that is over ends the stream: the client reconnects by itself, with its
/// credentials.
pub(super) async fn again(shared: &Shared, proxied: &Proxied, parts: Parts) -> Result<Response> {
    let over = || Ok(sse::response(Body::empty()));
    let query = asked::query(&parts.uri)?;
    let token = query.get(LINK).and_then(Value::as_str).unwrap_or_default();
    let Some(link) = proxied.origin().tokens().verify::<Link>(token) else { return over() };
    let Some(stream) = proxied.origin().holds().find(&link.sid) else { return over() };
    let connection = stream.session.connection();
    // The request is the proxy's own, with nothing of the client's but the token, which is ours.
    if parts.headers.keys().any(|name| shared.app.secret_headers().contains(name)) {
        shared.app.check_owner(connection, &HandshakeCredentials::FromHeaders, &parts.headers.clone().into()).await?;
    }
    if connection.is_closed() {
        return over();
    }
    let since = newest_since(shared.app.log().epoch(), [("cur", link.cur.as_str())], proxied.last(&link.ch))?;
    let reader = stream.session.subscribe_since(since.unwrap_or(Since::Unreadable));
    let turn = Turn { shared, stream: &stream, path: &path(&parts), before: Some(&link.ch) };
    let (response, has_events) = turn.answer(reader, BytesMut::new())?;
    if has_events {
        tokio::time::sleep(SETTLE).await;
    }
    Ok(response)
}

/// Returns the path as the proxy knows it.
fn path(parts: &Parts) -> String {
    let outer = parts.extensions.get::<OriginalUri>();
    outer.map_or(&parts.uri, |OriginalUri(uri)| uri).path().to_owned()
}

/// One request for a stream.
struct Turn<'a> {
    shared: &'a Shared,
    stream: &'a Stream,
    path: &'a str,
    /// The channel that it was held on before, which is empty if there was none for events.
    before: Option<&'a str>,
}

impl Turn<'_> {
    /// Makes the answer, and tells whether there is an event in it.
    fn answer(&self, mut reader: Subscription, mut body: BytesMut) -> Result<(Response, bool)> {
        let (shared, stream) = (self.shared, self.stream);
        let connection = stream.session.connection();
        let origin = &stream.origin;
        stream.renew();
        // Before anything is read, so that no change is missed.
        origin.hold(connection);
        let begun = body.len();
        // A client that was on no channel yet is not repaired, but begins: it must not have to reconnect for that.
        let repairs = self.before.is_some_and(|before| !before.is_empty());
        let room = if repairs { REPAIR } else { PAGE };
        let mut full = false;
        let (held_at, whole) = super::hold_position(
            || origin.position(connection, stream.named, LEASE),
            || {
                full = !self.read(&mut reader, &mut body, room);
                reader.cursor()
            },
        );
        if connection.is_closed() {
            return Ok((sse::response(Body::from(body.freeze())), false));
        }
        let cursor = reader.cursor();
        if full {
            // The client reconnects from its position, and begins again. An answer that repairs a stream sends none of
            // these events.
            origin.holds().end(stream.session.secret());
            if repairs {
                body.clear();
            }
            body.extend_from_slice(&sse::come_back());
            return Ok((sse::response(Body::from(body.freeze())), false));
        }
        let has_events = body.len() > begun;
        if body.is_empty() {
            body.extend_from_slice(&sse::heartbeat(cursor));
        }
        let settled = whole && self.before.is_none_or(|before| before == &*held_at.channel);
        let every = if settled { shared.options.heartbeat_interval } else { SOON };
        let mut response = sse::response(Body::from(body.freeze()));
        // A client that has not read everything, as when its replay waits for a login, must not count as one that has.
        let held_at = whole.then_some(&held_at);
        let link = self.link(held_at.map_or("", |held_at| &*held_at.channel), cursor)?;
        hold::stream(&mut response, held_at, &origin.own_channel(connection), &link, every)?;
        Ok((response, has_events))
    }

    /// Reads what there is; `false` if the answer is full before.
    fn read(&self, reader: &mut Subscription, body: &mut BytesMut, room: usize) -> bool {
        while body.len() < room {
            let Some(delivery) = reader.try_next() else { return true };
            match sse::encode(&self.shared.name, self.stream.named, &delivery) {
                Ok(block) => body.extend_from_slice(&block),
                Err(error) => tracing::error!(?error, "an event could not be encoded"),
            }
        }
        false
    }

    fn link(&self, channel: &str, cursor: Cursor) -> Result<String> {
        let sid = self.stream.session.secret().to_string();
        let link = Link { sid, ch: channel.to_owned(), cur: cursor.to_string() };
        Ok(format!("{}?{LINK}={}", self.path, self.stream.origin.tokens().sign(link, LEASE)?))
    }
}
