//! Clients by hand: one interface over every transport, so that one test body runs over all.

mod wire;

use std::collections::VecDeque;

use serde_json::{Value, json};

pub(crate) use self::wire::Packets;
use self::wire::{Poll, Stream, Wire, socket};
use crate::support::{Answer, PATIENCE, World};

/// A transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Socket.IO over HTTP polling.
    Polling,
    /// Socket.IO on a WebSocket.
    SocketIo,
    WebSocket,
    Sse,
    LongPoll,
    ShortPoll,
}

impl Way {
    pub(crate) const ALL: [Self; 6] =
        [Self::Polling, Self::SocketIo, Self::WebSocket, Self::Sse, Self::LongPoll, Self::ShortPoll];
    /// Those that carry calls too.
    pub(crate) const SOCKETS: [Self; 3] = [Self::Polling, Self::SocketIo, Self::WebSocket];
    /// Those that are plain HTTP.
    pub(crate) const HTTP: [Self; 3] = [Self::Sse, Self::LongPoll, Self::ShortPoll];
}

/// The credentials of a client, and the cursor from which it wants events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claim {
    /// What a login sends: `auth` of Socket.IO and `$hello`; over plain HTTP a token in the header or a ticket.
    pub(crate) auth: Option<Value>,
    pub(crate) since: Option<String>,
    /// The secret name of an earlier Socket.IO session.
    pub(crate) pid: Option<String>,
    /// The secret of an earlier session of polls.
    pub(crate) conn: Option<String>,
    /// More in the URL of the handshake and of every poll.
    pub(crate) query: String,
    /// More headers of the handshake and of every poll.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Claim {
    pub(crate) fn token(token: &str) -> Self {
        Self { auth: Some(crate::support::jwt(token)), ..Self::default() }
    }

    pub(crate) fn ticket(ticket: &str) -> Self {
        Self { auth: Some(json!({ "strategy": "ticket", "ticket": ticket })), ..Self::default() }
    }

    pub(crate) fn since(mut self, cursor: &str) -> Self {
        self.since = Some(cursor.to_owned());
        self
    }

    /// Sends the credentials in a header of the handshake, whatever the transport.
    pub(crate) fn bearer(token: &str) -> Self {
        Self { headers: vec![("authorization", format!("Bearer {token}"))], ..Self::default() }
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.auth.as_ref()?[name].as_str()
    }

    /// Returns the headers of plain HTTP.
    fn http_headers(&self) -> Vec<(&'static str, String)> {
        let token = self.field("accessToken").map(|token| ("authorization", format!("Bearer {token}")));
        self.headers.iter().cloned().chain(token).collect()
    }

    /// Returns the query of plain HTTP, without the cursor.
    fn http_query(&self) -> String {
        let ticket = self.field("ticket").map_or_else(String::new, |ticket| format!("&ticket={ticket}"));
        ticket + &self.more()
    }

    fn more(&self) -> String {
        if self.query.is_empty() { String::new() } else { format!("&{}", self.query) }
    }
}

/// How a connection has ended, or why it was not opened.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// The close code of a WebSocket; 0 if there was none.
    Code(u16),
    /// Socket.IO's `41`, after which nothing more comes.
    Disconnect,
    /// The end of a stream.
    Ended,
    /// A request was answered with this.
    Status(u16),
    /// Socket.IO's `44`: the error.
    Refused(Value),
}

/// What a client reads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    /// The name, the data and the cursor.
    Event(String, Value, String),
    /// A notice of the transport itself: `reset` or `resumed`.
    Notice(String, Value),
    /// What a call was answered with.
    Answer(Result<Value, Value>),
    End(End),
}

/// A client that is connected.
pub(crate) struct Client {
    pub(crate) way: Way,
    wire: Wire,
    backlog: VecDeque<Seen>,
    http: reqwest::Client,
    url: String,
    headers: Vec<(&'static str, String)>,
    /// The secret of the session, where there is one.
    pub(crate) conn: Option<String>,
    /// The secret name of a Socket.IO session.
    pub(crate) pid: Option<String>,
    /// The secret with which a client comes back whose ticket is used.
    pub(crate) ticket_secret: Option<String>,
    /// The cookies that the realtime endpoint has set, with their attributes.
    pub(crate) cookies: Vec<String>,
    /// The cursor up to which the client has read.
    pub(crate) cursor: String,
    pub(crate) recovered: bool,
    /// Everything that the server has sent.
    pub(crate) bytes: String,
}

impl Client {
    /// Connects; panics if the server refuses the client.
    pub(crate) async fn listen(world: &World, way: Way, claim: Claim) -> Self {
        match Self::try_listen(world, way, claim).await {
            Ok(client) => client,
            Err(end) => panic!("{way:?}: refused: {end:?}"),
        }
    }

