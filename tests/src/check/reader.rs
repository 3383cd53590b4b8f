//! Readers: clients that listen in one way, reconnect by themselves, and report everything that happens to them.
//!
//! They do only what a correct client of the wire format does: they keep the last cursor, reconnect with it,
//! and read all records again after a reset.

mod http;
mod polls;
mod socketio;
mod sse;
mod websocket;

use std::future::pending;
use std::io::Write;
use std::time::Duration;

use rand::RngExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::history::{Change, Records, Spot, Step, Way};

/// Silence for this long is the end of a connection: a server sends something twice a second.
const SILENCE: Duration = Duration::from_secs(4);
/// The same behind a proxy, which holds a poll for five seconds at least.
const PROXIED_SILENCE: Duration = Duration::from_secs(9);

/// Why a connection has ended.
type Ended<T = ()> = Result<T, String>;

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// From where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Begin {
    /// It listens, and then reads all records.
    Now,
    /// It reads all records, and then listens from the cursor of that answer.
    Records,
    /// It listens from the earliest slot that is kept, once, and does not reconnect.
    Earliest,
}

/// What makes a reader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) number: usize,
    pub(super) way: Way,
    pub(super) begin: Begin,
    /// Where it listens, such as `127.0.0.1:3030`; this is the way that is broken again and again.
    pub(super) door: String,
    /// Where it reads all records; this way has no faults.
    pub(super) desk: String,
    /// It is held by a proxy, so it compares cursors, and skips events that it has had already.
    pub(super) proxied: bool,
}

/// Where a reader's steps go, with the reader's number.
pub(super) type Tell = UnboundedSender<(usize, Step)>;

/// A reader.
pub(super) struct Reader {
    plan: Plan,
    tell: Tell,
    http: reqwest::Client,
    /// The last cursor.
    since: Option<String>,
    /// What the server has called this client: the `pid` of Socket.IO, or the `connectionToken` of polls.
    secret: Option<String>,
    has_records: bool,
}

impl Reader {
    pub(super) fn new(plan: Plan, tell: Tell) -> Self {
        Self { plan, tell, http: http::client(), since: None, secret: None, has_records: false }
    }

    /// Listens until it is aborted.
    pub(super) async fn run(mut self) {
        if self.plan.begin == Begin::Earliest {
            self.since = Some("earliest".to_owned());
            self.has_records = true;
        }
        if self.plan.begin == Begin::Records {
            let cursor = self.read_records().await;
            self.stands(&cursor);
        }
        loop {
            self.step(Step::Opens { since: self.since.clone() });
            let ended = match self.plan.way {
                Way::SocketIo => self.socketio().await,
                Way::SocketIoPolling => self.socketio_polling(false).await,
                Way::SocketIoUpgrade => self.socketio_polling(true).await,
                Way::WebSocket => self.websocket().await,
                Way::Sse => self.sse().await,
                Way::LongPoll => self.polls(true).await,
                Way::ShortPoll => self.polls(false).await,
            };
            self.step(Step::Cut { why: ended.err().unwrap_or_else(|| "the stream has ended".to_owned()) });
            if self.plan.begin == Begin::Earliest {
                return pending().await;
            }
            let pause = rand::rng().random_range(5..200);
            sleep(Duration::from_millis(pause)).await;
        }
    }

    fn step(&self, step: Step) {
        // The collector has gone at the end of the run.
        let _ = self.tell.send((self.plan.number, step));
    }

    /// How long the server may be silent.
    fn silence(&self) -> Duration {
        if self.plan.proxied { PROXIED_SILENCE } else { SILENCE }
    }

    /// Tells whether this cursor is not after the reader's own; without a proxy that is never so.
    fn is_old(&self, cursor: &str) -> bool {
        let spot = |text: &str| text.parse::<Spot>().ok();
        let (own, new) = (self.since.as_deref().and_then(spot), spot(cursor));
        let is_old = own.zip(new).is_some_and(|(own, new)| own.epoch == new.epoch && new.seq <= own.seq);
        self.plan.proxied && is_old
    }

