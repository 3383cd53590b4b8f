//! The sentences that hold for every transport, over all of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use feathers_core::App;
use feathers_testing::socketio::{How, Stock};
use feathers_testing::sse::Events;
use feathers_testing::websocket::Rpc;
use feathers_transports::{Realtime, Rest, Running, Server, SocketIo};
use serde_json::Value;

use crate::realtime_support::{app, ask, kept, listen, pass, tick};

/// A way to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    SocketIo(How),
    WebSocket,
    Sse,
    LongPoll,
    ShortPoll,
}

const WAYS: [Way; 7] = [
    Way::SocketIo(How::WebSocket),
    Way::SocketIo(How::Polling),
    Way::SocketIo(How::Upgrade),
    Way::WebSocket,
    Way::Sse,
    Way::LongPoll,
    Way::ShortPoll,
];

/// What a reader reads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Event { data: String, cursor: String },
    Reset { reason: String, cursor: String },
}

impl Item {
    fn n(&self) -> u64 {
        let Self::Event { data, .. } = self else { panic!("{self:?}") };
        serde_json::from_str::<Value>(data).unwrap()["n"].as_u64().unwrap()
    }

    fn reason(&self) -> &str {
        let Self::Reset { reason, .. } = self else { panic!("{self:?}") };
        reason
    }
}

/// A client on one of the ways.
struct Reader {
    way: Way,
    client: Client,
    items: VecDeque<Item>,
    /// The last cursor that it got.
    position: String,
}

