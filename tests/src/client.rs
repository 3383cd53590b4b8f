//! A small Socket.IO client: just enough of the protocol to see every frame that a server sends.
//!
//! It speaks version 4 of Engine.IO and version 5 of Socket.IO over a WebSocket. Events that arrive while it waits for
//! an ack are kept in order. Every wait ends after [`PATIENCE`].

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long any wait lasts before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One connection to a server.
pub struct SocketClient {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_ack: u64,
    events: VecDeque<Vec<Value>>,
}

/// What a server sent, decoded as far as a test needs it.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// The answer to a call: the number of the call and the arguments.
    Ack(u64, Vec<Value>),
    /// An event: its name, its data and whatever follows.
    Event(Vec<Value>),
    /// Anything else, as it came.
    Other(String),
    /// The end of the connection, with the code of the WebSocket's close frame if there was one.
    Closed(Option<u16>),
}

impl SocketClient {
    /// Connects to a server, given as `http://..`, and enters the main namespace.
    pub async fn connect(url: &str) -> Self {
        Self::connect_with(url, "").await
    }

    /// Connects with extra query parameters in the handshake, written as `&name=value`.
    pub async fn connect_with(url: &str, query: &str) -> Self {
        let address = url.replacen("http", "ws", 1);
        let address = format!("{address}/socket.io/?EIO=4&transport=websocket{query}");
        let (socket, _) = wait("the connection", connect_async(address)).await.expect("the server accepts");
        let mut client = Self { socket, next_ack: 0, events: VecDeque::new() };
        let opened = client.frame().await;
        assert!(matches!(&opened, Frame::Other(text) if text.starts_with('0')), "no opening: {opened:?}");
        client.raw("40").await;
        let joined = client.frame().await;
        assert!(matches!(&joined, Frame::Other(text) if text.starts_with("40")), "no namespace: {joined:?}");
        client
    }

    /// Sends one Engine.IO packet as it is.
    pub async fn raw(&mut self, text: &str) {
        wait("sending", self.socket.send(Message::text(text))).await.expect("the connection is open");
    }

    /// Sends a call and does not ask for an answer.
    pub async fn send(&mut self, arguments: &Value) {
        self.raw(&format!("42{arguments}")).await;
    }

    /// Sends a call and returns the number that its answer will carry.
    pub async fn start(&mut self, arguments: &Value) -> u64 {
        let ack = self.next_ack;
        self.next_ack += 1;
        self.raw(&format!("42{ack}{arguments}")).await;
        ack
    }

    /// Sends a call and waits for the arguments of its answer: `[null, result]` or `[error]`.
    pub async fn call(&mut self, arguments: &Value) -> Vec<Value> {
        let ack = self.start(arguments).await;
        loop {
            match self.frame().await {
                Frame::Ack(number, answer) if number == ack => return answer,
                Frame::Event(event) => self.events.push_back(event),
                other => panic!("instead of the answer to {arguments} came {other:?}"),
            }
        }
    }

    /// Returns the next event.
    pub async fn event(&mut self) -> Vec<Value> {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        match self.frame().await {
            Frame::Event(event) => event,
            other => panic!("instead of an event came {other:?}"),
        }
    }

    /// Returns the next frame; pings are answered on the way.
    pub async fn frame(&mut self) -> Frame {
        loop {
            let text = match wait("a frame", self.socket.next()).await {
                None | Some(Err(_)) => return Frame::Closed(None),
                Some(Ok(Message::Close(close))) => return Frame::Closed(close.map(|close| close.code.into())),
                Some(Ok(Message::Text(text))) => text.to_string(),
                Some(Ok(_)) => continue,
            };
            if text == "2" {
                self.raw("3").await;
                continue;
            }
            return decode(text);
        }
    }

    /// Reads until the server has ended the connection, and returns what came before.
    pub async fn until_closed(mut self) -> (Vec<Frame>, Option<u16>) {
        let mut frames = Vec::new();
        loop {
            match self.frame().await {
                Frame::Closed(code) => return (frames, code),
                frame => frames.push(frame),
            }
        }
    }

    /// Goes away without a word, as a client does whose network is gone.
    pub fn vanish(self) {
        drop(self.socket);
    }
}

fn decode(text: String) -> Frame {
    let Some(packet) =
        text.strip_prefix("42").map(|rest| ('e', rest)).or(text.strip_prefix("43").map(|rest| ('a', rest)))
    else {
        return Frame::Other(text);
    };
    let (kind, rest) = packet;
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let Ok(arguments) = serde_json::from_str::<Vec<Value>>(&rest[digits..]) else { return Frame::Other(text) };
    match kind {
        'a' => Frame::Ack(rest[..digits].parse().unwrap_or(u64::MAX), arguments),
        _ => Frame::Event(arguments),
    }
}

async fn wait<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

impl fmt::Debug for SocketClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketClient").field("next_ack", &self.next_ack).finish_non_exhaustive()
    }
}
