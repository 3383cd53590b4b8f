//! A client of the WebSocket at `/realtime` of a few lines, so that tests see the messages.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything may take that should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection that speaks JSON-RPC.
#[derive(Debug)]
pub struct Rpc {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Notifications that came before an answer.
    pub notices: VecDeque<Value>,
    last_id: u64,
}

/// Opens a WebSocket with more headers.
///
/// # Errors
/// With the server's answer, if it refuses the upgrade.
pub async fn upgrade(
    address: impl Display,
    headers: &[(&'static str, &str)],
) -> Result<(WebSocketStream<MaybeTlsStream<TcpStream>>, Response), Error> {
    let mut request = format!("ws://{address}/realtime").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    tokio_tungstenite::connect_async(request).await
}

/// Returns the status with which an upgrade is answered.
pub async fn status(address: impl Display, headers: &[(&'static str, &str)]) -> u16 {
    match upgrade(address, headers).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

impl Rpc {
    /// Opens the WebSocket and says nothing.
    pub async fn open(address: impl Display) -> Self {
        let (stream, _) = upgrade(address, &[]).await.unwrap();
        Self { stream, notices: VecDeque::new(), last_id: 0 }
    }

    /// Opens the WebSocket and says hello.
    pub async fn connect(address: impl Display) -> Self {
        let mut client = Self::open(address).await;
        client.hello(json!({})).await;
        client
    }

    /// Comes back from a cursor; also returns what the server says.
    pub async fn resume(address: impl Display, since: &str) -> (Self, Value) {
        let mut client = Self::open(address).await;
        let welcome = client.hello(json!({ "since": since })).await;
        (client, welcome)
    }

    /// Says hello and returns the result.
    pub async fn hello(&mut self, params: Value) -> Value {
        let answer = self.call("$hello", params).await;
        assert!(answer["result"]["connectionToken"].is_string(), "{answer}");
        answer["result"].clone()
    }

    /// Sends a text.
    pub async fn send(&mut self, text: &str) {
        self.stream.send(Message::text(text)).await.unwrap();
    }

    /// Sends a message of any kind.
    pub async fn send_message(&mut self, message: Message) {
        self.stream.send(message).await.unwrap();
    }

    /// Gives a message to the socket's queue, without waiting for the server to take it.
    pub async fn feed(&mut self, text: &str) {
        self.stream.feed(Message::text(text)).await.unwrap();
    }

    /// Sends what is in the queue.
    pub async fn flush(&mut self) {
        self.stream.flush().await.unwrap();
    }

    /// Sends a request and returns its id.
    pub async fn request(&mut self, method: &str, params: Value) -> u64 {
        self.last_id += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params });
        self.send(&request.to_string()).await;
        self.last_id
    }

    /// Sends a request and returns the answer; notifications before it are put aside.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params).await;
        let answer = self.answer().await;
        assert_eq!(answer["id"], json!(id), "{answer}");
        answer
    }

    async fn message(&mut self) -> Option<Message> {
        tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("nothing comes").and_then(Result::ok)
    }

    /// Returns the next message, whatever it is.
    pub async fn next(&mut self) -> Value {
        loop {
            match self.message().await {
                Some(Message::Text(text)) => return serde_json::from_str(&text).unwrap(),
                Some(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Returns the next answer; notifications before it are put aside.
    pub async fn answer(&mut self) -> Value {
        loop {
            let message = self.next().await;
            assert_eq!(message["jsonrpc"], "2.0");
            if message.get("method").is_none() {
                return message;
            }
            self.notices.push_back(message);
        }
    }

    /// Returns the next notification.
    pub async fn notice(&mut self) -> Value {
        match self.notices.pop_front() {
            Some(notice) => notice,
            None => self.next().await,
        }
    }

    /// Returns the parameters of the next event.
    pub async fn event(&mut self) -> Value {
        let notice = self.notice().await;
        assert_eq!(notice["method"], "$event", "{notice}");
        notice["params"].clone()
    }

    /// Reads to the end and returns the code of the close frame; `None` if there was none.
    pub async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(message) = self.message().await {
            if let Message::Close(frame) = message {
                code = frame.map(|frame| frame.code.into());
            }
        }
        code
    }
}