enum Client {
    SocketIo(Box<Stock>),
    WebSocket(Box<Rpc>),
    Sse(Events),
    Poll { conn: String, wait: u8 },
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl Reader {
    /// Connects, from a cursor if there is one.
    async fn open(server: &Running, way: Way, since: Option<&str>) -> Self {
        let address = server.addr().to_string();
        let mut items = VecDeque::new();
        let mut position = String::new();
        let auth = since.map_or(serde_json::json!({}), |since| serde_json::json!({ "since": since }));
        let query = since.map(|since| format!("&since={since}")).unwrap_or_default();
        let client = match way {
            Way::SocketIo(how) => Client::SocketIo(Box::new(Stock::connect_with(&address, how, &auth).await)),
            Way::WebSocket => {
                let mut client = Rpc::open(server.addr()).await;
                let welcome = client.hello(auth).await;
                position = text(&welcome["cursor"]);
                if let Some(reset) = welcome.get("reset") {
                    items.push_back(reset_of(reset));
                }
                Client::WebSocket(Box::new(client))
            }
            Way::Sse => {
                let mut events = listen(server, &format!("?transport=sse{query}"), &[]).await;
                position = text(&events.ready().await["cursor"]);
                Client::Sse(events)
            }
            Way::LongPoll | Way::ShortPoll => {
                let wait = u8::from(way == Way::LongPoll);
                let first = ask(server, "GET", &format!("/realtime?wait=0{query}"), &[]).await.json();
                position = text(&first["cursor"]);
                take_poll(&first, &mut items);
                Client::Poll { conn: text(&first["connectionToken"]), wait }
            }
        };
        Self { way, client, items, position }
    }

    /// Reads what comes next, be it only a new position.
    async fn step(&mut self, server: &Running) {
        match &mut self.client {
            Client::SocketIo(client) => {
                let event = client.event().await;
                self.position = text(event.last().unwrap());
                match event[0].as_str().unwrap() {
                    "reset" => self.items.push_back(reset_of(&event[1])),
                    "resumed" | "cursor" => {}
                    name => {
                        assert_eq!((name, event.len()), ("notes ticked", 3));
                        self.items.push_back(Item::Event { data: event[1].to_string(), cursor: self.position.clone() });
                    }
                }
            }
            Client::WebSocket(client) => {
                let notice = client.notice().await;
                let params = &notice["params"];
                self.position = text(&params["cursor"]);
                match notice["method"].as_str().unwrap() {
                    "$event" => {
                        let data = params["data"].to_string();
                        self.items.push_back(Item::Event { data, cursor: self.position.clone() });
                    }
                    "$reset" => self.items.push_back(reset_of(params)),
                    method => assert_eq!(method, "$ping"),
                }
            }
            Client::Sse(events) => {
                let block = events.next().await.unwrap();
                self.position.clone_from(&events.last_id);
                match block.kind() {
                    "message" => {
                        let data = block.json()["data"].to_string();
                        self.items.push_back(Item::Event { data, cursor: self.position.clone() });
                    }
                    "reset" => self.items.push_back(reset_of(&block.json()["data"])),
                    kind => assert_eq!(kind, "hb"),
                }
            }
            Client::Poll { conn, wait } => {
                let path = format!("/realtime?since={}&wait={wait}", self.position);
                let answer = ask(server, "GET", &path, &[("x-connection-token", conn)]).await.json();
                self.position = text(&answer["cursor"]);
                *conn = text(&answer["connectionToken"]);
                take_poll(&answer, &mut self.items);
            }
        }
    }

    async fn next(&mut self, server: &Running) -> Item {
        loop {
            if let Some(item) = self.items.pop_front() {
                return item;
            }
            self.step(server).await;
        }
    }

    /// Reads so many events and returns their numbers.
    async fn numbers(&mut self, server: &Running, count: usize) -> Vec<u64> {
        let mut numbers = Vec::new();
        while numbers.len() < count {
            numbers.push(self.next(server).await.n());
        }
        numbers
    }
}

fn reset_of(reset: &Value) -> Item {
    Item::Reset { reason: text(&reset["reason"]), cursor: text(&reset["cursor"]) }
}

fn take_poll(answer: &Value, items: &mut VecDeque<Item>) {
    if let Some(reset) = answer.get("reset").filter(|reset| !reset.is_null()) {
        items.push_back(reset_of(reset));
    }
    for event in answer["events"].as_array().unwrap() {
        items.push_back(Item::Event { data: event["data"].to_string(), cursor: text(&event["id"]) });
    }
}

async fn serve(app: App) -> Running {
    serve_with(app, Duration::from_secs(20)).await
}

/// Serves with so much time between heartbeats; a client that does not read for that long may be taken for gone.
async fn serve_with(app: App, beat: Duration) -> Running {
    Server::new(app)
        .without_defaults()
        .transport(Rest::new())
        .transport(Realtime::new().heartbeat_interval(beat).ping_interval(beat).collect(Duration::ZERO))
        .transport(SocketIo::new().ping_interval(beat).ping_timeout(Duration::from_secs(20)))
        .bind("127.0.0.1:0")
        .start()
        .await
        .unwrap()
}

fn head(server: &Running) -> String {
    server.handle().log().head().to_string()
}

#[tokio::test]
async fn t1_one_event_is_delivered_once_to_each_member_on_every_transport_at_once() {
    let server = serve(app()).await;
    let mut readers = Vec::new();
    for way in WAYS.into_iter().cycle().take(WAYS.len() * 3) {
        readers.push(Reader::open(&server, way, None).await);
    }
    assert_eq!(server.handle().channel("everybody").len(), readers.len());
    let (mut events, mut cursors) = (Vec::new(), Vec::new());
    for n in 1..=20 {
        tick(server.handle(), [n]);
        events.push(n);
        cursors.push(head(&server));
    }
    let expected: Vec<_> =
        events.iter().zip(cursors).map(|(n, cursor)| Item::Event { data: format!("{{\"n\":{n}}}"), cursor }).collect();
    let mut deliveries = 0;
    for reader in &mut readers {
        for event in &expected {
            assert_eq!(&reader.next(&server).await, event, "{:?}", reader.way);
            deliveries += 1;
        }
    }
    assert_eq!(deliveries, readers.len() * 20);
}

#[tokio::test]
async fn t2_who_comes_back_gets_exactly_what_it_missed_before_anything_newer() {
    let server = serve(app()).await;
    for way in WAYS {
        let reader = Reader::open(&server, way, Some(&head(&server))).await;
        let since = if reader.position.is_empty() { head(&server) } else { reader.position.clone() };
        drop(reader);
        tick(server.handle(), 1..=500);
        let mut reader = Reader::open(&server, way, Some(&since)).await;
        tick(server.handle(), 501..=510);
        assert_eq!(reader.numbers(&server, 510).await, (1..=510).collect::<Vec<_>>(), "{way:?}");
        assert_eq!(reader.position, head(&server));
    }
}

#[tokio::test]
async fn t2_everything_is_replayed_whatever_way_it_was_missed_on() {
    let server = serve(app()).await;
    let mut since = head(&server);
    let mut next = 1;
    // One client that comes back on another way each time.
    for way in WAYS.into_iter().chain(WAYS.into_iter().rev()) {
        tick(server.handle(), next..next + 10);
        let mut reader = Reader::open(&server, way, Some(&since)).await;
        assert_eq!(reader.numbers(&server, 10).await, (next..next + 10).collect::<Vec<_>>(), "{way:?}");
        since = reader.position;
        next += 10;
    }
}

#[tokio::test]
async fn t3_when_more_was_missed_than_is_kept_there_is_one_reset_and_then_live_events() {
    for way in WAYS {
        let mut app = app();
        app.retention(kept(10));
        let server = serve(app).await;
        let since = head(&server);
        tick(server.handle(), 1..=50);
        let mut reader = Reader::open(&server, way, Some(&since)).await;
        let reset = reader.next(&server).await;
        assert_eq!(reset, Item::Reset { reason: "trimmed".to_owned(), cursor: head(&server) }, "{way:?}");
        tick(server.handle(), [51, 52]);
        assert_eq!(reader.numbers(&server, 2).await, [51, 52], "{way:?}");
    }
}

#[tokio::test]
async fn t4_after_a_restart_the_old_cursor_is_a_reset() {
    let old = serve(app()).await;
    tick(old.handle(), 1..=5);
    let since = head(&old);
    let server = serve(app()).await;
    for way in WAYS {
        let mut reader = Reader::open(&server, way, Some(&since)).await;
        let reset = reader.next(&server).await;
        assert_eq!(reset, Item::Reset { reason: "epoch".to_owned(), cursor: head(&server) }, "{way:?}");
        tick(server.handle(), [1]);
        let event = reader.next(&server).await;
        assert_eq!(event, Item::Event { data: "{\"n\":1}".to_owned(), cursor: head(&server) }, "{way:?}");
        let future = format!("{}-999999", server.handle().log().head().epoch());
        let mut reader = Reader::open(&server, way, Some(&future)).await;
        assert_eq!(reader.next(&server).await.reason(), "future", "{way:?}");
    }
}

#[tokio::test]
async fn t5_a_channel_that_was_left_meanwhile_is_not_replayed() {
    for way in WAYS {
        let banned = Arc::new(AtomicBool::new(false));
        let mut app = App::new();
        crate::realtime_support::notes(&mut app, "notes").publish(|event, app| {
            let secret = event.data.value().is_ok_and(|data| data["n"].as_u64().is_some_and(|n| n < 100));
            app.channel(if secret { "members" } else { "everybody" })
        });
        app.on_connect({
            let banned = banned.clone();
            move |connection, app| {
                app.channel("everybody").join(connection);
                if !banned.load(Ordering::SeqCst) {
                    app.channel("members").join(connection);
                }
            }
        });
        let server = serve(app).await;
        let since = head(&server);
        tick(server.handle(), [1, 101]);
        let mut reader = Reader::open(&server, way, Some(&since)).await;
        assert_eq!(reader.numbers(&server, 2).await, [1, 101], "{way:?}");
        banned.store(true, Ordering::SeqCst);
        let since = reader.position.clone();
        drop(reader);
        tick(server.handle(), [2, 102, 3, 103]);
        let mut reader = Reader::open(&server, way, Some(&since)).await;
        assert_eq!(reader.numbers(&server, 2).await, [102, 103], "{way:?}");
        tick(server.handle(), [4, 104]);
        assert_eq!(reader.numbers(&server, 1).await, [104], "{way:?}");
    }
}

#[tokio::test]
async fn t6_an_idle_client_stays_resumable_while_other_events_pass() {
    for way in WAYS {
        let mut app = app();
        app.retention(kept(10));
        let server = serve_with(app, Duration::from_millis(30)).await;
        let mut reader = Reader::open(&server, way, None).await;
        for _ in 0..3 {
            pass(server.handle(), 100);
            while reader.position != head(&server) {
                reader.step(&server).await;
            }
        }
        assert!(reader.items.is_empty());
        let since = reader.position.clone();
        drop(reader);
        tick(server.handle(), [1]);
        let mut reader = Reader::open(&server, way, Some(&since)).await;
        assert_eq!(reader.numbers(&server, 1).await, [1], "{way:?}");
    }
}
