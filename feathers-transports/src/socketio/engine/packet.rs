//! The packets of Socket.IO 5 on Engine.IO 4: texts, parsed and written without any I/O.
//!
//! An Engine.IO packet begins with its type: `2` ping, `3` pong, `4` message. A message is a Socket.IO packet, which
//! begins with its own: `42["todos created",{..}]` is an event.

use std::fmt::Write;

use bytes::Bytes;
use feathers_core::{DeliveredEvent, Error, Payload, Result};
use serde::Serialize;

/// Separates the packets in one HTTP body.
pub(super) const SEPARATOR: u8 = 0x1E;

pub(super) const PING: Bytes = Bytes::from_static(b"2");
pub(super) const NOOP: Bytes = Bytes::from_static(b"6");
pub(super) const CLOSE: Bytes = Bytes::from_static(b"1");
pub(super) const PROBE: &[u8] = b"2probe";
pub(super) const PROBED: Bytes = Bytes::from_static(b"3probe");
pub(super) const UPGRADE: &[u8] = b"5";
/// The Socket.IO packet that ends the connection from the server's side, for good.
pub(super) const DISCONNECT: Bytes = Bytes::from_static(b"41");

/// What a client has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// The answer to a ping.
    Pong,
    /// The client ends the engine's session.
    Close,
    /// The client joins a namespace, with credentials if it has some.
    Connect { namespace: &'a str, auth: &'a str },
    /// The client leaves the namespace for good.
    Disconnect,
    /// An event, which is a call; the arguments are a JSON array.
    Event { id: Option<u64>, arguments: &'a str },
    /// An event with so many binary attachments.
    Binary { id: Option<u64>, attachments: usize },
    /// Something unexpected, such as an answer to no question.
    Ignored,
}

/// Parses one Engine.IO packet; `None` for what is no packet.
pub(super) fn parse(text: &str) -> Option<Packet<'_>> {
    let (kind, rest) = split(text)?;
    match kind {
        '1' => Some(Packet::Close),
        '3' => Some(Packet::Pong),
        '4' => parse_message(rest),
        _ => None,
    }
}

fn parse_message(text: &str) -> Option<Packet<'_>> {
    let (kind, rest) = split(text)?;
    let (attachments, rest) = match kind {
        '5' | '6' => {
            let (count, rest) = rest.split_once('-')?;
            (count.parse().ok().filter(|count| *count <= 1_000)?, rest)
        }
        _ => (0, rest),
    };
    let (namespace, rest) =
        if rest.starts_with('/') { rest.split_once(',').unwrap_or((rest, "")) } else { ("/", rest) };
    if kind == '0' {
        return Some(Packet::Connect { namespace, auth: rest });
    }
    if namespace != "/" {
        return None;
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (id, arguments) = rest.split_at_checked(digits)?;
    let id = if id.is_empty() { None } else { Some(id.parse().ok()?) };
    match kind {
        '1' => Some(Packet::Disconnect),
        '2' if arguments.starts_with('[') => Some(Packet::Event { id, arguments }),
        '5' => Some(Packet::Binary { id, attachments }),
        '3' | '6' => Some(Packet::Ignored),
        _ => None,
    }
}

fn split(text: &str) -> Option<(char, &str)> {
    let first = text.chars().next()?;
    Some((first, text.get(first.len_utf8()..)?))
}

/// What the server says first.
#[derive(Serialize)]
pub(super) struct Open<'a> {
    pub(super) sid: &'a str,
    pub(super) upgrades: &'a [&'a str],
    #[serde(rename = "pingInterval")]
    pub(super) ping_interval: u128,
    #[serde(rename = "pingTimeout")]
    pub(super) ping_timeout: u128,
    #[serde(rename = "maxPayload")]
    pub(super) max_message: usize,
}

impl Open<'_> {
    pub(super) fn packet(&self) -> Bytes {
        json_packet("0", self)
    }
}

/// The answer to a connect: the client reconnects with `pid`, which is a secret.
#[derive(Serialize)]
pub(super) struct Connected<'a> {
    pub(super) sid: &'a str,
    pub(super) pid: &'a str,
}

impl Connected<'_> {
    pub(super) fn packet(&self) -> Bytes {
        json_packet("40", self)
    }
}

/// The refusal of a connect.
pub(super) fn refused(namespace: &str, error: &Error) -> Bytes {
    #[derive(Serialize)]
    struct Refused<'a> {
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a serde_json::Value>,
    }
    let prefix = if namespace == "/" { "44".to_owned() } else { format!("44{namespace},") };
    json_packet(&prefix, &Refused { message: error.message(), data: error.data() })
}

/// An event of a service: `["todos created", data, cursor]`.
pub(super) fn event(delivered: &DeliveredEvent) -> Result<Bytes> {
    let data = delivered.json();
    let mut packet = Vec::with_capacity(data.len() + 64);
    packet.extend_from_slice(b"42[");
    let name = format!("{} {}", delivered.path(), delivered.name());
    serde_json::to_writer(&mut packet, &name)?;
    packet.push(b',');
    packet.extend_from_slice(data);
    packet.extend_from_slice(format!(",\"{}\"]", delivered.cursor()).as_bytes());
    Ok(packet.into())
}

