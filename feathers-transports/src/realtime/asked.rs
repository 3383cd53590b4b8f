//! What a request asks for: how to listen, from where, and as whom.

use std::time::Duration;

use feathers_core::query::qs;
use feathers_core::{CONNECTION_TOKEN, Credentials, Cursor, Epoch, Error, HandshakeCredentials, Result, Since};
use http::{HeaderMap, HeaderName, Uri, header};
use serde_json::{Map, Value};

use crate::kit::since::{self, newest_since};
use crate::websocket::Upgrade;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How a client listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransportChoice {
    WebSocket,
    Sse,
    Poll,
}

/// Reads the query of the URL. The secret of a session has no place there: URLs are written into logs.
pub(crate) fn query(uri: &Uri) -> Result<Map<String, Value>> {
    let query = match uri.query() {
        None | Some("") => return Ok(Map::new()),
        Some(query) => qs::parse(query)?,
    };
    match ["conn", "connectionToken"].into_iter().find(|word| query.contains_key(*word)) {
        None => Ok(query),
        Some(word) => Err(Error::bad_request(format!(
            "'{word}' is no word of this URL: the secret of a session goes into the header X-Connection-Token"
        ))),
    }
}

/// Decides how the client listens: an upgrade beats `transport`, which beats `Accept`.
pub(super) fn way(headers: &HeaderMap, query: &Map<String, Value>) -> Result<TransportChoice> {
    if Upgrade::is_wanted(headers) {
        return Ok(TransportChoice::WebSocket);
    }
    match word(query, "transport")? {
        Some("sse") => Ok(TransportChoice::Sse),
        Some("poll") => Ok(TransportChoice::Poll),
        Some(other) => Err(Error::bad_request(format!("'transport' must be 'sse' or 'poll', not '{other}'"))),
        None if accepts_stream(headers) => Ok(TransportChoice::Sse),
        None => Ok(TransportChoice::Poll),
    }
}

/// Reads the secret of the session.
pub(super) fn connection_token(headers: &HeaderMap) -> Option<&str> {
    text(headers, &CONNECTION_TOKEN)
}

/// Reads the position for a stream, where a bad one can only be reported in-band.
///
/// `known` is what is known of the client's position besides its own words.
pub(crate) fn since_of_stream(
    headers: &HeaderMap,
    query: &Map<String, Value>,
    epoch: Epoch,
    known: impl IntoIterator<Item = Cursor>,
) -> Since {
    since(headers, query, epoch, known).map_or(Since::Unreadable, Option::unwrap_or_default)
}

/// Reads the position: the newest of all words in the query and of `Last-Event-ID`.
fn since(
    headers: &HeaderMap,
    query: &Map<String, Value>,
    epoch: Epoch,
    known: impl IntoIterator<Item = Cursor>,
) -> Result<Option<Since>> {
    let mut words = Vec::new();
    for id in headers.get_all(LAST_EVENT_ID) {
        let id = id.to_str().map_err(|_| Error::bad_request("'Last-Event-ID' is a malformed cursor"))?;
        words.push(("Last-Event-ID", id));
    }
    for name in since::QUERY {
        words.extend(word(query, name)?.map(|text| (name, text)));
    }
    newest_since(epoch, words, known)
}

/// What a poll asks for.
#[derive(Debug)]
pub(super) struct Poll<'a> {
    /// `None` at the first poll.
    pub(super) since: Option<Since>,
    /// Whether the client knows what to do with a 304.
    pub(super) conditional: Option<Cursor>,
    pub(super) wait: Duration,
    /// Whether the time to wait came as `Prefer`.
    pub(super) preferred: bool,
    pub(super) limit: usize,
    /// The secret of the session, if it is not the first poll.
    pub(super) connection_token: Option<&'a str>,
}

/// How long a poll waits if it does not say.
const WAIT: u64 = 30;
/// How many events an answer has at most if the poll does not say, and in any case.
const LIMIT: u64 = 256;
const MAX_LIMIT: u64 = 1_000;

impl<'a> Poll<'a> {
    /// Reads a poll; `known` is what is known of the client's position besides its own words.
    pub(super) fn read(
        headers: &'a HeaderMap,
        query: &Map<String, Value>,
        max_wait: Duration,
        epoch: Epoch,
        known: impl IntoIterator<Item = Cursor>,
    ) -> Result<Self> {
        let conditional = text(headers, &header::IF_NONE_MATCH).and_then(etag);
        let since = since(headers, query, epoch, known)?.or_else(|| conditional.map(Since::Cursor));
        let asked = number(query, "wait")?;
        let preference = if asked.is_none() { preferred_wait(headers) } else { None };
        let limit = number(query, "limit")?.unwrap_or(LIMIT);
        if limit == 0 {
            return Err(Error::bad_request("'limit' must be at least 1"));
        }
        Ok(Self {
            since,
            conditional,
            wait: Duration::from_secs(asked.or(preference).unwrap_or(WAIT)).min(max_wait),
            preferred: preference.is_some(),
            limit: usize::try_from(limit.min(MAX_LIMIT)).unwrap_or(usize::MAX),
            connection_token: connection_token(headers),
        })
    }
}

