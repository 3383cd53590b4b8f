//! Readers on Socket.IO, which reconnect as the stock client does: with the `pid` of their connect and the last
//! argument of the last event.
//!
//! They begin on a WebSocket, or with polls, and stay there or go over to a WebSocket.

use serde_json::{Map, Value};
use tokio::time::timeout;

use super::{Ended, Reader, SILENCE, Socket, http, next_text, open_socket, send_text};

/// Separates the packets in one body.
const SEPARATOR: char = '\u{1e}';

/// What a packet asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Pong,
}

impl Reader {
    pub(super) async fn socketio(&mut self) -> Ended {
        let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", self.plan.door);
        let mut socket = open_socket(&url).await?;
        let opening = next_text(&mut socket, SILENCE).await?;
        if !opening.starts_with('0') {
            return Err(format!("no opening: {opening}"));
        }
        send_text(&mut socket, self.connect()).await?;
        self.listen(socket).await
    }

    /// Listens on a WebSocket.
    async fn listen(&mut self, mut socket: Socket) -> Ended {
        loop {
            let packet = next_text(&mut socket, SILENCE).await?;
            if self.packet(&packet).await? == Wanted::Pong {
                send_text(&mut socket, "3".to_owned()).await?;
            }
        }
    }

    pub(super) async fn socketio_polling(&mut self, upgrade: bool) -> Ended {
        let url = format!("http://{}/socket.io/?EIO=4&transport=polling", self.plan.door);
        let opening = self.get(&url).await?;
        let opening: Value = serde_json::from_str(opening.get(1..).unwrap_or_default()).map_err(|_| opening)?;
        let sid = opening["sid"].as_str().ok_or("an opening without sid")?.to_owned();
        let url = format!("{url}&sid={sid}");
        self.post(&url, self.connect()).await?;
        if upgrade {
            let socket = self.go_over(&url, &sid).await?;
            return self.listen(socket).await;
        }
        loop {
            let body = self.get(&url).await?;
            self.packets(&url, &body).await?;
        }
    }

    /// Goes over to a WebSocket: tries it during a poll, and leaves when that poll has ended.
    async fn go_over(&mut self, url: &str, sid: &str) -> Ended<Socket> {
        let socket_url = format!("ws://{}/socket.io/?EIO=4&transport=websocket&sid={sid}", self.plan.door);
        let probe = async {
            let mut socket = open_socket(&socket_url).await?;
            send_text(&mut socket, "2probe".to_owned()).await?;
            match next_text(&mut socket, SILENCE).await?.as_str() {
                "3probe" => Ok(socket),
                other => Err(format!("no probe: {other}")),
            }
        };
        let (body, socket) = tokio::join!(self.get(url), probe);
        let mut socket = socket?;
        self.packets(url, &body?).await?;
        send_text(&mut socket, "5".to_owned()).await?;
        Ok(socket)
    }

    async fn packets(&mut self, url: &str, body: &str) -> Ended {
        for packet in body.split(SEPARATOR) {
            if self.packet(packet).await? == Wanted::Pong {
                self.post(url, "3".to_owned()).await?;
            }
        }
        Ok(())
    }

    /// Writes the packet that joins the namespace.
    fn connect(&self) -> String {
        let mut auth = Map::new();
        match (&self.secret, &self.since) {
            (Some(pid), offset) => {
                auth.insert("pid".to_owned(), pid.clone().into());
                auth.extend(offset.clone().map(|offset| ("offset".to_owned(), offset.into())));
            }
            (None, Some(since)) => auth.extend([("since".to_owned(), since.clone().into())]),
            (None, None) => {}
        }
        format!("40{}", Value::Object(auth))
    }

    async fn packet(&mut self, packet: &str) -> Ended<Wanted> {
        if packet == "2" {
            return Ok(Wanted::Pong);
        }
        if packet == "6" {
            return Ok(Wanted::Nothing);
        }
        if let Some(connected) = packet.strip_prefix("40") {
            let connected: Value = serde_json::from_str(connected).map_err(|error| error.to_string())?;
            let pid = connected["pid"].as_str().ok_or("no pid")?.to_owned();
            if self.secret.as_ref() != Some(&pid) && self.since.is_none() {
                // To the server it is a new client, without a position.
                self.has_records = false;
            }
            self.secret = Some(pid);
            self.has_begun().await;
            return Ok(Wanted::Nothing);
        }
        let Some(event) = packet.strip_prefix("42") else { return Err(format!("packet {packet}")) };
        let arguments: Vec<Value> = serde_json::from_str(event).map_err(|error| format!("{error} in {event}"))?;
        let name = arguments.first().and_then(Value::as_str).unwrap_or_default();
        let cursor = arguments.last().and_then(Value::as_str).unwrap_or_default();
        match (name, arguments.get(1)) {
            ("cursor" | "resumed", _) => self.stands(cursor),
            ("reset", Some(reset)) => self.reset(reset).await,
            (name, Some(data)) => {
                let (path, event) = name.rsplit_once(' ').ok_or_else(|| format!("event {name}"))?;
                self.event(path, event, data, cursor);
            }
            (name, None) => return Err(format!("event {name} without data")),
        }
        Ok(Wanted::Nothing)
    }

    async fn get(&self, url: &str) -> Ended<String> {
        let answer = timeout(SILENCE, self.http.get(url).send()).await.map_err(|_| "silence")?.map_err(http::why)?;
        let status = answer.status();
        let body = timeout(SILENCE, answer.text()).await.map_err(|_| "half an answer")?.map_err(http::why)?;
        if status.is_success() { Ok(body) } else { Err(format!("{status} {body}")) }
    }

    async fn post(&self, url: &str, body: String) -> Ended {
        let answer = timeout(SILENCE, self.http.post(url).body(body).send()).await.map_err(|_| "no answer")?;
        let status = answer.map_err(http::why)?.status();
        if status.is_success() { Ok(()) } else { Err(format!("post: {status}")) }
    }
}
