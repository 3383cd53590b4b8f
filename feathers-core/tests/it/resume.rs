//! Coming back: what a client reads that was away, slow, or connected to another process.

mod bounds;
mod rights;

use std::collections::BTreeSet;
use std::sync::Arc;

use feathers_core::{
    App, AppHandle, Cursor, Delivery, Descriptor, Handshake, Method, Payload, Provider, Publication, Request,
    ResetReason, Result, Retention, Service, Session, Since, Subscription, async_trait,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Events go to the channel that the data names.
struct Ev;

#[async_trait]
impl Service for Ev {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        Ok(request.data)
    }
}

/// The channels that a connect listener puts every connection into.
#[derive(Clone)]
struct Home(Vec<&'static str>);

async fn app(home: &[&'static str], retention: Retention, max_replay: Option<usize>) -> AppHandle {
    let mut app = App::new();
    app.service("ev", Ev).publish(|publication: &Publication, app: &AppHandle| {
        app.channel(publication.data.value().unwrap()["to"].as_str().unwrap())
    });
    app.insert(Home(home.to_vec()));
    app.on_connect(|connection, app| {
        for name in &app.get::<Home>().unwrap().0 {
            app.channel(*name).join(connection);
        }
    });
    app.retention(retention);
    if let Some(max) = max_replay {
        app.max_replay(max);
    }
    app.start().await.unwrap()
}

async fn plain() -> AppHandle {
    app(&["home"], Retention::default(), None).await
}

async fn publish(app: &AppHandle, to: &str, n: u64) {
    app.service("ev").unwrap().create(json!({ "to": to, "n": n }), ()).await.unwrap();
}

async fn connect(app: &AppHandle, since: Since) -> (Session, Subscription) {
    let session = app.open(Handshake::new(Provider::new("test")).since(since)).await.expect("the session opens");
    let events = session.subscribe();
    (session, events)
}

#[derive(Debug, PartialEq)]
enum Seen {
    Event(u64),
    Reset(ResetReason),
}

fn read(events: &mut Subscription) -> Vec<Seen> {
    std::iter::from_fn(|| events.try_next()).map(seen_in).collect()
}

fn seen_in(delivery: Delivery) -> Seen {
    match delivery {
        Delivery::Event(event) => {
            let n = event.payload().value().unwrap()["n"].as_u64().unwrap();
            assert_eq!(event.cursor(), events_cursor(event.cursor()));
            Seen::Event(n)
        }
        Delivery::Reset(reset) => Seen::Reset(reset.reason),
        other => panic!("unexpected {other:?}"),
    }
}

/// A cursor survives being written and read.
fn events_cursor(cursor: Cursor) -> Cursor {
    cursor.to_string().parse().unwrap()
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<Seen> {
    range.map(Seen::Event).collect()
}

#[tokio::test]
async fn missed_events_come_first_and_in_order() {
    let app = plain().await;
    let (session, mut events) = connect(&app, Since::Now).await;
    publish(&app, "home", 1).await;
    assert_eq!(read(&mut events), numbers(1..=1));
    let cursor = events.cursor();
    drop((session, events));
    for n in 2..=500 {
        publish(&app, "home", n).await;
        publish(&app, "elsewhere", 1_000 + n).await;
    }
    let (_session, mut events) = connect(&app, Since::Cursor(cursor)).await;
    assert_eq!(events.pending_reset(), None);
    publish(&app, "home", 501).await;
    assert_eq!(read(&mut events), numbers(2..=501));
}

#[tokio::test]
async fn what_comes_while_a_client_comes_back_keeps_its_turn() {
    let app = plain().await;
    let start = app.log().head();
    publish(&app, "home", 1).await;
    publish(&app, "home", 2).await;
    let session =
        app.open(Handshake::new(Provider::new("test")).since(Since::Cursor(start))).await.expect("the session opens");
    publish(&app, "home", 3).await;
    let mut events = session.subscribe();
    assert_eq!(read(&mut events), numbers(1..=3));
    publish(&app, "home", 4).await;
    let mut again = session.subscribe_since(Since::Cursor(start));
    assert_eq!(read(&mut again), numbers(1..=4));
}

#[tokio::test]
async fn everything_that_is_kept() {
    let app = plain().await;
    publish(&app, "home", 1).await;
    publish(&app, "home", 2).await;
    let (_session, mut events) = connect(&app, Since::Earliest).await;
    assert_eq!(read(&mut events), numbers(1..=2));
}

#[tokio::test]
async fn a_place_that_is_gone_is_one_reset_and_nothing_before_it() {
    let retention = Retention::default().count(10);
    let app = app(&["home"], retention, None).await;
    let start = app.log().head();
    for n in 1..=30 {
        publish(&app, "home", n).await;
    }
    let (_session, mut events) = connect(&app, Since::Cursor(start)).await;
    let reset = events.pending_reset().unwrap();
    assert_eq!(reset.cursor, app.log().head());
    assert_eq!(reset.oldest, Some(app.log().oldest()));
    publish(&app, "home", 31).await;
    assert_eq!(read(&mut events), [Seen::Reset(ResetReason::Trimmed), Seen::Event(31)]);

    // From the oldest slot that is kept there is no reset.
    let (_session, mut events) = connect(&app, Since::Cursor(app.log().oldest())).await;
    assert_eq!(read(&mut events).len(), 10);
}

#[tokio::test]
async fn a_cursor_of_another_log_or_of_the_future() {
    let (here, there) = (plain().await, plain().await);
    publish(&here, "home", 1).await;
    publish(&there, "home", 1).await;
    let (_session, mut events) = connect(&here, Since::Cursor(there.log().head())).await;
    publish(&here, "home", 2).await;
    assert_eq!(read(&mut events), [Seen::Reset(ResetReason::Epoch), Seen::Event(2)]);

    let ahead = Cursor::new(here.log().head().epoch(), here.log().head().seq() + 1);
    let (_session, mut events) = connect(&here, Since::Cursor(ahead)).await;
    assert_eq!(read(&mut events), [Seen::Reset(ResetReason::Future)]);

    let (_session, mut events) = connect(&here, Since::Unreadable).await;
    assert_eq!(read(&mut events), [Seen::Reset(ResetReason::BadCursor)]);
}

#[tokio::test]
async fn a_replay_that_is_too_long_is_a_reset() {
    let app = app(&["home"], Retention::default(), Some(5)).await;
    let start = app.log().head();
    for n in 1..=6 {
        publish(&app, "home", n).await;
        publish(&app, "elsewhere", n).await;
    }
    let (_session, mut events) = connect(&app, Since::Cursor(start)).await;
    assert_eq!(read(&mut events), [Seen::Reset(ResetReason::Limit)]);
    let later = Cursor::new(start.epoch(), start.seq() + 1);
    let (_session, mut events) = connect(&app, Since::Cursor(later)).await;
    assert_eq!(read(&mut events), numbers(2..=6), "only what the client may see counts");
}

#[tokio::test]
async fn a_channel_that_is_not_joined_again_is_not_replayed() {
    let app = plain().await;
    let (session, events) = connect(&app, Since::Now).await;
    app.channel("room").join(session.connection());
    let cursor = events.cursor();
    drop((session, events));
    publish(&app, "room", 1).await;
    publish(&app, "home", 2).await;
    let (session, mut events) = connect(&app, Since::Cursor(cursor)).await;
    assert_eq!(read(&mut events), numbers(2..=2));
    // A client that joins later cannot read earlier events.
    app.channel("room").join(session.connection());
    publish(&app, "room", 3).await;
    assert_eq!(read(&mut events), numbers(3..=3));
}

#[tokio::test]
async fn an_idle_connection_moves_on_with_the_log() {
    let retention = Retention::default().count(10);
    let app = app(&["home"], retention, None).await;
    let (session, mut events) = connect(&app, Since::Now).await;
    for n in 1..=100 {
        publish(&app, "elsewhere", n).await;
        assert_eq!(read(&mut events), []);
    }
    let cursor = events.cursor();
    assert_eq!(cursor, app.log().head());
    drop((session, events));
    let (_session, mut events) = connect(&app, Since::Cursor(cursor)).await;
    publish(&app, "home", 1).await;
    assert_eq!(read(&mut events), numbers(1..=1));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_carry_the_position() {
    let app = plain().await;
    let session = app.open(Handshake::new(Provider::new("test"))).await.expect("the session opens");
    let mut events = session.subscribe().heartbeat_interval(std::time::Duration::from_secs(20));
    publish(&app, "elsewhere", 1).await;
    let before = tokio::time::Instant::now();
    let Some(Delivery::Heartbeat(cursor)) = events.next().await else { panic!("expected a heartbeat") };
    assert_eq!(cursor, app.log().head());
    assert_eq!(before.elapsed().as_secs(), 20);
    publish(&app, "home", 2).await;
    assert!(matches!(events.next().await, Some(Delivery::Event(_))));
}

#[tokio::test]
async fn a_reader_that_falls_off_the_log_is_told_once() {
    let retention = Retention::default().count(100);
    let app = app(&["home"], retention, None).await;
    let (_session, mut events) = connect(&app, Since::Now).await;
    publish(&app, "home", 1).await;
    assert_eq!(read(&mut events), numbers(1..=1));
    for n in 2..=1_000 {
        publish(&app, "home", n).await;
    }
    let reset = events.try_next();
    assert!(matches!(reset, Some(Delivery::Reset(reset)) if reset.reason == ResetReason::Lagged));
    assert_eq!(read(&mut events), []);
    assert_eq!(events.cursor(), app.log().head());
    publish(&app, "home", 1_001).await;
    assert_eq!(read(&mut events), numbers(1_001..=1_001));
}

#[tokio::test]
async fn a_large_payload_counts_against_the_bytes() {
    let retention = Retention::default().bytes(10_000);
    let app = app(&["home"], retention, None).await;
    let start = app.log().head();
    for _ in 0..5 {
        let data = json!({ "to": "home", "n": 1, "text": "x".repeat(4_000) });
        app.service("ev").unwrap().create(data, ()).await.unwrap();
    }
    assert_eq!(app.log().oldest().seq() - start.seq(), 3);
}

/// What a history of joins, leaves, events, cuts and reads does to one client.
#[derive(Clone, Debug)]
enum Step {
    Publish(usize),
    Join(usize),
    Leave(usize),
    Read(usize),
    Cut,
    Resume,
}

const CHANNELS: [&str; 3] = ["home", "a", "b"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3_usize).prop_map(Step::Publish),
        1 => (1..3_usize).prop_map(Step::Join),
        1 => (0..3_usize).prop_map(Step::Leave),
        2 => (0..80_usize).prop_map(Step::Read),
        1 => Just(Step::Cut),
        2 => Just(Step::Resume),
    ];
    prop::collection::vec(step, 1..300)
}

/// The model: a list of everything that was published, and from where each channel counts.
#[derive(Default)]
struct Model {
    published: Vec<usize>,
    joined: [Option<usize>; 3],
    position: usize,
}

impl Model {
    fn wanted(&self, place: usize) -> bool {
        let channel = self.published[place];
        self.joined[channel].is_some_and(|since| since <= place)
    }

    /// Reads at most so many events.
    fn read(&mut self, most: usize) -> Vec<Seen> {
        let mut seen = Vec::new();
        while seen.len() < most && self.position < self.published.len() {
            if self.wanted(self.position) {
                seen.push(Seen::Event(self.position as u64));
            }
            self.position += 1;
        }
        seen
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// With enough room in the log, whatever the history: every event that the client is entitled to comes once, in
    /// order, also across cuts.
    #[test]
    fn any_history_gives_each_event_once_and_in_order(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
            let app = plain().await;
            let mut model = Model { joined: [Some(0), None, None], ..Model::default() };
            let mut client = Some(connect(&app, Since::Now).await);
            let mut cursor = app.log().head();
            for step in steps {
                match (step, &mut client) {
                    (Step::Publish(channel), _) => {
                        publish(&app, CHANNELS[channel], model.published.len() as u64).await;
                        model.published.push(channel);
                    }
                    (Step::Join(channel), Some((session, _))) => {
                        app.channel(CHANNELS[channel]).join(session.connection());
                        model.joined[channel].get_or_insert(model.published.len());
                    }
                    (Step::Leave(channel), Some((session, _))) => {
                        app.channel(CHANNELS[channel]).leave(session.connection());
                        model.joined[channel] = None;
                    }
                    (Step::Read(most), Some((_, events))) => {
                        let expected = model.read(most);
                        let mut seen = Vec::new();
                        while seen.len() < most && let Some(Delivery::Event(event)) = events.try_next() {
                            seen.push(Seen::Event(event.payload().value().unwrap()["n"].as_u64().unwrap()));
                        }
                        prop_assert_eq!(seen, expected);
                    }
                    (Step::Cut, Some((_, events))) => {
                        cursor = events.cursor();
                        client = None;
                        // The cursor may be before slots that were not for the client, never after one that was.
                        model.position = usize::try_from(cursor.seq()).unwrap();
                        model.joined = [None; 3];
                    }
                    (Step::Resume, None) => {
                        client = Some(connect(&app, Since::Cursor(cursor)).await);
                        model.joined = [Some(model.position), None, None];
                    }
                    _ => {}
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn malformed_cursors_are_refused() {
    for text in [
        "",
        "-",
        "abc",
        "abcdefgh",
        "abcdefgh-",
        "abcdefgh--1",
        "abcdefgh-+1",
        "abcdefgh-1 ",
        "abcdefg-1",
        "abcdefgh-99999999999999999999",
        "abcdefgh-1-2",
        "äbcdefg-1",
        "abcdefgh-１",
    ] {
        let error = text.parse::<Since>().unwrap_err();
        assert_eq!((error.code(), error.message()), (400, "malformed cursor"), "{text:?}");
    }
    let distinct: BTreeSet<String> = ["now", "earliest", "abcdefgh-18446744073709551615"]
        .map(|text| format!("{:?}", text.parse::<Since>().unwrap()))
        .into();
    assert_eq!(distinct.len(), 3);
    assert_eq!(serde_json::to_value("abcdefgh-7".parse::<Cursor>().unwrap()).unwrap(), Value::from("abcdefgh-7"));
}
