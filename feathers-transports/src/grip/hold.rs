//! Instructions: the headers by which an answer tells the proxy to hold the client.

use std::time::Duration;

use axum::response::Response;
use feathers_core::Result;
use http::{HeaderName, HeaderValue};

use super::incoming::HOLD;
use super::item::{CONNECTION_TOKEN, VAR_SUBST};
use super::router::HoldPosition;

const CHANNEL: HeaderName = HeaderName::from_static("grip-channel");
const TIMEOUT: HeaderName = HeaderName::from_static("grip-timeout");
const LINK: HeaderName = HeaderName::from_static("grip-link");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("grip-keep-alive");
const SET_META: HeaderName = HeaderName::from_static("grip-set-meta");

/// The longest time between two looks at a stream: it is the heartbeat that moves the client's cursor.
pub(crate) const LONGEST_LINK: Duration = Duration::from_secs(25);

/// Has a stream held after its body.
///
/// `own` is the channel of the connection itself, and `link` where the proxy asks again: at a gap, and after some time.
/// Since nothing is ever sent on the own channel, no traffic puts that off. Without a position the client gets no events
/// until then, and keeps its place.
pub(crate) fn stream(
    response: &mut Response,
    position: Option<&HoldPosition>,
    own: &str,
    link: &str,
    every: Duration,
) -> Result<()> {
    let headers = response.headers_mut();
    headers.insert(HOLD, HeaderValue::from_static("stream"));
    let position =
        position.map_or_else(String::new, |position| format!("{}; prev-id={}, ", position.channel, position.last));
    headers.insert(CHANNEL, HeaderValue::try_from(format!("{position}{own}"))?);
    headers.insert(LINK, next(link, every)?);
    // Without an empty line, which would be a message to some readers.
    let keep_alive = format!(":\\n; format=cstring; timeout={}; mode=idle", LONGEST_LINK.as_secs());
    headers.insert(KEEP_ALIVE, HeaderValue::try_from(keep_alive)?);
    Ok(())
}

fn next(link: &str, every: Duration) -> Result<HeaderValue> {
    let seconds = every.min(LONGEST_LINK).as_secs().max(1);
    Ok(HeaderValue::try_from(format!("<{link}>; rel=next; timeout={seconds}"))?)
}

/// Has a poll held: the answer is what the client gets when nothing has come.
pub(crate) fn response(
    response: &mut Response,
    position: &HoldPosition,
    own: &str,
    token: &str,
    wait: Duration,
) -> Result<()> {
    let headers = response.headers_mut();
    headers.insert(HOLD, HeaderValue::from_static("response"));
    let channels = format!("{}; prev-id={}; filter={VAR_SUBST}, {own}", position.channel, position.last);
    headers.insert(CHANNEL, HeaderValue::try_from(channels)?);
    headers.insert(TIMEOUT, HeaderValue::from(wait.as_secs()));
    headers.insert(SET_META, HeaderValue::try_from(format!("{CONNECTION_TOKEN}={token}"))?);
    Ok(())
}