/// Reads a cursor in quotes; any other validator is none of ours.
fn etag(value: &str) -> Option<Cursor> {
    value.split(',').find_map(|tag| {
        let tag = tag.trim();
        tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?.parse().ok()
    })
}

/// Reads `Prefer: wait=30`. What cannot be read is no preference, as RFC 7240 has it.
fn preferred_wait(headers: &HeaderMap) -> Option<u64> {
    headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).find_map(
        |preference| {
            let (name, value) = preference.split(';').next()?.split_once('=')?;
            name.trim().eq_ignore_ascii_case("wait").then_some(())?;
            value.trim().trim_matches('"').parse().ok()
        },
    )
}

/// Takes the credentials out of the query: a ticket, which is no long-lived secret.
pub(crate) fn credentials(query: &mut Map<String, Value>) -> HandshakeCredentials {
    match query.shift_remove("ticket") {
        Some(Value::String(ticket)) => HandshakeCredentials::Sent(Credentials::of("ticket", "ticket", ticket)),
        _ => HandshakeCredentials::FromHeaders,
    }
}

fn word<'a>(query: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>> {
    match query.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::bad_request(format!("'{name}' must be one plain value"))),
    }
}

fn number(query: &Map<String, Value>, name: &str) -> Result<Option<u64>> {
    let Some(text) = word(query, name)? else { return Ok(None) };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::bad_request(format!("'{name}' must be a whole number, not '{text}'")));
    }
    // Digits that do not fit are a very large number.
    Ok(Some(text.parse().unwrap_or(u64::MAX)))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())
}

