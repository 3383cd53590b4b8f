//! A Socket.IO client of a few lines, so that tests see the frames.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::fmt::Display;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// A connection; frames are with the engine's digit.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The engine's first packet.
    pub opened: String,
    /// Events that came before an answer.
    pub events: VecDeque<Value>,
    last_id: u64,
}

impl Socket {
    /// Opens the engine.
    pub async fn open(address: impl Display) -> Self {
        Self::open_with(address, "").await
    }

    /// Opens the engine with more in the URL.
    pub async fn open_with(address: impl Display, query: &str) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{query}");
        let (stream, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut socket = Self { stream, opened: String::new(), events: VecDeque::new(), last_id: 0 };
        socket.opened = socket.next().await;
        socket
    }

    /// Opens the engine and connects.
    pub async fn connect(address: impl Display) -> Self {
        let mut socket = Self::open(address).await;
        socket.send("40").await;
        assert!(socket.next().await.starts_with("40{"));
        socket
    }

    /// Takes a polling session over.
    pub async fn upgrade(address: impl Display, sid: &str) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket&sid={sid}");
        let (stream, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        let mut socket = Self { stream, opened: String::new(), events: VecDeque::new(), last_id: 0 };
        socket.send("2probe").await;
        assert_eq!(socket.next().await, "3probe");
        socket.send("5").await;
        socket
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &str) {
        self.stream.send(Message::text(frame)).await.unwrap();
    }

    /// Sends a binary frame.
    pub async fn send_binary(&mut self, data: &[u8]) {
        self.stream.send(Message::binary(data.to_vec())).await.unwrap();
    }

    /// Returns the next frame, after answering pings.
    pub async fn next(&mut self) -> String {
        loop {
            let frame = self.stream.next().await.unwrap().unwrap().into_text().unwrap().to_string();
            if frame != "2" {
                return frame;
            }
            self.send("3").await;
        }
    }

    /// Answers the next ping, past everything else.
    pub async fn pong(&mut self) {
        while self.stream.next().await.unwrap().unwrap().into_text().unwrap() != "2" {}
        self.send("3").await;
    }

    /// Returns the next event.
    pub async fn event(&mut self) -> Value {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        let frame = self.next().await;
        serde_json::from_str(frame.strip_prefix("42").unwrap()).unwrap()
    }

    /// Returns the next answer's arguments; events before it are put aside.
    pub async fn answer(&mut self) -> Value {
        loop {
            let frame = self.next().await;
            if let Some(event) = frame.strip_prefix("42") {
                self.events.push_back(serde_json::from_str(event).unwrap());
                continue;
            }
            let answer = frame.strip_prefix("43").unwrap();
            return serde_json::from_str(answer.trim_start_matches(|char: char| char.is_ascii_digit())).unwrap();
        }
    }

    /// Calls and returns the answer's arguments.
    pub async fn call(&mut self, arguments: &Value) -> Value {
        self.last_id += 1;
        self.send(&format!("42{}{arguments}", self.last_id)).await;
        self.answer().await
    }

    /// Tells whether the server closes the connection, past everything else that it sends.
    pub async fn ended(&mut self) -> bool {
        while let Some(Ok(message)) = self.stream.next().await {
            if message.is_close() {
                return true;
            }
        }
        true
    }

    /// Closes the connection.
    pub async fn close(mut self) {
        self.stream.close(None).await.unwrap();
    }
}
