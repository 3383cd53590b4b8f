//! The vectors of `vectors.json`, and the laws of reading and writing.
//!
//! In a vector, a body and binary content are strings whose characters are bytes (U+0000 to U+00FF); a text is too,
//! and is compared by its bytes. `written` is the body that we write, where it is another one than was read.

use bytes::Bytes;
use proptest::prelude::*;
use serde::Deserialize;

use super::{Close, Event, EventError, Limits, check, decode, encode};

const LIMITS: Limits = Limits { events: 32, message: 0x2000 };
const BOUNDLESS: Limits = Limits { events: usize::MAX, message: usize::MAX };

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    body: String,
    events: Option<Vec<Vec<serde_json::Value>>>,
    error: Option<Expected>,
    written: Option<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Expected {
    at: usize,
    code: u16,
    reason: String,
}

impl From<EventError> for Expected {
    fn from(error: EventError) -> Self {
        Self { at: error.at, code: error.code, reason: error.reason.to_owned() }
    }
}

fn bytes(text: &str) -> Bytes {
    text.chars().map(|byte| u8::try_from(byte).unwrap()).collect()
}

fn event(fields: &[serde_json::Value]) -> Event {
    let text = |index: usize| fields[index].as_str().unwrap();
    match (text(0), fields.len()) {
        ("OPEN", 1) => Event::Open,
        ("TEXT", 2) => Event::Text(bytes(text(1))),
        ("BINARY", 2) => Event::Binary(bytes(text(1))),
        ("PING", 2) => Event::Ping(bytes(text(1))),
        ("PONG", 2) => Event::Pong(bytes(text(1))),
        ("CLOSE", 1) => Event::Close(None),
        ("CLOSE", 3) => Event::Close(Some(Close::new(fields[1].as_u64().unwrap().try_into().unwrap(), text(2)))),
        ("DISCONNECT", 1) => Event::Disconnect,
        _ => panic!("not an event: {fields:?}"),
    }
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

#[test]
fn bodies_are_read_and_written_like_the_vectors() {
    for vector in vectors() {
        let body = bytes(&vector.body);
        let events: Option<Vec<Event>> =
            vector.events.map(|events| events.iter().map(|fields| event(fields)).collect());
        let outcome = decode(&body, LIMITS);
        assert_eq!(outcome.as_ref().ok(), events.as_ref(), "{}", vector.name);
        assert_eq!(outcome.err().map(Expected::from), vector.error, "{}", vector.name);
        if let Some(events) = events {
            let written = bytes(vector.written.as_ref().unwrap_or(&vector.body));
            assert_eq!(encode(&events), written, "{}", vector.name);
        }
    }
}

#[test]
fn every_vector_cut_short_is_refused_or_has_fewer_events() {
    for vector in vectors() {
        let body = bytes(&vector.body);
        let Ok(whole) = decode(&body, LIMITS) else { continue };
        for end in 0..body.len() {
            if let Ok(events) = decode(&body.slice(..end), LIMITS) {
                assert_eq!(events, whole[..events.len()], "{} at {end}", vector.name);
                assert!(events.len() < whole.len(), "{} at {end}", vector.name);
            }
        }
    }
}

#[test]
fn contents_are_slices_of_the_body() {
    let body = Bytes::from("TEXT 5\r\nhello\r\nBINARY 2\r\n\u{1}\u{2}\r\n");
    let events = decode(&body, LIMITS).unwrap();
    let [Event::Text(text), Event::Binary(binary)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(text.as_ptr(), body[8..].as_ptr());
    assert_eq!(binary.as_ptr(), body[25..].as_ptr());
}

#[test]
fn a_long_reason_is_cut_at_a_character() {
    let close = Close::new(1001, &"ä".repeat(100));
    assert_eq!((close.code(), close.reason()), (1001, &*"ä".repeat(61)));
    let events = [Event::Close(Some(close))];
    assert_eq!(decode(&encode(&events), LIMITS).as_deref(), Ok(&events[..]));
}

#[test]
fn an_error_names_its_byte() {
    let error = decode(&Bytes::from("OPEN\r\nTEXT -1\r\n\r\n"), LIMITS).unwrap_err();
    assert_eq!(error.to_string(), "a length that is not a hexadecimal number at byte 11 of the events");
}

fn content(most: usize) -> impl Strategy<Value = Bytes> {
    proptest::collection::vec(any::<u8>(), 0..=most).prop_map(Bytes::from)
}

fn any_event() -> impl Strategy<Value = Event> {
    let close = (prop_oneof![1000_u16..=1003, 1007_u16..=1014, 3000_u16..=4999], any::<String>());
    prop_oneof![
        Just(Event::Open),
        any::<String>().prop_map(|text| Event::Text(text.into())),
        content(300).prop_map(Event::Binary),
        content(125).prop_map(Event::Ping),
        content(125).prop_map(Event::Pong),
        proptest::option::of(close.prop_map(|(code, reason)| Close::new(code, &reason))).prop_map(Event::Close),
        Just(Event::Disconnect),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(events in proptest::collection::vec(any_event(), 0..12)) {
        prop_assert_eq!(decode(&encode(&events), BOUNDLESS), Ok(events));
    }

    #[test]
    fn the_laws_hold_for_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    /// Bodies that are almost right, so that the deep branches are reached too.
    #[test]
    fn the_laws_hold_for_what_looks_like_events(
        body in "((OPEN|TEXT|BINARY|PING|PONG|CLOSE|DISCONNECT|X)( [0-9a-fA-F+-]{0,3})?\r\n([a-dä\r\n]{0,6}\r\n)?){0,6}",
    ) {
        check(body.as_bytes());
    }

    #[test]
    fn the_laws_hold_for_a_body_with_a_wrong_byte(
        events in proptest::collection::vec(any_event(), 1..6), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut body = encode(&events).to_vec();
        let place = place.index(body.len());
        body[place] = byte;
        check(&body);
    }
}
