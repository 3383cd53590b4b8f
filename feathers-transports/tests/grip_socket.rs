//! WebSocket-over-HTTP: what a proxy and the app tell each other of a WebSocket.
#![cfg(feature = "grip")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod grip_support;
mod realtime_support;

use feathers_core::{App, Payload};
use feathers_transports::{Realtime, Running};
use serde_json::{Value, json};

use self::grip_support::{Answer, Control, ask, grip, serve, serve_with, signature};
use self::realtime_support::{app, notes, only_member, tick, until_connections};

/// One event of a body: its type and content.
type Event = (String, Vec<u8>);

fn event(kind: &str, content: &str) -> Event {
    (kind.to_owned(), content.as_bytes().to_vec())
}

fn encode(events: &[Event]) -> Vec<u8> {
    let one = |(kind, content): &Event| match (&**kind, content.len()) {
        ("OPEN" | "DISCONNECT", _) => format!("{kind}\r\n").into_bytes(),
        (_, length) => [format!("{kind} {length:x}\r\n").as_bytes(), content, b"\r\n"].concat(),
    };
    events.iter().flat_map(one).collect()
}

fn decode(mut body: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    while !body.is_empty() {
        let end = body.windows(2).position(|bytes| bytes == b"\r\n").unwrap();
        let line = std::str::from_utf8(&body[..end]).unwrap();
        body = &body[end + 2..];
        let (kind, length) = line.split_once(' ').map_or((line, None), |(kind, length)| (kind, Some(length)));
        let mut content = Vec::new();
        if let Some(length) = length {
            let length = usize::from_str_radix(length, 16).unwrap();
            content = body[..length].to_vec();
            body = &body[length + 2..];
        }
        events.push((kind.to_owned(), content));
    }
    events
}

/// The proxy's side of one WebSocket.
struct Socket<'a> {
    server: &'a Running,
    state: Option<String>,
}

impl<'a> Socket<'a> {
    fn new(server: &'a Running) -> Self {
        Self { server, state: None }
    }

    /// Opens it and returns the channel of its own.
    async fn open(server: &'a Running) -> (Self, String) {
        let mut socket = Self::new(server);
        let events = socket.post(&[event("OPEN", "")]).await;
        assert_eq!(events[0], event("OPEN", ""));
        let [channel] = channels("subscribe", &events).try_into().unwrap();
        (socket, channel)
    }

    /// Opens it and says hello, and has all events published.
    async fn live(server: &'a Running) -> (Self, String) {
        let (mut socket, own) = Self::open(server).await;
        let events = socket.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello" })).await;
        assert_eq!(messages(&events)[0]["id"], 1);
        assert_eq!(events.last(), Some(&event("PING", "")));
        (socket, own)
    }

    async fn send(&mut self, body: &[u8], headers: &[(&str, &str)]) -> Answer {
        let signature = signature();
        let state = self.state.clone().unwrap_or_default();
        let mut all = vec![("grip-sig", &*signature), ("content-type", "application/websocket-events")];
        if self.state.is_some() {
            all.push(("meta-feathers", &state));
        }
        all.extend(headers);
        let answer = ask(self.server, "POST", "/realtime", &all, body).await;
        if let Some(state) = answer.header("set-meta-feathers") {
            assert!(state.len() < 1_000, "{state}");
            self.state = Some(state.to_owned());
        }
        answer
    }

    async fn post(&mut self, events: &[Event]) -> Vec<Event> {
        let answer = self.send(&encode(events), &[]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/websocket-events")),
            "{}",
            answer.text()
        );
        decode(&answer.body)
    }

    async fn say(&mut self, message: &Value) -> Vec<Event> {
        self.post(&[event("TEXT", &message.to_string())]).await
    }

    /// Answers a ping, as every client does.
    async fn pong(&mut self) -> Vec<Event> {
        self.post(&[event("PONG", "")]).await
    }
}

/// Returns the texts for the client.
fn messages(events: &[Event]) -> Vec<Value> {
    let texts = events.iter().filter(|(kind, _)| kind == "TEXT").map(|(_, content)| content);
    texts.filter_map(|content| content.strip_prefix(b"m:")).map(|json| serde_json::from_slice(json).unwrap()).collect()
}

/// Returns the channels of control messages of a type.
fn channels(kind: &str, events: &[Event]) -> Vec<String> {
    let texts = events.iter().filter(|(kind, _)| kind == "TEXT").map(|(_, content)| content);
    let controls = texts.filter_map(|content| content.strip_prefix(b"c:"));
    let controls = controls.map(|json| serde_json::from_slice::<Value>(json).unwrap());
    controls.filter(|json| json["type"] == kind).map(|json| json["channel"].as_str().unwrap().to_owned()).collect()
}

fn close_code(events: &[Event]) -> Option<u16> {
    let (_, content) = events.iter().find(|(kind, _)| kind == "CLOSE")?;
    Some(u16::from_be_bytes([content[0], content[1]]))
}