    /// Connects; the error says how the server has refused the client.
    pub(crate) async fn try_listen(world: &World, way: Way, claim: Claim) -> Result<Self, End> {
        let address = world.server.addr().to_string();
        let mut client = Self {
            way,
            wire: Wire::None,
            backlog: VecDeque::new(),
            http: world.http.clone(),
            url: world.server.url(),
            headers: claim.http_headers(),
            conn: claim.conn.clone(),
            pid: None,
            ticket_secret: None,
            cookies: Vec::new(),
            cursor: claim.since.clone().unwrap_or_default(),
            recovered: false,
            bytes: String::new(),
        };
        match way {
            Way::Polling => client.wire = Wire::Packets(Packets::poll(world, &claim.more(), &claim.headers).await),
            Way::SocketIo => {
                let path = format!("/socket.io/?EIO=4&transport=websocket{}", claim.more());
                let stream = socket(&address, &path, &claim.headers).await?;
                client.wire = Wire::Packets(Packets::socket(stream).await);
            }
            Way::WebSocket => {
                let path = format!("/realtime?x=1{}", claim.more());
                client.wire = Wire::Rpc(Box::new(socket(&address, &path, &claim.headers).await?));
            }
            Way::Sse => {
                let query = claim.since.as_ref().map_or_else(String::new, |since| format!("&since={since}"));
                let url = format!("{}/realtime?transport=sse{query}{}", client.url, claim.http_query());
                let (stream, cookies) = Stream::open(&client.http, &url, &client.headers).await?;
                (client.wire, client.cookies) = (Wire::Stream(stream), cookies);
            }
            Way::LongPoll | Way::ShortPoll => {
                let wait = if way == Way::LongPoll { 30 } else { 0 };
                client.wire = Wire::Poll(Poll { wait, ticket: claim.http_query() });
            }
        }
        client.join(&claim).await?;
        Ok(client)
    }

    async fn join(&mut self, claim: &Claim) -> Result<(), End> {
        match self.way {
            Way::Polling | Way::SocketIo => {
                let mut auth = claim.auth.clone().unwrap_or_else(|| json!({}));
                if let Some(since) = &claim.since {
                    auth["since"] = json!(since);
                }
                if let Some(pid) = &claim.pid {
                    auth["pid"] = json!(pid);
                }
                self.send(&format!("40{auth}")).await;
                match self.read().await {
                    Seen::Notice(name, data) if name == "connected" => {
                        self.pid = data["pid"].as_str().map(str::to_owned);
                        self.recovered = self.pid.is_some() && self.pid == claim.pid;
                    }
                    Seen::End(end) => return Err(end),
                    other => panic!("{other:?}"),
                }
            }
            Way::WebSocket => {
                let mut hello = json!({});
                if let Some(auth) = &claim.auth {
                    hello["auth"] = auth.clone();
                }
                if let Some(since) = &claim.since {
                    hello["since"] = json!(since);
                }
                let Ok(welcome) = self.request("$hello", hello).await else { return Err(self.closed().await.1) };
                self.welcome(&welcome);
            }
            Way::Sse => match self.read().await {
                Seen::Notice(name, data) if name == "connected" => self.welcome(&data),
                other => panic!("{other:?}"),
            },
            Way::LongPoll | Way::ShortPoll => {
                self.poll(false).await?;
            }
        }
        Ok(())
    }

    fn welcome(&mut self, data: &Value) {
        self.conn = data["connectionToken"].as_str().map(str::to_owned);
        self.ticket_secret = data["ticketSecret"].as_str().map(str::to_owned);
        self.recovered = data["recovered"] == true;
        data["cursor"].as_str().unwrap().clone_into(&mut self.cursor);
        if let Some(reset) = data.get("reset") {
            self.backlog.push_back(Seen::Notice("reset".to_owned(), reset.clone()));
        }
    }

    /// Returns what comes next.
    pub(crate) async fn next(&mut self) -> Seen {
        match self.backlog.pop_front() {
            Some(seen) => seen,
            None => self.read().await,
        }
    }

    async fn read(&mut self) -> Seen {
        let way = self.way;
        let read = tokio::time::timeout(PATIENCE, self.read_wire()).await;
        let seen = read.unwrap_or_else(|_| panic!("{way:?}: nothing comes"));
        if let Seen::Event(_, _, cursor) = &seen {
            cursor.clone_into(&mut self.cursor);
        }
        seen
    }