/// An event of the transport itself; the last argument is the cursor.
pub(super) fn notice(arguments: &impl Serialize) -> Bytes {
    json_packet("42", arguments)
}

/// The answer to a call.
pub(super) fn ack(id: u64, result: &Result<Payload>) -> Bytes {
    let mut packet = format!("43{id}[").into_bytes();
    let written = match result {
        Ok(payload) => payload.to_bytes().map(|json| {
            packet.extend_from_slice(b"null,");
            packet.extend_from_slice(&json);
        }),
        Err(error) => serde_json::to_writer(&mut packet, error).map_err(Error::internal),
    };
    if let Err(error) = written {
        tracing::error!(?error, "a result cannot be written");
        return ack(id, &Err(Error::internal("a result cannot be written")));
    }
    packet.push(b']');
    packet.into()
}

fn json_packet(prefix: &str, value: &impl Serialize) -> Bytes {
    let mut packet = String::with_capacity(128);
    packet.push_str(prefix);
    let _ = write!(packet, "{}", serde_json::to_string(value).unwrap_or_default());
    packet.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn packets() {
        let cases = [
            ("3", Some(Packet::Pong)),
            ("1", Some(Packet::Close)),
            ("40", Some(Packet::Connect { namespace: "/", auth: "" })),
            ("40{\"a\":1}", Some(Packet::Connect { namespace: "/", auth: "{\"a\":1}" })),
            ("40/admin,{}", Some(Packet::Connect { namespace: "/admin", auth: "{}" })),
            ("40/admin", Some(Packet::Connect { namespace: "/admin", auth: "" })),
            ("41", Some(Packet::Disconnect)),
            ("42[\"find\",\"todos\"]", Some(Packet::Event { id: None, arguments: "[\"find\",\"todos\"]" })),
            ("4217[\"find\"]", Some(Packet::Event { id: Some(17), arguments: "[\"find\"]" })),
            ("42", None),
            ("42{}", None),
            ("42abc", None),
            ("42/admin,[\"find\"]", None),
            ("4299999999999999999999[]", None),
            ("431[1]", Some(Packet::Ignored)),
            ("452-7[\"a\"]", Some(Packet::Binary { id: Some(7), attachments: 2 })),
            ("451-[\"a\"]", Some(Packet::Binary { id: None, attachments: 1 })),
            ("45-[\"a\"]", None),
            ("459999999-[\"a\"]", None),
            ("4", None),
            ("47", None),
            ("0{}", None),
            ("", None),
            ("ä", None),
            ("4ä", None),
        ];
        for (text, packet) in cases {
            assert_eq!(parse(text), packet, "{text}");
        }
    }

    #[test]
    fn answers() {
        assert_eq!(ack(3, &Ok(Payload::NULL)), "433[null,null]");
        let error = ack(3, &Err(Error::bad_request("x")));
        assert_eq!(error, r#"433[{"name":"BadRequest","message":"x","code":400,"className":"bad-request"}]"#);
        assert_eq!(refused("/", &Error::general("no")), r#"44{"message":"no"}"#);
        assert_eq!(refused("/admin", &Error::general("no")), r#"44/admin,{"message":"no"}"#);
    }

    proptest! {
        #[test]
        fn nothing_that_a_client_sends_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        /// Texts that look like packets, so that the deep branches are reached too.
        #[test]
        fn what_looks_like_a_packet_never_panics(text in r"[0-7bä]{0,3}([0-9]{0,22}-?)?(/[a-zß]{0,4},?)?[0-9]{0,22}.{0,12}") {
            let _ = parse(&text);
        }

        #[test]
        fn an_event_is_read_as_it_was_written(id in any::<Option<u64>>(), arguments in "\\[.*") {
            let text = format!("42{}{arguments}", id.map(|id| id.to_string()).unwrap_or_default());
            prop_assert_eq!(parse(&text), Some(Packet::Event { id, arguments: &arguments }));
        }

        #[test]
        fn an_attachment_count_is_read_as_it_was_written(count in 0_usize..2_000, id in any::<Option<u64>>()) {
            let text = format!("45{count}-{}[]", id.map(|id| id.to_string()).unwrap_or_default());
            let packet = (count <= 1_000).then_some(Packet::Binary { id, attachments: count });
            prop_assert_eq!(parse(&text), packet);
        }

        #[test]
        fn an_answer_is_a_list_of_two(id in any::<u64>(), text in any::<String>()) {
            let packet = ack(id, &Ok(serde_json::json!({ "text": text }).into()));
            let packet = std::str::from_utf8(&packet).unwrap_or_default();
            let json: serde_json::Value = serde_json::from_str(packet.trim_start_matches(&format!("43{id}")))?;
            prop_assert_eq!(json, serde_json::json!([null, { "text": text }]));
        }
    }
}
