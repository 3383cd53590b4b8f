//! The wires: what each transport writes, read into what tests look at.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Client, End, Seen};
use crate::support::World;

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection.
pub(super) enum Wire {
    None,
    Packets(Packets),
    Rpc(Box<Socket>),
    Stream(Stream),
    Poll(Poll),
}

/// Opens a WebSocket.
pub(super) async fn socket(address: &str, path: &str, headers: &[(&'static str, String)]) -> Result<Socket, End> {
    let mut request = format!("ws://{address}{path}").into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(response)) => Err(End::Status(response.status().as_u16())),
        Err(error) => panic!("{error}"),
    }
}

pub(super) async fn write(stream: &mut Socket, text: &str) {
    // Whether the other side still reads is seen by what it answers.
    let _ = stream.send(Message::text(text)).await;
}

/// The packets of Engine.IO.
pub(crate) enum Packets {
    Socket { stream: Box<Socket>, disconnected: bool },
    Poll { http: reqwest::Client, url: String, waiting: VecDeque<String> },
}

impl Packets {
    pub(super) async fn socket(mut stream: Socket) -> Self {
        let open = stream.next().await.unwrap().unwrap().into_text().unwrap();
        assert!(open.starts_with("0{"), "{open}");
        Self::Socket { stream: Box::new(stream), disconnected: false }
    }

