//! What a stock Socket.IO client does, by hand: it keeps the `pid` and the last text argument of the last event, and
//! comes back with both.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Map, Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything may take that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    WebSocket,
    Polling,
    /// Polling first, then the same session on a WebSocket.
    Upgrade,
}

impl How {
    pub(crate) const ALL: [Self; 3] = [Self::WebSocket, Self::Polling, Self::Upgrade];
}

/// A client.
pub(crate) struct Stock {
    address: String,
    how: How,
    wire: Wire,
    /// What the last poll had when the client went over to a WebSocket.
    backlog: VecDeque<String>,
    pid: Option<String>,
    /// The last text argument of the last event.
    pub(crate) offset: Option<String>,
    /// Whether the server has recognised the client.
    pub(crate) recovered: bool,
    pub(crate) sid: String,
    last_id: u64,
}

/// A connection on which packets are exchanged.
pub(crate) enum Wire {
    Socket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Poll(Poll),
}

/// A session over HTTP.
pub(crate) struct Poll {
    http: reqwest::Client,
    pub(crate) url: String,
    pub(crate) sid: String,
    packets: VecDeque<String>,
}

impl Poll {
    /// Opens the engine.
    pub(crate) async fn open(address: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{address}/socket.io/?EIO=4&transport=polling");
        let open = http.get(&url).send().await.unwrap().text().await.unwrap();
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        let sid = open["sid"].as_str().unwrap().to_owned();
        Self { http, url: format!("{url}&sid={sid}"), sid, packets: VecDeque::new() }
    }

    pub(crate) async fn post(&self, body: &str) -> (u16, String) {
        let response = self.http.post(&self.url).body(body.to_owned()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    pub(crate) async fn get(&self) -> (u16, String) {
        let response = self.http.get(&self.url).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn next(&mut self) -> String {
        loop {
            if let Some(packet) = self.packets.pop_front() {
                return packet;
            }
            let (status, body) = self.get().await;
            assert_eq!(status, 200, "{body}");
            self.packets.extend(body.split('\u{1e}').map(str::to_owned));
        }
    }
}

impl Wire {
    pub(crate) async fn open(address: &str, how: How) -> Self {
        match how {
            How::WebSocket => {
                let mut wire = Self::socket(address, "").await;
                assert!(wire.next().await.starts_with("0{"));
                wire
            }
            How::Polling | How::Upgrade => Self::Poll(Poll::open(address).await),
        }
    }

    pub(crate) async fn socket(address: &str, query: &str) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{query}");
        let (stream, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Self::Socket(Box::new(stream))
    }

    pub(crate) async fn send(&mut self, packet: &str) {
        match self {
            Self::Socket(stream) => stream.send(Message::text(packet)).await.unwrap(),
            Self::Poll(poll) => assert_eq!(poll.post(packet).await, (200, "ok".to_owned())),
        }
    }

    /// Returns the next packet, or `None` at the end.
    pub(crate) async fn try_next(&mut self) -> Option<String> {
        let next = async {
            match self {
                Self::Socket(stream) => match stream.next().await {
                    Some(Ok(Message::Text(text))) => Some(text.to_string()),
                    _ => None,
                },
                Self::Poll(poll) => Some(poll.next().await),
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("nothing comes")
    }

    /// Returns the next packet that is not a ping.
    pub(crate) async fn next(&mut self) -> String {
        loop {
            match self.try_next().await.expect("the connection has ended").as_str() {
                "2" => self.send("3").await,
                "6" => {}
                packet => return packet.to_owned(),
            }
        }
    }
}

impl Stock {
    /// Connects for the first time.
    pub(crate) async fn connect(address: &str, how: How) -> Self {
        Self::connect_with(address, how, &json!({})).await
    }

    /// Connects for the first time with `auth`.
    pub(crate) async fn connect_with(address: &str, how: How, auth: &Value) -> Self {
        let wire = Wire::open(address, how).await;
        let address = address.to_owned();
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
    pub(crate) async fn reconnect(&mut self) {
        self.reconnect_with(&json!({})).await;
    }

    /// Loses its connection and comes back with `auth`, whose entries come before the client's own.
    pub(crate) async fn reconnect_with(&mut self, auth: &Value) {
        self.backlog.clear();
        self.wire = Wire::open(&self.address, self.how).await;
        self.join(auth).await;
    }

    /// Goes to another server.
    pub(crate) fn move_to(&mut self, address: &str) {
        address.clone_into(&mut self.address);
    }

    pub(crate) fn pid(&self) -> &str {
        self.pid.as_ref().unwrap()
    }

    pub(crate) fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Connects to the namespace on the engine that there is.
    pub(crate) async fn join(&mut self, auth: &Value) {
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
    pub(crate) async fn upgrade(&mut self) {
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
    pub(crate) async fn packet(&mut self) -> String {
        match self.backlog.pop_front() {
            Some(packet) => packet,
            None => self.wire.next().await,
        }
    }

    /// Returns the arguments of the next event and keeps the last one, if it is a text.
    pub(crate) async fn event(&mut self) -> Vec<Value> {
        let packet = self.packet().await;
        let arguments: Vec<Value> = serde_json::from_str(packet.strip_prefix("42").expect(&packet)).unwrap();
        if let Some(Value::String(offset)) = arguments.last() {
            self.offset = Some(offset.clone());
        }
        arguments
    }

    /// Reads so many events `notes ticked` and returns their numbers.
    pub(crate) async fn numbers(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            let event = self.event().await;
            assert_eq!(event[0], "notes ticked", "{event:?}");
            numbers.push(event[1]["n"].as_u64().unwrap());
        }
        numbers
    }

    /// Reads a notice and returns its first argument.
    pub(crate) async fn notice(&mut self, name: &str) -> Value {
        let event = self.event().await;
        assert_eq!(event[0], name, "{event:?}");
        event[1].clone()
    }

    /// Calls a service and returns the answer's arguments; there must be no event before it.
    pub(crate) async fn call(&mut self, arguments: Value) -> Value {
        self.last_id += 1;
        self.wire.send(&format!("42{}{arguments}", self.last_id)).await;
        let answer = self.packet().await;
        serde_json::from_str(answer.strip_prefix(&format!("43{}", self.last_id)).expect(&answer)).unwrap()
    }
}
