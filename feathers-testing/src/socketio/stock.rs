//! What a stock Socket.IO client does, by hand: it keeps the `pid` and the last text argument of the last event, and
//! comes back with both.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::fmt::Display;

use serde_json::{Map, Value, json};

use super::Wire;

/// How the client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// On a WebSocket from the beginning.
    WebSocket,
    /// Over HTTP.
    Polling,
    /// Polling first, then the same session on a WebSocket.
    Upgrade,
}

impl How {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::WebSocket, Self::Polling, Self::Upgrade];
}

/// A client.
#[derive(Debug)]
pub struct Stock {
    address: String,
    how: How,
    wire: Wire,
    /// What the last poll had when the client went over to a WebSocket.
    backlog: VecDeque<String>,
    pid: Option<String>,
    /// The last text argument of the last event.
    pub offset: Option<String>,
    /// Whether the server has recognised the client.
    pub recovered: bool,
    /// The name of the session.
    pub sid: String,
    last_id: u64,
}

impl Stock {
    /// Connects for the first time.
    pub async fn connect(address: impl Display, how: How) -> Self {
        Self::connect_with(address, how, &json!({})).await
    }

    /// Connects for the first time with `auth`.
    pub async fn connect_with(address: impl Display, how: How, auth: &Value) -> Self {
        let address = address.to_string();
        let wire = Wire::open(&address, how).await;
        let mut client = Self {
            address,
            how,
            wire,
            backlog: VecDeque::new(),
            pid: None,
            offset: None,
            recovered: false,
            sid: String::new(),
            last_id: 0,
        };
        client.join(auth).await;
        client
    }

    /// Loses its connection and comes back.
    pub async fn reconnect(&mut self) {
        self.reconnect_with(&json!({})).await;
    }

    /// Loses its connection and comes back with `auth`, whose entries come before the client's own.
    pub async fn reconnect_with(&mut self, auth: &Value) {
        self.backlog.clear();
        self.wire = Wire::open(&self.address, self.how).await;
        self.join(auth).await;
    }

    /// Goes to another server.
    pub fn move_to(&mut self, address: impl Display) {
        self.address = address.to_string();
    }

    /// Returns the secret name of the session.
    pub fn pid(&self) -> &str {
        self.pid.as_ref().unwrap()
    }

    /// Returns the connection, to send packets as they are.
    pub fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Connects to the namespace on the engine that there is.
    pub async fn join(&mut self, auth: &Value) {
        let mut claim = Map::new();
        if let Some(pid) = &self.pid {
            claim.insert("pid".to_owned(), json!(pid));
            if let Some(offset) = &self.offset {
                claim.insert("offset".to_owned(), json!(offset));
            }
        }
        claim.extend(auth.as_object().unwrap().clone());
        self.wire.send(&format!("40{}", Value::Object(claim))).await;
        let connected = self.wire.next().await;
        let connected: Value = serde_json::from_str(connected.strip_prefix("40").expect(&connected)).unwrap();
        let pid = connected["pid"].as_str().unwrap().to_owned();
        self.recovered = self.pid.as_ref() == Some(&pid);
        self.pid = Some(pid);
        connected["sid"].as_str().unwrap().clone_into(&mut self.sid);
        if self.how == How::Upgrade {
            self.upgrade().await;
        }
    }

    /// Goes over to a WebSocket: the polls end, then the socket is taken.
    pub async fn upgrade(&mut self) {
        let Wire::Poll(poll) = &mut self.wire else { panic!("not polling") };
        let mut socket = Wire::socket(&self.address, &format!("&sid={}", poll.sid)).await;
        socket.send("2probe").await;
        assert_eq!(socket.next().await, "3probe");
        // The poll under way is ended by the server.
        let (status, body) = poll.get().await;
        assert_eq!(status, 200, "{body}");
        poll.packets.extend(body.split('\u{1e}').map(str::to_owned));
        let waiting = std::mem::take(&mut poll.packets);
        socket.send("5").await;
        self.wire = socket;
        for packet in waiting {
            match packet.as_str() {
                "2" => self.wire.send("3").await,
                "6" => {}
                _ => self.backlog.push_back(packet),
            }
        }
    }

    /// Returns the next packet, pings answered.
    pub async fn packet(&mut self) -> String {
        match self.backlog.pop_front() {
            Some(packet) => packet,
            None => self.wire.next().await,
        }
    }

    /// Returns the arguments of the next event and keeps the last one, if it is a text.
    pub async fn event(&mut self) -> Vec<Value> {
        let packet = self.packet().await;
        let arguments: Vec<Value> = serde_json::from_str(packet.strip_prefix("42").expect(&packet)).unwrap();
        if let Some(Value::String(offset)) = arguments.last() {
            self.offset = Some(offset.clone());
        }
        arguments
    }

    /// Reads so many events `notes ticked` and returns their numbers.
    pub async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            let event = self.event().await;
            assert_eq!(event[0], "notes ticked", "{event:?}");
            numbers.push(event[1]["n"].as_u64().unwrap());
        }
        numbers
    }

    /// Reads a notice and returns its first argument.
    pub async fn notice(&mut self, name: &str) -> Value {
        let event = self.event().await;
        assert_eq!(event[0], name, "{event:?}");
        event[1].clone()
    }

    /// Calls a service and returns the answer's arguments; there must be no event before it.
    pub async fn call(&mut self, arguments: Value) -> Value {
        self.last_id += 1;
        self.wire.send(&format!("42{}{arguments}", self.last_id)).await;
        let answer = self.packet().await;
        serde_json::from_str(answer.strip_prefix(&format!("43{}", self.last_id)).expect(&answer)).unwrap()
    }
}