    pub(super) async fn poll(world: &World, more: &str, headers: &[(&'static str, String)]) -> Self {
        let url = format!("{}/socket.io/?EIO=4&transport=polling{more}", world.server.url());
        let mut request = world.http.get(&url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let open = request.send().await.unwrap().text().await.unwrap();
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        let sid = open["sid"].as_str().unwrap();
        Self::Poll { http: world.http.clone(), url: format!("{url}&sid={sid}"), waiting: VecDeque::new() }
    }

    pub(super) async fn send(&mut self, packet: &str) {
        match self {
            Self::Socket { stream, .. } => write(stream, packet).await,
            Self::Poll { http, url, .. } => {
                http.post(url.as_str()).body(packet.to_owned()).send().await.unwrap();
            }
        }
    }

    /// Returns the next packet; the error is the end.
    async fn next(&mut self) -> Result<String, End> {
        match self {
            Self::Socket { stream, disconnected } => match stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    if text.as_str() == "41" {
                        // As stock clients do.
                        *disconnected = true;
                        let _ = stream.close().await;
                    }
                    Ok(text.to_string())
                }
                Some(Ok(Message::Close(frame))) if !*disconnected => {
                    Err(End::Code(frame.map_or(0, |frame| frame.code.into())))
                }
                _ if *disconnected => Err(End::Disconnect),
                _ => Err(End::Code(0)),
            },
            Self::Poll { http, url, waiting } => {
                while waiting.is_empty() {
                    let response = http.get(url.as_str()).send().await.unwrap();
                    let status = response.status().as_u16();
                    if status != 200 {
                        return Err(End::Status(status));
                    }
                    waiting.extend(response.text().await.unwrap().split('\u{1e}').map(str::to_owned));
                }
                let packet = waiting.pop_front().unwrap();
                // The engine stays open for a client that polls; nothing more comes.
                if packet == "41" { Err(End::Disconnect) } else { Ok(packet) }
            }
        }
    }
}

fn cookies(response: &reqwest::Response) -> Vec<String> {
    response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

/// The body of a stream.
pub(super) struct Stream {
    chunks: Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<Bytes>> + Send>>,
    text: String,
}

impl Stream {
    pub(super) async fn open(
        http: &reqwest::Client,
        url: &str,
        headers: &[(&'static str, String)],
    ) -> Result<(Self, Vec<String>), End> {
        let mut request = http.get(url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.unwrap();
        match response.status().as_u16() {
            200 => {
                let cookies = cookies(&response);
                Ok((Self { chunks: Box::pin(response.bytes_stream()), text: String::new() }, cookies))
            }
            status => Err(End::Status(status)),
        }
    }

    /// Returns the next block; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let block = self.text[..end].to_owned();
                self.text.drain(..end + 2);
                return Some(block);
            }
            let chunk = self.chunks.next().await?.ok()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// Polls: each is a request of its own.
pub(super) struct Poll {
    pub(super) wait: u64,
    /// In the URL of every poll.
    pub(super) ticket: String,
}

impl Client {
    /// Reads what comes next on the wire.
    pub(super) async fn read_wire(&mut self) -> Seen {
        loop {
            let seen = match &mut self.wire {
                Wire::Packets(packets) => match packets.next().await {
                    Ok(packet) if packet == "2" => {
                        packets.send("3").await;
                        None
                    }
                    Ok(packet) => {
                        self.bytes.push_str(&packet);
                        packet_seen(&packet)
                    }
                    Err(end) => Some(Seen::End(end)),
                },
                Wire::Rpc(stream) => match stream.next().await {
                    Some(Ok(Message::Text(text))) => {
                        self.bytes.push_str(&text);
                        rpc_seen(&serde_json::from_str(&text).unwrap())
                    }
                    Some(Ok(Message::Close(frame))) => {
                        Some(Seen::End(End::Code(frame.map_or(0, |frame| frame.code.into()))))
                    }
                    Some(Ok(_)) => None,
                    Some(Err(_)) | None => Some(Seen::End(End::Code(0))),
                },
                Wire::Stream(stream) => match stream.block().await {
                    Some(block) => {
                        self.bytes.push_str(&block);
                        block_seen(&block)
                    }
                    None => Some(Seen::End(End::Ended)),
                },
                Wire::Poll(_) => match self.poll(true).await {
                    Ok(()) => self.backlog.pop_front(),
                    Err(end) => Some(Seen::End(end)),
                },
                Wire::None => panic!("not connected"),
            };
            if let Some(seen) = seen {
                return seen;
            }
        }
    }

    /// Polls once; what has come is put into the backlog.
    pub(super) async fn poll(&mut self, waits: bool) -> Result<(), End> {
        let Wire::Poll(poll) = &mut self.wire else { panic!("{:?} does not poll", self.way) };
        let wait = if waits { poll.wait } else { 0 };
        let mut url = format!("{}/realtime?wait={wait}{}", self.url, poll.ticket);
        if !self.cursor.is_empty() {
            write!(url, "&since={}", self.cursor).unwrap();
        }
        let mut request = self.http.get(url);
        if let Some(conn) = &self.conn {
            request = request.header("x-connection-token", conn);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for cookie in &self.cookies {
            request = request.header("cookie", cookie.split(';').next().unwrap());
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let set = cookies(&response);
        if !set.is_empty() {
            self.cookies = set;
        }
        let text = response.text().await.unwrap();
        self.bytes.push_str(&text);
        if status != 200 {
            return Err(End::Status(status));
        }
        let answer: Value = serde_json::from_str(&text).unwrap();
        self.conn = answer["connectionToken"].as_str().map(str::to_owned);
        answer["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        if let Some(reset) = answer.get("reset") {
            self.backlog.push_back(Seen::Notice("reset".to_owned(), reset.clone()));
        }
        for event in answer["events"].as_array().unwrap() {
            self.backlog.push_back(event_seen(event, "id"));
        }
        Ok(())
    }
}

fn event_seen(event: &Value, cursor: &str) -> Seen {
    let name = format!("{} {}", event["path"].as_str().unwrap(), event["event"].as_str().unwrap());
    Seen::Event(name, event["data"].clone(), event[cursor].as_str().unwrap().to_owned())
}

fn packet_seen(packet: &str) -> Option<Seen> {
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error} in {packet}"));
    if let Some(data) = packet.strip_prefix("40") {
        return Some(Seen::Notice("connected".to_owned(), json(data)));
    }
    if let Some(error) = packet.strip_prefix("44") {
        return Some(Seen::End(End::Refused(json(error))));
    }
    if let Some(event) = packet.strip_prefix("42") {
        let event = json(event);
        let name = event[0].as_str().unwrap().to_owned();
        return Some(match event[2].as_str() {
            Some(cursor) if name.contains(' ') => Seen::Event(name, event[1].clone(), cursor.to_owned()),
            _ => Seen::Notice(name, event[1].clone()),
        });
    }
    if let Some(answer) = packet.strip_prefix("43") {
        let answer = json(answer.trim_start_matches(|char: char| char.is_ascii_digit()));
        let answer = if answer[0].is_null() { Ok(answer[1].clone()) } else { Err(answer[0].clone()) };
        return Some(Seen::Answer(answer));
    }
    // `41` is reported as the end of the wire, and the rest is the engine's.
    None
}

fn rpc_seen(message: &Value) -> Option<Seen> {
    match message["method"].as_str() {
        Some("$event") => Some(event_seen(&message["params"], "cursor")),
        Some("$reset") => Some(Seen::Notice("reset".to_owned(), message["params"].clone())),
        Some(_) => None,
        None => Some(Seen::Answer(match message.get("error") {
            // The Feathers error, or else what is wrong with the message itself.
            Some(error) => Err(error.get("data").unwrap_or(error).clone()),
            None => Ok(message["result"].clone()),
        })),
    }
}

fn block_seen(block: &str) -> Option<Seen> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
    let data: Value = serde_json::from_str(field("data:")?).unwrap();
    match field("event:") {
        None => {
            let mut event = data;
            event["id"] = json!(field("id:").unwrap());
            Some(event_seen(&event, "id"))
        }
        Some("ready") => Some(Seen::Notice("connected".to_owned(), data["data"].clone())),
        Some("reset") => Some(Seen::Notice("reset".to_owned(), data["data"].clone())),
        Some(_) => None,
    }
}