/// Tells whether `Accept` names the type of streams, whatever parameters follow.
fn accepts_stream(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|item| item.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream")))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use feathers_core::Epoch;
    use feathers_core::query::qs;
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{Poll, TransportChoice, query, since_of_stream, way};

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    fn epoch() -> Epoch {
        Epoch::new("aaaaaaaa").unwrap()
    }

    #[test]
    fn the_request_chooses_the_way() {
        let check = |list: &[(&'static str, &'static str)], query: &str, expected: Option<TransportChoice>| {
            assert_eq!(way(&headers(list), &qs::parse(query).unwrap()).ok(), expected, "{list:?} {query}");
        };
        let sse = ("accept", "text/event-stream");
        check(&[], "", Some(TransportChoice::Poll));
        check(&[("accept", "*/*")], "", Some(TransportChoice::Poll));
        check(&[sse], "", Some(TransportChoice::Sse));
        check(&[("accept", "application/json, Text/Event-Stream;q=0.5")], "", Some(TransportChoice::Sse));
        check(&[sse], "transport=poll", Some(TransportChoice::Poll));
        check(&[("accept", "application/json")], "transport=sse", Some(TransportChoice::Sse));
        check(&[("upgrade", "WebSocket"), sse], "transport=sse", Some(TransportChoice::WebSocket));
        check(&[("upgrade", "h2c")], "", Some(TransportChoice::Poll));
        check(&[], "transport=pigeon", None);
        check(&[], "transport=sse&transport=poll", None);
    }

    #[test]
    fn of_header_and_query_the_newest_position_counts() {
        let check = |list: &[(&'static str, &'static str)], query: &str, expected: &str| {
            let since = since_of_stream(&headers(list), &qs::parse(query).unwrap(), epoch(), None);
            assert_eq!(format!("{since:?}"), expected, "{list:?} {query}");
        };
        let one = "Cursor(Cursor { epoch: aaaaaaaa, seq: 1 })";
        check(&[], "", "Now");
        check(&[], "since=now", "Now");
        check(&[], "since=earliest", "Earliest");
        check(&[], "since=aaaaaaaa-1", one);
        check(&[], "last_event_id=aaaaaaaa-1", one);
        check(&[], "lastEventId=aaaaaaaa-1", one);
        check(&[], "lastEventID=aaaaaaaa-1", one);
        check(&[], "Last-Event-ID=aaaaaaaa-1", one);
        let nine = "Cursor(Cursor { epoch: aaaaaaaa, seq: 9 })";
        for name in ["since", "last_event_id", "lastEventId", "lastEventID", "Last-Event-ID"] {
            let (old, new) = (format!("{name}=aaaaaaaa-1"), format!("{name}=aaaaaaaa-9"));
            check(&[("last-event-id", "aaaaaaaa-9")], &old, nine);
            check(&[("last-event-id", "aaaaaaaa-1")], &new, nine);
            if name != "since" {
                check(&[], &format!("{new}&since=aaaaaaaa-1"), nine);
                check(&[], &format!("{old}&since=aaaaaaaa-9"), nine);
            }
            check(&[], &format!("{name}="), "Now");
            check(&[], &format!("{name}=rubbish"), "Unreadable");
            check(&[("last-event-id", "aaaaaaaa-9")], &format!("{name}=rubbish"), "Unreadable");
        }
        check(&[("last-event-id", "aaaaaaaa-1"), ("last-event-id", "aaaaaaaa-9")], "", nine);
        check(&[("last-event-id", "")], "since=aaaaaaaa-1", one);
        check(&[("last-event-id", "rubbish")], "since=aaaaaaaa-1", "Unreadable");
        check(&[("last-event-id", "aaaaaaaa-9")], "since=earliest", nine);
        check(&[("last-event-id", "aaaaaaaa-9")], "since=now", nine);
        // Of another log.
        check(&[("last-event-id", "bbbbbbbb-99")], "since=aaaaaaaa-9", nine);
        check(&[("last-event-id", "aaaaaaaa-9")], "since=bbbbbbbb-99", nine);
        let foreign = "Cursor(Cursor { epoch: bbbbbbbb, seq: 99 })";
        check(&[("last-event-id", "bbbbbbbb-99")], "since=earliest", foreign);
        // Parameters of other names.
        check(&[], "cursor=rubbish&last-event-id=rubbish&offset=rubbish", "Now");
        check(&[], "since[a]=1", "Unreadable");
    }

    #[test]
    fn a_poll_is_read_or_refused_by_name() {
        let check = |list: &[(&'static str, &'static str)], query: &str, expected: Result<(u64, bool, usize), &str>| {
            let (headers, query) = (headers(list), qs::parse(query).unwrap());
            let poll = Poll::read(&headers, &query, Duration::from_mins(1), epoch(), None);
            let read = poll.as_ref().map(|poll| (poll.wait.as_secs(), poll.preferred, poll.limit));
            assert_eq!(read.map_err(feathers_core::Error::message), expected, "{list:?} {query:?}");
        };
        check(&[], "", Ok((30, false, 256)));
        check(&[], "wait=0", Ok((0, false, 256)));
        check(&[], "wait=99999&limit=99999", Ok((60, false, 1000)));
        check(&[], "wait=99999999999999999999999", Ok((60, false, 256)));
        check(&[], "wait=-1", Err("'wait' must be a whole number, not '-1'"));
        check(&[], "wait=", Err("'wait' must be a whole number, not ''"));
        check(&[], "wait=1.5", Err("'wait' must be a whole number, not '1.5'"));
        check(&[], "wait=1&wait=2", Err("'wait' must be one plain value"));
        check(&[], "limit=0", Err("'limit' must be at least 1"));
        check(&[], "since=1", Err("'since' is a malformed cursor"));
        check(&[("last-event-id", "1")], "", Err("'Last-Event-ID' is a malformed cursor"));
        check(&[("prefer", "respond-async, Wait=5; x")], "", Ok((5, true, 256)));
        check(&[("prefer", "wait=5")], "wait=7", Ok((7, false, 256)));
        check(&[("prefer", "wait=soon")], "", Ok((30, false, 256)));
    }

    #[test]
    fn the_secret_of_a_session_is_no_word_of_the_url() {
        let check = |uri: &'static str| query(&http::Uri::from_static(uri)).map_err(|error| error.code());
        assert_eq!(check("/realtime?connection=1").map(|query| query.len()), Ok(1));
        for uri in ["/realtime?conn=", "/realtime?wait=0&conn=x", "/realtime?conn[a]=x", "/realtime?connectionToken=x"]
        {
            assert_eq!(check(uri), Err(400), "{uri}");
        }
    }

    #[test]
    fn a_validator_is_a_cursor_when_it_can_be() {
        let check = |value: &'static str, query: &str, expected: Option<u64>| {
            let (headers, query) = (headers(&[("if-none-match", value)]), qs::parse(query).unwrap());
            let poll = Poll::read(&headers, &query, Duration::ZERO, epoch(), None).unwrap();
            assert_eq!(poll.conditional.map(feathers_core::Cursor::seq), expected);
            assert_eq!(poll.since.is_some(), expected.is_some() || !query.is_empty());
        };
        check("\"aaaaaaaa-3\"", "", Some(3));
        check("W/\"aaaaaaaa-3\"", "", Some(3));
        check("\"x\", \"aaaaaaaa-3\"", "", Some(3));
        check("\"x\"", "", None);
        check("*", "", None);
        check("\"aaaaaaaa-3\"", "since=now", Some(3));
    }
}