/// Returns the numbers of the events `ticked` among what was published on a channel.
fn numbers(items: &[Value]) -> Vec<u64> {
    let text = |item: &Value| Some(item["formats"]["ws-message"]["content"].as_str()?.to_owned());
    let message = |text: String| serde_json::from_str::<Value>(&text).ok();
    items.iter().filter_map(text).filter_map(message).filter_map(|json| json["params"]["data"]["n"].as_u64()).collect()
}

/// An app where clients make and leave channels by calls.
fn rooms() -> App {
    let mut app = app();
    notes(&mut app, "rooms").publish(|_, app| app.channel("room"));
    notes(&mut app, "own")
        .publish(|_, app| app.channel("everybody").filter(|connection| connection.query().get("vip").is_some()));
    app
}

#[tokio::test]
async fn a_socket_says_hello_calls_and_gets_its_events_on_its_own_channel_and_then_on_that_of_all() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await).fan_out(true)).await;
    let mut socket = Socket::new(&server);
    let opening = socket.send(&encode(&[event("OPEN", "")]), &[("sec-websocket-protocol", "x, feathers.v1")]).await;
    assert_eq!(opening.header("sec-websocket-extensions"), Some("grip"));
    assert_eq!(opening.header("sec-websocket-protocol"), Some("feathers.v1"));
    assert_eq!(opening.header("keep-alive-interval"), Some("20"));
    let [own] = channels("subscribe", &decode(&opening.body)).try_into().unwrap();
    tick(server.handle(), [1, 2]);
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello", "params": { "since": "earliest" } });
    let events = socket.say(&hello).await;
    let said = messages(&events);
    assert_eq!((&said[0]["id"], &said[0]["result"]["recovered"]), (&json!(1), &json!(true)));
    assert_eq!(said[1..].iter().map(|one| one["params"]["data"]["n"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    // What comes before the answer has arrived is published after that.
    tick(server.handle(), [3]);
    let events = socket.pong().await;
    assert_eq!(channels("subscribe", &events), ["e-everybody"]);
    assert_eq!(numbers(&control.on(&own, 1).await), [3]);
    // Until the proxy has certainly done so, events come on both.
    tick(server.handle(), [4]);
    assert_eq!(numbers(&control.on(&own, 2).await), [3, 4]);
    assert_eq!(socket.pong().await, []);
    tick(server.handle(), [5]);
    assert_eq!(numbers(&control.on("e-everybody", 2).await), [4, 5]);
    assert_eq!(numbers(&control.on(&own, 2).await), [3, 4]);

    let call = json!({
        "jsonrpc": "2.0", "id": 2, "method": "create", "params": { "path": "notes", "data": { "text": "c:{}" } }
    });
    assert_eq!(messages(&socket.say(&call).await)[0]["result"]["text"], "c:{}");
    assert_eq!(socket.post(&[event("PING", "x")]).await, [event("PONG", "x")]);
    let answer = socket.post(&[("CLOSE".to_owned(), b"\x03\xe8bye".to_vec())]).await;
    assert_eq!(close_code(&answer), Some(1000));
    until_connections(server.handle(), 0).await;
}

#[tokio::test]
async fn what_code_decides_is_published_to_single_sockets() {
    let control = Control::default();
    let server = serve(rooms(), grip(&control.start().await).fan_out(true)).await;
    let (mut socket, own) = Socket::live(&server).await;
    let (mut other, others) = Socket::open(&server).await;
    other.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello" })).await;
    for socket in [&mut socket, &mut other] {
        socket.pong().await;
        socket.pong().await;
    }
    server.handle().service("own").unwrap().emit("ticked", Payload::from(json!({ "n": 7 })));
    tick(server.handle(), [8]);
    let shared = control.on("e-everybody", 2).await;
    assert_eq!(shared[0]["formats"].get("ws-message"), None);
    assert_eq!(numbers(&shared), [8]);
    assert!(control.items().iter().all(|item| item["channel"] != *own && item["channel"] != *others));
}

#[tokio::test]
async fn a_socket_that_joins_is_asked_for_and_one_that_leaves_is_closed_before_anything_else_is_published() {
    let control = Control::default();
    let server = serve(rooms(), grip(&control.start().await).fan_out(true)).await;
    let (mut socket, own) = Socket::live(&server).await;
    socket.pong().await;
    socket.pong().await;
    let connection = only_member(server.handle());
    server.handle().channel("room").join(&connection);
    server.handle().service("rooms").unwrap().emit("ticked", Payload::from(json!({ "n": 1 })));
    let items = control.on(&own, 2).await;
    assert_eq!(items[0]["formats"]["ws-message"]["type"], "ping");
    assert_eq!(numbers(&items), [1]);
    let events = socket.pong().await;
    assert_eq!(
        (channels("unsubscribe", &events), channels("subscribe", &events)),
        (vec!["e-everybody".to_owned()], vec!["e-everybody+room".to_owned()])
    );
    socket.pong().await;
    server.handle().channel("room").leave(&connection);
    server.handle().service("rooms").unwrap().emit("ticked", Payload::from(json!({ "n": 2 })));
    let items = control.on(&own, 3).await;
    let close = json!({ "action": "close", "code": 4201, "reason": "come back" });
    assert_eq!(items[2]["formats"]["ws-message"], close);
    let all = control.items();
    let place = |wanted: &Value| all.iter().position(|item| item == wanted).unwrap();
    let room = control.on("e-everybody+room", 1).await;
    assert!(place(&items[2]) < place(&room[0]));
}

#[tokio::test]
async fn a_client_that_is_gone_leaves_and_a_server_that_stops_says_so() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await).fan_out(true)).await;
    let (mut socket, _) = Socket::live(&server).await;
    until_connections(server.handle(), 1).await;
    assert_eq!(socket.post(&[event("DISCONNECT", "")]).await, []);
    until_connections(server.handle(), 0).await;
    assert_eq!(close_code(&socket.pong().await), Some(4201), "it has ended");
    let (mut socket, own) = Socket::live(&server).await;
    socket.pong().await;
    server.stop().await.unwrap();
    let items = control.on(&own, 1).await;
    assert_eq!(items[0]["formats"]["ws-message"]["code"], 1001);
}

