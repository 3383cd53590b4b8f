//! A connection of Engine.IO, on a WebSocket or over HTTP, and its packets.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::How;

/// How long anything may take that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection on which packets are exchanged.
#[derive(Debug)]
pub enum Wire {
    /// A WebSocket.
    Socket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    /// A session over HTTP.
    Poll(Poll),
}

/// A session over HTTP.
#[derive(Debug)]
pub struct Poll {
    http: reqwest::Client,
    /// The URL of the session.
    pub url: String,
    /// Its name.
    pub sid: String,
    pub(super) packets: VecDeque<String>,
}

impl Poll {
    /// Opens the engine.
    pub async fn open(address: impl Display) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{address}/socket.io/?EIO=4&transport=polling");
        let open = http.get(&url).send().await.unwrap().text().await.unwrap();
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        let sid = open["sid"].as_str().unwrap().to_owned();
        Self { http, url: format!("{url}&sid={sid}"), sid, packets: VecDeque::new() }
    }

    /// Sends packets; returns status and text of the answer.
    pub async fn post(&self, body: &str) -> (u16, String) {
        let response = self.http.post(&self.url).body(body.to_owned()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Polls once; returns status and text of the answer.
    pub async fn get(&self) -> (u16, String) {
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
    /// Opens the engine.
    pub async fn open(address: impl Display, how: How) -> Self {
        match how {
            How::WebSocket => {
                let mut wire = Self::socket(address, "").await;
                assert!(wire.next().await.starts_with("0{"));
                wire
            }
            How::Polling | How::Upgrade => Self::Poll(Poll::open(address).await),
        }
    }

    /// Opens a WebSocket with more in the URL.
    pub async fn socket(address: impl Display, query: &str) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{query}");
        let (stream, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        Self::Socket(Box::new(stream))
    }

    /// Sends a packet.
    pub async fn send(&mut self, packet: &str) {
        match self {
            Self::Socket(stream) => stream.send(Message::text(packet)).await.unwrap(),
            Self::Poll(poll) => assert_eq!(poll.post(packet).await, (200, "ok".to_owned())),
        }
    }

    /// Returns the next packet, or `None` at the end.
    pub async fn try_next(&mut self) -> Option<String> {
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
    pub async fn next(&mut self) -> String {
        loop {
            match self.try_next().await.expect("the connection has ended").as_str() {
                "2" => self.send("3").await,
                "6" => {}
                packet => return packet.to_owned(),
            }
        }
    }
}