    /// Reads so many numbered events.
    pub(crate) async fn events(&mut self, count: usize) -> Vec<u64> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            match self.next().await {
                Seen::Event(name, data, _) if name == "notes ticked" => numbers.push(data["n"].as_u64().unwrap()),
                Seen::Notice(name, _) if name != "reset" => {}
                other => panic!("{:?}: {other:?} after {numbers:?}", self.way),
            }
        }
        numbers
    }

    /// Reads to the end; returns the numbers of the events before it.
    pub(crate) async fn closed(&mut self) -> (Vec<u64>, End) {
        let mut numbers = Vec::new();
        loop {
            match self.next().await {
                Seen::Event(_, data, _) => numbers.extend(data["n"].as_u64()),
                Seen::End(end) => return (numbers, end),
                Seen::Notice(..) | Seen::Answer(_) => {}
            }
        }
    }

    /// Calls a method with `id`, `data` and `query` as they are needed; over plain HTTP the call names the session.
    pub(crate) async fn call(&mut self, method: &str, path: &str, arguments: Value) -> Result<Value, Value> {
        match self.way {
            Way::Polling | Way::SocketIo | Way::WebSocket => {
                self.start(method, path, &arguments).await;
                self.answer().await
            }
            Way::Sse | Way::LongPoll | Way::ShortPoll => {
                let conn = self.conn.clone().unwrap();
                let answer = self.rest(method, path, &arguments, &[("x-connection-token", &conn)]).await;
                if answer.status < 300 { Ok(answer.json()) } else { Err(answer.json()) }
            }
        }
    }

    /// Begins a call of a socket without waiting for the answer.
    pub(crate) async fn start_call(&mut self, method: &str, path: &str) {
        self.start(method, path, &json!({})).await;
    }

    /// Begins a `create` of a socket without waiting for the answer.
    pub(crate) async fn start_create(&mut self, path: &str, data: &Value) {
        self.start("create", path, &json!({ "data": data })).await;
    }

    /// Sends this token from now on, over plain HTTP.
    pub(crate) fn show(&mut self, token: &str) {
        self.headers.retain(|(name, _)| *name != "authorization");
        self.headers.push(("authorization", format!("Bearer {token}")));
    }

    /// Begins a login without waiting for the answer.
    pub(crate) async fn start_login(&mut self, data: &Value) {
        self.start("create", "authentication", &json!({ "data": data })).await;
    }

    async fn start(&mut self, method: &str, path: &str, arguments: &Value) {
        if self.way == Way::WebSocket {
            let mut params = json!({ "path": path });
            for (name, value) in arguments.as_object().unwrap() {
                params[name] = value.clone();
            }
            return self.send_request(method, &params).await;
        }
        let mut list = vec![json!(method), json!(path)];
        list.extend(["id", "data", "query"].iter().filter_map(|name| arguments.get(name).cloned()));
        self.send(&format!("421{}", Value::Array(list))).await;
    }

    /// Logs in on this connection.
    pub(crate) async fn login(&mut self, data: &Value) -> Result<Value, Value> {
        self.call("create", "authentication", json!({ "data": data })).await
    }

    /// Logs out on this connection.
    pub(crate) async fn logout(&mut self) -> Result<Value, Value> {
        self.call("remove", "authentication", json!({ "id": null })).await
    }

    async fn rest(&self, method: &str, path: &str, arguments: &Value, headers: &[(&str, &str)]) -> Answer {
        let verb = match method {
            "create" => "POST",
            "patch" => "PATCH",
            "remove" => "DELETE",
            _ => "GET",
        };
        let id = match &arguments["id"] {
            Value::Null => String::new(),
            Value::String(id) => format!("/{id}"),
            id => format!("/{id}"),
        };
        let mut request = self.http.request(verb.parse().unwrap(), format!("{}/{path}{id}", self.url));
        if let Some(data) = arguments.get("data") {
            request = request.json(data);
        }
        for (name, value) in self.headers.iter().map(|(name, value)| (*name, value.as_str())).chain(headers.to_vec()) {
            request = request.header(name, value);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, text: response.text().await.unwrap() }
    }

    /// Has a message written as it is: a packet of Socket.IO, or a text on a WebSocket.
    pub(crate) async fn send(&mut self, text: &str) {
        match &mut self.wire {
            Wire::Packets(packets) => packets.send(text).await,
            Wire::Rpc(stream) => wire::write(stream, text).await,
            _ => panic!("{:?} sends nothing", self.way),
        }
    }

    /// Sends a request of JSON-RPC.
    pub(crate) async fn request(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        self.send_request(method, &params).await;
        self.answer().await
    }

    async fn send_request(&mut self, method: &str, params: &Value) {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.send(&request.to_string()).await;
    }

    /// Reads to the next answer; what comes before it is put aside.
    pub(crate) async fn answer(&mut self) -> Result<Value, Value> {
        loop {
            match self.read().await {
                Seen::Answer(answer) => return answer,
                Seen::End(end) => panic!("{:?}: {end:?} instead of an answer", self.way),
                other => self.backlog.push_back(other),
            }
        }
    }
}