#[tokio::test]
async fn what_cannot_be_read_closes_the_socket() {
    let control = Control::default();
    let server = serve_with(app(), grip(&control.start().await).fan_out(true), Realtime::new().max_frame(1_000)).await;
    let huge = [b"TEXT fffffffffffffff\r\n".to_vec(), vec![b'x'; 1 << 20]].concat();
    let many = encode(&vec![event("PONG", ""); 1_000]);
    for (body, code) in [
        (b"TEXT 5\r\nhel".to_vec(), 1002),
        (b"TEXT -1\r\n\r\n".to_vec(), 1002),
        (b"TEXT ffffffffffffffffff\r\nx\r\n".to_vec(), 1002),
        (b"TEXT ffffffff\r\nx\r\n".to_vec(), 1009),
        (b"SHOUT\r\n".to_vec(), 1002),
        (b"PONG".to_vec(), 1002),
        (b"TEXT 1\r\n\xff\r\n".to_vec(), 1007),
        (b"BINARY 1\r\nx\r\n".to_vec(), 1003),
        (b"OPEN\r\n".to_vec(), 1002),
        (b"CLOSE 1\r\nx\r\n".to_vec(), 1002),
        (encode(&[event("TEXT", &"x".repeat(1_001))]), 1009),
        (many, 1009),
        (huge, 1009),
    ] {
        let (mut socket, _) = Socket::live(&server).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = socket.send(&body, &[]).await;
        assert_eq!((answer.status, close_code(&decode(&answer.body))), (200, Some(code)), "{shown}");
        until_connections(server.handle(), 0).await;
        let mut stranger = Socket::new(&server);
        let answer = stranger.send(&body, &[]).await;
        if body.starts_with(b"OPEN") {
            continue;
        }
        let code = close_code(&decode(&answer.body)).unwrap();
        assert!([1002, 1007, 1009, 4201].contains(&code), "{shown}");
    }
}

#[tokio::test]
async fn nobody_speaks_for_the_proxy() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await).fan_out(true)).await;
    let (mut socket, own) = Socket::live(&server).await;
    // A client's control message is a message that makes no sense.
    let control_text = format!("c:{}", json!({ "type": "subscribe", "channel": "e-secret" }));
    let events = socket.post(&[event("TEXT", &control_text)]).await;
    assert_eq!(messages(&events)[0]["error"]["code"], -32_700);
    assert_eq!(channels("subscribe", &events), ["e-everybody"]);
    // Without a signature there is no such thing.
    let state = socket.state.clone().unwrap();
    let headers = [("content-type", "application/websocket-events"), ("meta-feathers", state.as_str())];
    assert_eq!(ask(&server, "POST", "/realtime", &headers, &encode(&[event("PONG", "")])).await.status, 405);
    // Nor with a state that is not ours.
    let mut forged = Socket::new(&server);
    forged.state = Some(format!("{state}x"));
    assert_eq!(close_code(&forged.pong().await), Some(4201));
    let mut forged = Socket::new(&server);
    forged.state = Some(signature());
    assert_eq!(close_code(&forged.pong().await), Some(4201));
    assert_eq!(close_code(&socket.pong().await), None);
    assert!(own.starts_with("w-"));
    // The rules for origins are those of every WebSocket.
    let origin = [("origin", "http://evil.example"), ("cookie", "session=1")];
    let refused = Socket::new(&server).send(&encode(&[event("OPEN", "")]), &origin).await;
    assert_eq!(refused.status, 403);
    let refused = Socket::new(&server).send(&encode(&[event("OPEN", "")]), &[("sec-websocket-protocol", "x")]).await;
    assert_eq!(refused.status, 400);
}
