//! The proxy's side of a WebSocket.

use feathers_transports::Running;
use serde_json::{Value, json};

use super::{Answer, ask, signature};

/// One event of a body: its type and content.
pub(crate) type Event = (String, Vec<u8>);

pub(crate) fn event(kind: &str, content: &str) -> Event {
    (kind.to_owned(), content.as_bytes().to_vec())
}

pub(crate) fn encode(events: &[Event]) -> Vec<u8> {
    let one = |(kind, content): &Event| match (&**kind, content.len()) {
        ("OPEN" | "DISCONNECT", _) => format!("{kind}\r\n").into_bytes(),
        (_, length) => [format!("{kind} {length:x}\r\n").as_bytes(), content, b"\r\n"].concat(),
    };
    events.iter().flat_map(one).collect()
}

pub(crate) fn decode(mut body: &[u8]) -> Vec<Event> {
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
pub(crate) struct Socket<'a> {
    server: &'a Running,
    pub(crate) state: Option<String>,
}

impl<'a> Socket<'a> {
    pub(crate) fn new(server: &'a Running) -> Self {
        Self { server, state: None }
    }

    /// Opens it and returns the channel of its own.
    pub(crate) async fn open(server: &'a Running) -> (Self, String) {
        let mut socket = Self::new(server);
        let events = socket.post(&[event("OPEN", "")]).await;
        assert_eq!(events[0], event("OPEN", ""));
        let [channel] = channels("subscribe", &events).try_into().unwrap();
        (socket, channel)
    }

    /// Opens it and says hello, and has all events published.
    pub(crate) async fn live(server: &'a Running) -> (Self, String) {
        let (mut socket, own) = Self::open(server).await;
        let events = socket.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello" })).await;
        assert_eq!(messages(&events)[0]["id"], 1);
        (socket, own)
    }

    pub(crate) async fn send(&mut self, body: &[u8], headers: &[(&str, &str)]) -> Answer {
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

    pub(crate) async fn post(&mut self, events: &[Event]) -> Vec<Event> {
        let answer = self.send(&encode(events), &[]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("application/websocket-events")),
            "{}",
            answer.text()
        );
        decode(&answer.body)
    }

    pub(crate) async fn say(&mut self, message: &Value) -> Vec<Event> {
        self.post(&[event("TEXT", &message.to_string())]).await
    }

    /// Answers a ping, as every client does.
    pub(crate) async fn pong(&mut self) -> Vec<Event> {
        self.post(&[event("PONG", "")]).await
    }
}

/// Returns the texts for the client.
pub(crate) fn messages(events: &[Event]) -> Vec<Value> {
    let texts = events.iter().filter(|(kind, _)| kind == "TEXT").map(|(_, content)| content);
    texts.filter_map(|content| content.strip_prefix(b"m:")).map(|json| serde_json::from_slice(json).unwrap()).collect()
}

/// Returns the channels of control messages of a type.
pub(crate) fn channels(kind: &str, events: &[Event]) -> Vec<String> {
    let texts = events.iter().filter(|(kind, _)| kind == "TEXT").map(|(_, content)| content);
    let controls = texts.filter_map(|content| content.strip_prefix(b"c:"));
    let controls = controls.map(|json| serde_json::from_slice::<Value>(json).unwrap());
    controls.filter(|json| json["type"] == kind).map(|json| json["channel"].as_str().unwrap().to_owned()).collect()
}

pub(crate) fn close_code(events: &[Event]) -> Option<u16> {
    let (_, content) = events.iter().find(|(kind, _)| kind == "CLOSE")?;
    Some(u16::from_be_bytes([content[0], content[1]]))
}

/// Returns the numbers of the events `ticked` among what was published on a channel.
pub(crate) fn numbers(items: &[Value]) -> Vec<u64> {
    let text = |item: &Value| Some(item["formats"]["ws-message"]["content"].as_str()?.to_owned());
    let message = |text: String| serde_json::from_str::<Value>(&text).ok();
    items.iter().filter_map(text).filter_map(message).filter_map(|json| json["params"]["data"]["n"].as_u64()).collect()
}
