//! WebSocket-over-HTTP: what a proxy and an app tell each other of one WebSocket, as the body of a request or an
//! answer of the type `application/websocket-events`.
//!
//! A body is a sequence of events. An event is a line `TYPE\r\n`, or `TYPE <length in hex>\r\n<content>\r\n`.
//! Reading is one pass without copies: contents are slices of the body. It is strict, as an app has no use for half a
//! sequence, and bounded: the number of events and the size of each are the caller's [`Limits`].

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

/// One thing that happened on a WebSocket, or is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The connection is asked for, or accepted.
    Open,
    /// Text; the bytes are valid UTF-8.
    Text(Bytes),
    /// Binary data.
    Binary(Bytes),
    /// A ping, to be answered with the same bytes.
    Ping(Bytes),
    /// The answer to a ping.
    Pong(Bytes),
    /// The end, by a close frame; without a code if the frame had none.
    Close(Option<Close>),
    /// The end, without a close frame.
    Disconnect,
}

/// What a close frame says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Close {
    code: u16,
    reason: String,
}

/// What a body may hold; whatever goes beyond is an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many events.
    pub(crate) events: usize,
    /// How many bytes each text and each binary message.
    pub(crate) message: usize,
}

/// Why a body is refused: at which of its bytes, and what to tell the client in the close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EventError {
    /// The place in the body, from 0 on.
    pub(crate) at: usize,
    /// The code for the close frame (RFC 6455, section 7.4.1).
    pub(crate) code: u16,
    /// What is wrong.
    pub(crate) reason: &'static str,
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the events", self.reason, self.at)
    }
}

const fn error(at: usize, code: u16, reason: &'static str) -> EventError {
    EventError { at, code, reason }
}

/// The most that a ping, a pong or a close frame holds (RFC 6455, section 5.5).
const CONTROL: usize = 125;

/// The longest first line that can be right: a type, a blank, a length of 64 bits.
const LINE: usize = "DISCONNECT".len() + 1 + 16;

const END: &[u8] = b"\r\n";

impl Close {
    /// Says why a connection ends; a reason that does not fit into a close frame is cut at a character.
    ///
    /// The code must be one that a close frame may carry (RFC 6455, section 7.4); a proxy may refuse others.
    pub(crate) fn new(code: u16, reason: &str) -> Self {
        let room = reason.len().min(CONTROL - 2);
        let end = (0..=room).rev().find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
        Self { code, reason: reason.get(..end).unwrap_or_default().to_owned() }
    }

    /// Returns the code.
    pub(crate) fn code(&self) -> u16 {
        self.code
    }

    /// Returns the reason, which may be empty.
    #[cfg(test)]
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    /// Reads the content of a close frame, which begins at a byte of the body.
    fn decode(content: &[u8], at: usize) -> Result<Option<Self>, EventError> {
        match content {
            [] => Ok(None),
            [_] => Err(error(at, 1002, "half a close code")),
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !may_be_sent(code) {
                    return Err(error(at, 1002, "not a valid close code"));
                }
                utf8(reason, at + 2, "the close reason is not valid UTF-8")?;
                Ok(Some(Self { code, reason: String::from_utf8_lossy(reason).into_owned() }))
            }
        }
    }

    fn len(&self) -> usize {
        2 + self.reason.len()
    }
}

/// Tells whether a close frame may carry this code (RFC 6455, section 7.4).
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads a body; an empty one has no events.
///
/// # Errors
/// The first mistake, with its byte. An event may have an unknown type, no end of its line or content, a length that is
/// not hexadecimal, or content where none is allowed. There may be too many events, or one may be too big. Text may not
/// be UTF-8, and a close frame may be invalid.
pub(crate) fn decode(body: &Bytes, limits: Limits) -> Result<Vec<Event>, EventError> {
    let (mut events, mut at) = (Vec::new(), 0);
    while at < body.len() {
        if events.len() == limits.events {
            return Err(error(at, 1009, "too many events"));
        }
        let event;
        (event, at) = next(body, at, limits)?;
        events.push(event);
    }
    Ok(events)
}

/// Reads the event that begins at a byte; also returns where the next one begins.
fn next(body: &Bytes, at: usize, limits: Limits) -> Result<(Event, usize), EventError> {
    let rest = body.get(at..).unwrap_or_default();
    let window = rest.get(..LINE + END.len()).unwrap_or(rest);
    let Some(end) = window.windows(END.len()).position(|bytes| bytes == END) else {
        return Err(error(at, 1002, "an event without the end of its line"));
    };
    let line = window.get(..end).unwrap_or_default();
    let after = at + end + END.len();
    let (name, digits) = match line.iter().position(|byte| *byte == b' ') {
        Some(blank) => (line.get(..blank).unwrap_or_default(), line.get(blank + 1..)),
        None => (line, None),
    };
    let bound = match name {
        b"TEXT" | b"BINARY" => limits.message,
        b"PING" | b"PONG" | b"CLOSE" => CONTROL,
        b"OPEN" | b"DISCONNECT" => 0,
        _ => return Err(error(at, 1002, "an unknown type of event")),
    };
    let Some(digits) = digits else {
        return Ok((event(name, Bytes::new(), after)?, after));
    };
    let length = length(digits, at + name.len() + 1)?;
    if bound < length {
        let (code, reason) = match name {
            b"TEXT" | b"BINARY" => (1009, "the message is too big"),
            b"OPEN" | b"DISCONNECT" => (1002, "content where there may be none"),
            _ => (1002, "the content is too long for its type"),
        };
        return Err(error(at, code, reason));
    }
    // No overflow: what is longer than the body ends here.
    let Some((content, tail)) = body.get(after..).and_then(|rest| rest.split_at_checked(length)) else {
        return Err(error(after, 1002, "the content is shorter than it should be"));
    };
    if !tail.starts_with(END) {
        return Err(error(after + length, 1002, "no end of line after the content"));
    }
    Ok((event(name, body.slice_ref(content), after)?, after + length + END.len()))
}

