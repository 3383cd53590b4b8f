//! Long and short polling: one request, one answer with what came after the client's cursor.
//!
//! The server takes nothing away because it has answered: an answer that is lost on its way is asked for again with the
//! old cursor. A short poll is a long one that does not wait.

mod batch;
mod client;
mod clients;

use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

use axum::response::Response;
use feathers_core::{
    Cursor, DisconnectReason, Error, Handshake, HandshakeCredentials, Headers, Provider, Result, Since,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use tokio::time::Instant;

pub(crate) use self::batch::Batch;
pub(crate) use self::client::Turn;
pub(super) use self::clients::Clients;
#[cfg(feature = "grip")]
use super::HeldBy;
use super::{Shared, asked, empty, jittered, resumption};
use crate::kit::address::client_address;
use crate::kit::answer::{error_response, json};
use crate::kit::budget::{Meter, cost_of_head};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// After how many seconds a client that was turned away should try again.
const BUSY: u64 = 2;

/// How long the first poll of a client whose session is over waits at most. The client needs the new session soon:
/// its calls are made on that, and join channels.
const SOON: Duration = Duration::from_secs(1);

/// Answers a poll.
pub(super) async fn answer(shared: &Shared, parts: Parts, mut query: Map<String, Value>) -> Result<Response> {
    let options = &shared.options;
    #[cfg(feature = "grip")]
    let holder = HeldBy::of(&parts.extensions);
    #[cfg(feature = "grip")]
    let known = holder.iter().flat_map(|holder| holder.delivered());
    #[cfg(not(feature = "grip"))]
    let known = None;
    let asked = asked::Poll::read(&parts.headers, &query, options.max_wait, shared.app.log().epoch(), known)?;
    let headers = Headers::from(parts.headers.clone());
    let meter = Meter::of(&shared.budget, &parts.extensions);
    let credentials = asked::credentials(&mut query);
    if let Some(token) = asked.connection_token {
        shared.app.connection_of(token, &credentials, &headers).await?;
    }
    if let Some(response) = unchanged(shared, &asked)? {
        return Ok(response);
    }
    let since = asked.since.unwrap_or_default();
    // Without a cursor there is nothing to wait for: the client learns where it stands.
    let mut hold = if asked.since.is_some() { asked.wait } else { Duration::ZERO };
    let (wait, preferred, limit) = (asked.wait, asked.preferred, asked.limit);
    let address = client_address(&parts.extensions);
    let by_ticket = matches!(credentials, HandshakeCredentials::Sent(_));
    let turn = if let Some(turn) = asked.connection_token.and_then(|token| shared.clients.take_turn(token, since)) {
        turn
    } else {
        if let Some(over) = asked.connection_token.and_then(|token| shared.clients.over(token)) {
            shared.app.check_owner(&over, &credentials, &headers).await?;
        }
        let Some(session_permit) = shared.session_limit.take(address) else { return Ok(too_many()) };
        let kept = Meter::of_session(&shared.budget, address).account().take(cost_of_head(&parts.headers))?;
        let Some(place) = shared.clients.reserve(session_permit, kept) else { return Ok(busy()) };
        if asked.connection_token.is_some() {
            hold = hold.min(SOON);
        }
        let handshake = Handshake::new(Provider::POLL).headers(headers).query(query).since(since);
        let session = shared.app.open(handshake.credentials(credentials).address(address)).await?;
        shared.clients.add(session, place, since)
    };
    let log = shared.app.log();
    let start = turn.start().unwrap_or_else(|| if since == Since::Earliest { log.oldest() } else { log.head() });
    let mut batch = Batch::new(start, limit, options.batch_bytes);
    #[cfg(feature = "grip")]
    let at_proxy = holder.and_then(|holder| holder.poll(&turn, &mut batch, hold));
    #[cfg(feature = "grip")]
    if at_proxy.is_some() {
        hold = Duration::ZERO;
    }
    collect(&turn, &mut batch, hold, options.collect).await;
    if let Some(DisconnectReason::Unauthenticated(error)) = turn.disconnect_reason() {
        return Err(error);
    }
    let cursor = batch.cursor();
    let interval = wait.is_zero().then_some(options.poll_interval);
    // What is refused here is not lost: the client asks again from where it is.
    let body = meter.answer(batch.into_body(turn.secret(), interval), false)?;
    let mut response = json(StatusCode::OK, body);
    set_headers(&mut response, cursor)?;
    #[cfg(feature = "grip")]
    if let Some(instructions) = at_proxy {
        instructions(&mut response, turn.secret())?;
    }
    if by_ticket {
        let lifetime = options.session_timeout + options.max_wait;
        resumption::Writer::new(&parts).write(turn.connection(), lifetime, &mut response);
    }
    if preferred {
        let applied = HeaderValue::try_from(format!("wait={}", wait.as_secs()))?;
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// Answers a short poll with a 304 if its validator is the head of the log: then there is nothing new for any client.
///
/// It needs no session. A client that names one which is over is not answered like this, since it must learn of that.
fn unchanged(shared: &Shared, asked: &asked::Poll<'_>) -> Result<Option<Response>> {
    let Some(cursor) = asked.conditional.filter(|cursor| *cursor == shared.app.log().head()) else { return Ok(None) };
    let since = Since::Cursor(cursor);
    if !asked.wait.is_zero() || asked.since != Some(since) {
        return Ok(None);
    }
    if asked.connection_token.is_some_and(|token| shared.clients.take_turn(token, since).is_none()) {
        return Ok(None);
    }
    let mut response = empty(StatusCode::NOT_MODIFIED);
    set_headers(&mut response, cursor)?;
    let seconds = shared.options.poll_interval.as_millis().div_ceil(1_000);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::try_from(seconds.to_string())?);
    Ok(Some(response))
}

/// Takes what is there; if that is nothing, waits for the first event and a moment longer for more.
async fn collect(turn: &Turn, batch: &mut Batch, wait: Duration, gather: Duration) {
    turn.take_ready(batch);
    if wait.is_zero() || !batch.is_blank() {
        return;
    }
    let mut timer = pin!(tokio::time::sleep(jittered(wait)));
    let mut gathering = false;
    loop {
        let goes_on = tokio::select! {
            biased;
            goes_on = poll_fn(|cx| turn.poll_wait(cx, batch)) => goes_on,
            () = &mut timer => break,
        };
        if !goes_on || batch.is_closed() {
            break;
        }
        if !gathering {
            gathering = true;
            let deadline = timer.deadline().min(Instant::now() + gather);
            timer.as_mut().reset(deadline);
        }
    }
    turn.take_ready(batch);
}

fn set_headers(response: &mut Response, cursor: Cursor) -> Result<()> {
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(format!("\"{cursor}\""))?);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store, private"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization, cookie"));
    Ok(())
}

/// Turns a client away for now.
fn busy() -> Response {
    later(&Error::unavailable("no more polling sessions now, try again later"))
}

/// Turns a client away whose address has enough sessions: the server has room for others.
fn too_many() -> Response {
    later(&Error::too_many_requests("no more sessions from this address now, try again later"))
}

fn later(error: &Error) -> Response {
    let mut response = error_response(error);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(BUSY));
    response
}