    fn event(&mut self, path: &str, name: &str, data: &Value, cursor: &str) {
        if self.is_old(cursor) {
            return;
        }
        let text = |field: &str| data[field].as_str().unwrap_or_default().to_owned();
        let mark = if name == "removed" { String::new() } else { text("mark") };
        let change = Change { path: path.to_owned(), name: name.to_owned(), id: text("id"), mark };
        if let Some(at) = self.at(cursor) {
            self.step(Step::Event { at, change });
        }
    }

    fn stands(&mut self, cursor: &str) {
        if self.is_old(cursor) {
            return;
        }
        if let Some(at) = self.at(cursor) {
            self.step(Step::Stands { at });
        }
    }

    /// Takes a reset, and reads all records again.
    async fn reset(&mut self, reset: &Value) {
        let reason = reset["reason"].as_str().unwrap_or_default().to_owned();
        let oldest = reset["oldest"].as_str().and_then(|oldest| oldest.parse().ok());
        if let Some(at) = self.at(reset["cursor"].as_str().unwrap_or_default()) {
            self.step(Step::Reset { reason, at, oldest });
            self.read_records().await;
        }
    }

    /// Reads all records if that was never done.
    async fn has_begun(&mut self) {
        if !self.has_records {
            self.read_records().await;
        }
    }

    /// Reads all records and returns the cursor of the answer.
    async fn read_records(&mut self) -> String {
        loop {
            if let Ok((cursor, records)) = read_records(&self.http, &self.plan.desk).await {
                self.has_records = true;
                self.step(Step::Reads { records });
                return cursor;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Takes the cursor over, and takes it apart.
    fn at(&mut self, cursor: &str) -> Option<Spot> {
        self.since = Some(cursor.to_owned());
        match cursor.parse() {
            Ok(spot) => Some(spot),
            Err(why) => {
                self.step(Step::Cut { why });
                None
            }
        }
    }
}

/// Reads all records with their marks, and the cursor that comes with them.
pub(super) async fn read_records(http: &reqwest::Client, desk: &str) -> Ended<(String, Records)> {
    let answer = http.get(format!("http://{desk}/items")).timeout(SILENCE).send().await.map_err(http::why)?;
    let cursor = answer.headers().get("event-cursor").and_then(|cursor| cursor.to_str().ok());
    let cursor = cursor.ok_or("an answer without a cursor")?.to_owned();
    let records: Vec<Value> = http::json(answer).await?;
    let text = |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
    Ok((cursor, records.iter().map(|record| (text(record, "id"), text(record, "mark"))).collect()))
}

/// Returns the next text of a WebSocket.
async fn next_text(socket: &mut Socket, silence: Duration) -> Ended<String> {
    use futures_util::StreamExt;
    loop {
        let message = tokio::time::timeout(silence, socket.next()).await.map_err(|_| "silence")?;
        match message {
            None => return Err("the socket has ended".to_owned()),
            Some(Err(error)) => return Err(error.to_string()),
            Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
            Some(Ok(Message::Close(frame))) => {
                return Err(format!("closed with {:?}", frame.map(|frame| u16::from(frame.code))));
            }
            Some(Ok(_)) => {}
        }
    }
}

async fn send_text(socket: &mut Socket, text: String) -> Ended {
    use futures_util::SinkExt;
    let sent = tokio::time::timeout(SILENCE, socket.send(Message::text(text))).await.map_err(|_| "cannot send")?;
    sent.map_err(|error| error.to_string())
}

async fn open_socket(url: &str) -> Ended<Socket> {
    let opened = tokio::time::timeout(SILENCE, tokio_tungstenite::connect_async(url)).await;
    opened.map_err(|_| "no socket")?.map(|(socket, _)| socket).map_err(|error| error.to_string())
}

/// Hosts readers in this process: a line of input is a plan, a line of output a step. Ends with the input.
pub async fn read() {
    let (tell, mut steps) = tokio::sync::mpsc::unbounded_channel();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Ok(Some(line)) = line else { return };
                if let Ok(plan) = serde_json::from_str(&line) {
                    tokio::spawn(Reader::new(plan, tell.clone()).run());
                }
            }
            Some(step) = steps.recv() => {
                let line = serde_json::to_string(&step).unwrap_or_default();
                if writeln!(std::io::stdout(), "{line}").is_err() {
                    return;
                }
            }
        }
    }
}
