//! The wires of writers: calls over REST, Socket.IO and the raw WebSocket, and what the answers say.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::Call;
use crate::check::history::Outcome;

/// How long an answer may take before the outcome of the call counts as unknown.
const PATIENCE: Duration = Duration::from_secs(3);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The transports that take calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::check) enum WireKind {
    Rest,
    SocketIo,
    WebSocket,
}

impl WireKind {
    pub(in crate::check) const ALL: [Self; 3] = [Self::Rest, Self::SocketIo, Self::WebSocket];
}

/// A client that makes calls.
#[derive(Debug)]
pub(super) struct Wire {
    kind: WireKind,
    door: String,
    http: reqwest::Client,
    socket: Option<Socket>,
    next: u64,
}

impl Wire {
    pub(super) fn new(kind: WireKind, door: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let http = http.expect("a client without TLS can always be made");
        Self { kind, door, http, socket: None, next: 1 }
    }

    /// Makes calls at the same time; returns what became of each.
    pub(super) async fn call(&mut self, calls: &[Call]) -> Vec<Outcome> {
        if self.kind == WireKind::Rest {
            return join_all(calls.iter().map(|call| self.rest(call))).await;
        }
        if self.socket.is_none() {
            match timeout(PATIENCE, self.open()).await {
                Ok(Ok(socket)) => self.socket = Some(socket),
                Ok(Err(why)) => return not_sent(calls, &why),
                Err(_) => return not_sent(calls, "no connection"),
            }
        }
        let Some(mut socket) = self.socket.take() else { return not_sent(calls, "no connection") };
        let first = self.next;
        self.next += calls.len() as u64;
        let texts: Vec<String> = (first..).zip(calls).map(|(number, call)| self.write(number, call)).collect();
        let mut answers = HashMap::new();
        let exchange = exchange(&mut socket, texts, first, &mut answers);
        let why = match timeout(PATIENCE, exchange).await {
            Ok(Ok(())) => {
                self.socket = Some(socket);
                String::new()
            }
            Ok(Err(why)) => why,
            Err(_) => "no answer".to_owned(),
        };
        let outcome = |number| answers.remove(&number).unwrap_or_else(|| Outcome::Unknown(why.clone()));
        (first..self.next).map(outcome).collect()
    }

    async fn rest(&self, call: &Call) -> Outcome {
        let method = match call.method {
            "create" => Method::POST,
            "patch" => Method::PATCH,
            _ => Method::DELETE,
        };
        let id = call.id.as_ref().map(|id| format!("/{id}")).unwrap_or_default();
        let mut request = self.http.request(method, format!("http://{}/{}{id}", self.door, call.path));
        if !call.data.is_null() {
            request = request.json(&call.data);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => return Outcome::Unknown(error.to_string()),
        };
        let status = answer.status();
        match answer.bytes().await {
            _ if !status.is_success() => failed(status.as_u16().into(), &status.to_string()),
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Unknown(error.to_string()),
        }
    }

    async fn open(&self) -> Result<Socket, String> {
        let path = match self.kind {
            WireKind::SocketIo => "/socket.io/?EIO=4&transport=websocket&quiet=1",
            _ => "/realtime?quiet=1",
        };
        let why = |error: tokio_tungstenite::tungstenite::Error| error.to_string();
        let (mut socket, _) = connect_async(format!("ws://{}{path}", self.door)).await.map_err(why)?;
        let hello = if self.kind == WireKind::SocketIo {
            "40".to_owned()
        } else {
            json!({ "jsonrpc": "2.0", "id": 0, "method": "$hello", "params": {} }).to_string()
        };
        socket.send(Message::text(hello)).await.map_err(why)?;
        while let Some(message) = socket.next().await {
            if let Message::Text(text) = message.map_err(why)?
                && (text.starts_with("40") || text.contains("\"id\":0"))
            {
                return Ok(socket);
            }
        }
        Err("the socket has ended".to_owned())
    }

    fn write(&self, number: u64, call: &Call) -> String {
        let Call { path, method, id, data, .. } = call;
        if self.kind == WireKind::WebSocket {
            let mut params = json!({ "path": path });
            if let Some(id) = id {
                params["id"] = id.clone().into();
            }
            if !data.is_null() {
                params["data"] = data.clone();
            }
            return json!({ "jsonrpc": "2.0", "id": number, "method": method, "params": params }).to_string();
        }
        let mut arguments = vec![json!(method), json!(path)];
        arguments.extend(id.clone().map(Value::from));
        arguments.extend(Some(data.clone()).filter(|data| !data.is_null()));
        arguments.push(json!({}));
        format!("42{number}{}", Value::Array(arguments))
    }
}

/// Sends calls and reads until all are answered.
async fn exchange(
    socket: &mut Socket,
    texts: Vec<String>,
    first: u64,
    answers: &mut HashMap<u64, Outcome>,
) -> Result<(), String> {
    let end = first + texts.len() as u64;
    for text in texts {
        socket.send(Message::text(text)).await.map_err(|error| error.to_string())?;
    }
    while (first..end).any(|number| !answers.contains_key(&number)) {
        let message = socket.next().await.ok_or("the socket has ended")?.map_err(|error| error.to_string())?;
        let Message::Text(text) = message else { continue };
        if text.as_str() == "2" {
            socket.send(Message::text("3")).await.map_err(|error| error.to_string())?;
        } else if let Some((number, outcome)) = answer(&text) {
            answers.insert(number, outcome);
        }
    }
    Ok(())
}

/// Reads an answer of either protocol.
fn answer(text: &str) -> Option<(u64, Outcome)> {
    let (number, error) = if let Some(ack) = text.strip_prefix("43") {
        let (number, arguments) = ack.split_once('[')?;
        let arguments: Vec<Value> = serde_json::from_str(&format!("[{arguments}")).ok()?;
        (number.parse().ok()?, arguments.into_iter().next()?)
    } else {
        let mut message: Value = serde_json::from_str(text).ok()?;
        (message["id"].as_u64()?, message["error"].take())
    };
    let outcome = match error {
        Value::Null => Outcome::Done,
        error => failed(error["code"].as_i64().unwrap_or_default(), &error["message"].to_string()),
    };
    Some((number, outcome))
}

/// A refusal is no change; a failure of the server may be one.
fn failed(code: i64, why: &str) -> Outcome {
    if code != 408 && code < 500 || code == 503 {
        Outcome::Failed(format!("{code} {why}"))
    } else {
        Outcome::Unknown(format!("{code} {why}"))
    }
}

fn not_sent(calls: &[Call], why: &str) -> Vec<Outcome> {
    calls.iter().map(|_| Outcome::Failed(format!("not sent: {why}"))).collect()
}