/// Reads a length, whose digits begin at a byte of the body.
fn length(digits: &[u8], at: usize) -> Result<usize, EventError> {
    let parse = || {
        let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
        usize::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    parse().ok_or(error(at, 1002, "a length that is not a hexadecimal number"))
}

/// Makes the event of a known type from its content, which begins at a byte of the body.
fn event(name: &[u8], content: Bytes, at: usize) -> Result<Event, EventError> {
    Ok(match name {
        b"OPEN" => Event::Open,
        b"TEXT" => {
            utf8(&content, at, "the text is not valid UTF-8")?;
            Event::Text(content)
        }
        b"BINARY" => Event::Binary(content),
        b"PING" => Event::Ping(content),
        b"PONG" => Event::Pong(content),
        b"CLOSE" => Event::Close(Close::decode(&content, at)?),
        _ => Event::Disconnect,
    })
}

fn utf8(bytes: &[u8], at: usize, reason: &'static str) -> Result<(), EventError> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(()),
        Err(invalid) => Err(error(at + invalid.valid_up_to(), 1007, reason)),
    }
}

/// Writes a body.
///
/// An empty message is written with its length of 0, a close frame without a code without content.
pub(crate) fn encode<'a>(events: impl IntoIterator<Item = &'a Event, IntoIter: Clone>) -> Bytes {
    let events = events.into_iter();
    let mut body = BytesMut::with_capacity(events.clone().map(size).sum());
    for event in events {
        match event {
            Event::Open => body.put_slice(b"OPEN\r\n"),
            Event::Disconnect => body.put_slice(b"DISCONNECT\r\n"),
            Event::Close(None) => body.put_slice(b"CLOSE\r\n"),
            Event::Text(content) => put(&mut body, "TEXT", &[content]),
            Event::Binary(content) => put(&mut body, "BINARY", &[content]),
            Event::Ping(content) => put(&mut body, "PING", &[content]),
            Event::Pong(content) => put(&mut body, "PONG", &[content]),
            Event::Close(Some(close)) => {
                put(&mut body, "CLOSE", &[&close.code.to_be_bytes(), close.reason.as_bytes()]);
            }
        }
    }
    body.freeze()
}

/// Returns the most bytes that an event is written in.
fn size(event: &Event) -> usize {
    LINE + match event {
        Event::Open | Event::Disconnect | Event::Close(None) => END.len(),
        Event::Text(content) | Event::Binary(content) | Event::Ping(content) | Event::Pong(content) => {
            content.len() + 2 * END.len()
        }
        Event::Close(Some(close)) => close.len() + 2 * END.len(),
    }
}

/// Writes an event with content, which is in one piece or in several.
fn put(body: &mut BytesMut, name: &str, content: &[&[u8]]) {
    let length: usize = content.iter().map(|piece| piece.len()).sum();
    body.put_slice(format!("{name} {length:x}\r\n").as_bytes());
    for piece in content {
        body.put_slice(piece);
    }
    body.put_slice(END);
}

/// Checks what must hold for any body, for the tests and the fuzz target.
///
/// Reading does not panic, keeps to the limits, names a place in the body in an error; and what was read is read again
/// from what is written.
#[cfg(any(test, fuzzing))]
pub(crate) fn check(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    for limits in [Limits { events: 3, message: 5 }, Limits { events: usize::MAX, message: usize::MAX }] {
        match decode(&body, limits) {
            Err(error) => assert!(error.at <= bytes.len(), "{error}"),
            Ok(events) => {
                assert!(events.len() <= limits.events);
                assert!(events.iter().all(|event| match event {
                    Event::Text(content) | Event::Binary(content) => content.len() <= limits.message,
                    Event::Ping(content) | Event::Pong(content) => content.len() <= CONTROL,
                    Event::Close(close) => close.as_ref().is_none_or(|close| close.len() <= CONTROL),
                    Event::Open | Event::Disconnect => true,
                }));
                let again = encode(&events);
                assert_eq!(decode(&again, limits).as_ref(), Ok(&events));
                assert_eq!(encode(&events), again);
            }
        }
    }
}

#[cfg(test)]
mod tests;
