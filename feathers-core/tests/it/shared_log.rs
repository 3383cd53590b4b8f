//! A log outside the process: two apps that share one, and what happens when it is away, forgets, or is replaced.

use std::time::Duration;

use feathers_core::{
    App, AppHandle, Cursor, Delivery, Document, Entry, Handshake, Interest, LogBounds, LogEngine, LogItem, LogRead,
    Memory, Provider, Publication, ResetReason, Result, Retention, Session, Since, Subscription,
};
use feathers_testing::SharedLog;
use serde_json::json;

feathers_testing::log_contract! {
    memory,
    log: async || SharedLog::new(),
}

feathers_testing::log_contract! {
    memory_with_gaps,
    log: async || {
        let log = SharedLog::new();
        log.skip(7);
        log
    },
}

async fn node(log: &(impl LogEngine + Clone), retention: Retention) -> AppHandle {
    let mut app = App::new();
    app.service("notes", Memory::<Document>::new().multi(true));
    app.publish(|publication: &Publication, app: &AppHandle| {
        let data = publication.data.value().unwrap();
        let channel = app.channel("everyone");
        match data.get("override") {
            Some(other) => vec![app.channel("nobody"), channel.send(other.clone())],
            None if data.get("elsewhere").is_some() => vec![app.channel("elsewhere")],
            None => vec![channel],
        }
    });
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    app.retention(retention).event_log(log.clone());
    app.start().await.unwrap()
}

async fn connect(app: &AppHandle, since: Since) -> (Session, Subscription) {
    let session = app.open(Handshake::new(Provider::new("test")).since(since)).await.expect("the session opens");
    let events = session.subscribe();
    (session, events)
}

async fn publish(app: &AppHandle, n: u64) {
    app.service("notes").unwrap().create(json!({ "n": n }), ()).await.unwrap();
}

/// Reads so many events; a reset counts as its reason.
async fn read(events: &mut Subscription, count: usize) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.len() < count {
        match tokio::time::timeout(Duration::from_secs(20), events.next()).await.unwrap().unwrap() {
            Delivery::Event(event) => seen.push(event.payload().value().unwrap()["n"].to_string()),
            Delivery::Reset(reset) => seen.push(reset.reason.name().to_owned()),
            other => panic!("unexpected {other:?}"),
        }
    }
    seen
}

fn numbers(range: std::ops::RangeInclusive<u64>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn events_of_one_process_reach_the_clients_of_another_in_one_order() {
    let log = SharedLog::new();
    let (a, b) = (node(&log, Retention::default()).await, node(&log, Retention::default()).await);
    let (_on_a, mut from_a) = connect(&a, Since::Now).await;
    let (_on_b, mut from_b) = connect(&b, Since::Now).await;
    let (left, right) = (a.clone(), b.clone());
    let writers = [
        tokio::spawn(async move {
            for n in 0..500 {
                publish(&left, n).await;
            }
        }),
        tokio::spawn(async move {
            for n in 1_000..1_500 {
                publish(&right, n).await;
            }
        }),
    ];
    let (seen_a, seen_b) = tokio::join!(read(&mut from_a, 1_000), read(&mut from_b, 1_000));
    assert_eq!(seen_a, seen_b);
    for range in [0..500, 1_000..1_500] {
        let own: Vec<u64> = seen_a.iter().map(|n| n.parse().unwrap()).filter(|n| range.contains(n)).collect();
        assert_eq!(own, range.collect::<Vec<u64>>(), "each process's events are in its order");
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(from_a.cursor(), from_b.cursor());
}

#[tokio::test]
async fn a_client_goes_on_with_another_process_and_after_a_restart() {
    let log = SharedLog::new();
    let a = node(&log, Retention::default()).await;
    let (session, mut events) = connect(&a, Since::Now).await;
    publish(&a, 1).await;
    assert_eq!(read(&mut events, 1).await, numbers(1..=1));
    let cursor = events.cursor();
    drop((session, events));
    for n in 2..=400 {
        publish(&a, n).await;
    }
    a.shutdown(Duration::from_secs(5)).await.unwrap();

    // A process that has started since has read the log.
    let b = node(&log, Retention::default()).await;
    let (_session, mut events) = connect(&b, Since::Cursor(cursor)).await;
    assert_eq!(events.pending_reset(), None);
    publish(&b, 401).await;
    assert_eq!(read(&mut events, 400).await, numbers(2..=401));

    // A process that is a little behind accepts a client that is ahead.
    let ahead = Cursor::new(b.log().head().epoch(), b.log().head().seq() + 1);
    let (_session, mut events) = connect(&b, Since::Cursor(ahead)).await;
    assert_eq!(events.pending_reset(), None);
    publish(&b, 402).await;
    publish(&b, 403).await;
    assert_eq!(read(&mut events, 1).await, numbers(403..=403), "it has seen 402 elsewhere");
}

#[tokio::test]
async fn payloads_of_their_own_travel_along() {
    let log = SharedLog::new();
    let (a, b) = (node(&log, Retention::default()).await, node(&log, Retention::default()).await);
    let (_session, mut events) = connect(&b, Since::Now).await;
    let data = json!({ "n": 1, "override": { "n": 2 } });
    a.service("notes").unwrap().create(data, ()).await.unwrap();
    assert_eq!(read(&mut events, 1).await, numbers(2..=2));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_away_or_loses_answers_loses_and_doubles_nothing() {
    let log = SharedLog::new();
    let app = node(&log, Retention::default()).await;
    let (_session, mut events) = connect(&app, Since::Now).await;
    log.lose_answers(3);
    publish(&app, 1).await;
    publish(&app, 2).await;
    assert_eq!(read(&mut events, 2).await, numbers(1..=2));
    log.set_away(true);
    for n in 3..=20 {
        publish(&app, n).await;
    }
    tokio::time::advance(Duration::from_secs(30)).await;
    assert!(events.try_next().is_none());
    log.set_away(false);
    assert_eq!(read(&mut events, 18).await, numbers(3..=20));
}

#[tokio::test]
async fn another_log_resets_all_readers() {
    let log = SharedLog::new();
    let app = node(&log, Retention::default()).await;
    let (_session, mut events) = connect(&app, Since::Now).await;
    publish(&app, 1).await;
    assert_eq!(read(&mut events, 1).await, numbers(1..=1));
    let before = events.cursor();
    log.restart();
    publish(&app, 2).await;
    let seen = read(&mut events, 1).await;
    assert_eq!(seen, [ResetReason::Epoch.name()]);
    // Events from before the process noticed may come before the reset; later ones come after it.
    publish(&app, 3).await;
    assert_eq!(
        read(&mut events, 1).await.pop(),
        Some("3".to_owned()).filter(|_| events.cursor().epoch() != before.epoch())
    );
    let (_session, mut events) = connect(&app, Since::Cursor(before)).await;
    assert_eq!(read(&mut events, 1).await, [ResetReason::Epoch.name()]);
}

#[tokio::test]
async fn what_the_log_has_forgotten_is_not_promised() {
    let log = SharedLog::new();
    let app = node(&log, Retention::default().count(5)).await;
    let (session, mut events) = connect(&app, Since::Now).await;
    publish(&app, 0).await;
    assert_eq!(read(&mut events, 1).await, numbers(0..=0));
    let cursor = events.cursor();
    drop((session, events));
    let (_other, mut watch) = connect(&app, Since::Now).await;
    for n in 1..=20 {
        publish(&app, n).await;
        assert_eq!(read(&mut watch, 1).await, numbers(n..=n));
    }
    log.keep(3);
    let (_session, mut events) = connect(&app, Since::Cursor(cursor)).await;
    assert_eq!(read(&mut events, 1).await, [ResetReason::Trimmed.name()]);
    let late = node(&log, Retention::default()).await;
    assert_eq!(late.log().head().seq() - late.log().oldest().seq(), 3);
}

#[tokio::test]
async fn a_filter_cannot_go_through_a_log_and_nobody_goes_on_as_if_nothing_was() {
    let log = SharedLog::new();
    let mut app = App::new();
    app.service("notes", Memory::<Document>::new())
        .publish(|_, app: &AppHandle| app.channel("everyone").filter(|_| true));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    app.event_log(log.clone());
    let app = app.start().await.unwrap();
    let (_session, mut events) = connect(&app, Since::Earliest).await;
    publish(&app, 1).await;
    assert_eq!(read(&mut events, 1).await, [ResetReason::Lagged.name()]);
}

#[tokio::test]
async fn numbers_that_jump_take_no_memory_and_no_event() {
    let log = SharedLog::new();
    let app = node(&log, Retention::default().count(3)).await;
    let (_session, mut events) = connect(&app, Since::Now).await;
    publish(&app, 1).await;
    assert_eq!(read(&mut events, 1).await, numbers(1..=1));
    let before = events.cursor();
    log.skip(1 << 40);
    publish(&app, 2).await;
    publish(&app, 3).await;
    assert_eq!(read(&mut events, 2).await, numbers(2..=3));
    assert_eq!((app.log().head().seq(), app.log().len()), ((1 << 40) + 3, 3), "only events count for the retention");
    let (_session, mut events) = connect(&app, Since::Cursor(before)).await;
    assert_eq!(events.pending_reset(), None, "a gap is no loss");
    assert_eq!(read(&mut events, 2).await, numbers(2..=3));
    // A position inside the gap, where a client was told that it had read up to.
    let (_session, mut events) = connect(&app, Since::Cursor(Cursor::new(before.epoch(), 1 << 30))).await;
    assert_eq!(read(&mut events, 2).await, numbers(2..=3));
    publish(&app, 4).await;
    assert_eq!(read(&mut events, 1).await, numbers(4..=4));
    assert_eq!(app.log().oldest(), before, "the first event is forgotten, and nothing else");
}

#[tokio::test]
async fn readers_move_on_over_what_is_not_for_this_process() {
    let log = SharedLog::new();
    let (app, other) = (node(&log, Retention::default()).await, node(&log, Retention::default()).await);
    let (_session, mut events) = connect(&app, Since::Now).await;
    let mut follower = app.log().follow();
    publish(&app, 1).await;
    assert_eq!(read(&mut events, 1).await, numbers(1..=1));
    while follower.try_next().is_none() {
        follower.changed().await;
    }
    log.skip(10);
    while follower.cursor().seq() < 11 {
        tokio::time::timeout(Duration::from_secs(20), follower.changed()).await.unwrap();
        assert!(follower.try_next().is_none());
    }
    assert!(events.try_next().is_none());
    assert_eq!(events.cursor(), app.log().head());
    let since = events.cursor();
    assert_eq!(since.seq(), 11);

    publish(&other, 2).await;
    assert_eq!(read(&mut events, 1).await, numbers(2..=2));
    assert_eq!(events.cursor().seq(), 12);
    let (_session, mut events) = connect(&app, Since::Cursor(since)).await;
    assert_eq!(read(&mut events, 1).await, numbers(2..=2), "and nothing twice");
}

/// Lets other processes append before each append.
#[derive(Clone)]
struct Polite(SharedLog);

#[async_trait::async_trait]
impl LogEngine for Polite {
    async fn bounds(&self) -> Result<LogBounds> {
        self.0.bounds().await
    }

    async fn append(&self, entries: &[Entry]) -> Result<Vec<Cursor>> {
        tokio::task::yield_now().await;
        self.0.append(entries).await
    }

    async fn read(&self, after: Cursor, most: usize, interest: &Interest) -> Result<LogRead> {
        self.0.read(after, most, interest).await
    }

    async fn changed(&self, after: Cursor, interest: &Interest) {
        self.0.changed(after, interest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_events_of_one_call_stay_together_in_a_shared_log() {
    // More than the app writes at once.
    const SIZES: [u64; 6] = [2, 300, 3, 100, 200, 1];
    let log = SharedLog::new();
    let polite = Polite(log.clone());
    let (a, b) = (node(&polite, Retention::default()).await, node(&polite, Retention::default()).await);
    let (_session, mut events) = connect(&a, Since::Now).await;
    log.set_away(true);
    for (app, from) in [(a, 1_000_000), (b, 2_000_000)] {
        for (round, size) in (0..).zip(SIZES) {
            let first = from + round * 1_000;
            let notes: Vec<_> = (first..first + size).map(|n| json!({ "n": n })).collect();
            app.service("notes").unwrap().create(json!(notes), ()).await.unwrap();
        }
    }
    log.set_away(false);
    let seen = read(&mut events, usize::try_from(2 * SIZES.iter().sum::<u64>()).unwrap()).await;
    let mut rest: Vec<u64> = seen.iter().map(|n| n.parse().unwrap()).collect();
    let mut processes = Vec::new();
    while let Some(first) = rest.first().copied() {
        let size = SIZES[usize::try_from(first / 1_000 % 1_000).unwrap()];
        let after = rest.split_off(usize::try_from(size).unwrap());
        assert_eq!(rest, (first..first + size).collect::<Vec<_>>());
        processes.push(first / 1_000_000);
        rest = after;
    }
    assert!(!processes.is_sorted(), "the calls of the two processes alternate, or this shows nothing: {processes:?}");
}

#[tokio::test]
async fn clients_go_on_in_the_next_epoch_of_a_log_unless_what_they_have_read_is_lost() {
    let log = SharedLog::new();
    let app = node(&log, Retention::default()).await;
    let (_on, mut events) = connect(&app, Since::Now).await;
    let mut cursors = Vec::new();
    for n in 1..=3 {
        publish(&app, n).await;
        assert_eq!(read(&mut events, 1).await, numbers(n..=n));
        cursors.push(events.cursor());
    }
    log.next_epoch(0);
    publish(&app, 4).await;
    assert_eq!(read(&mut events, 1).await, numbers(4..=4), "connected clients do not notice");
    assert_ne!(events.cursor().epoch(), cursors[0].epoch());
    let (_session, mut again) = connect(&app, Since::Cursor(cursors[1])).await;
    assert_eq!(again.pending_reset(), None);
    assert_eq!(read(&mut again, 2).await, numbers(3..=4));
    let forged = Cursor::new(cursors[0].epoch(), 4);
    let (_session, mut again) = connect(&app, Since::Cursor(forged)).await;
    assert_eq!(read(&mut again, 1).await, [ResetReason::Epoch.name()], "that epoch has no such number");

    // Two entries are lost, and their numbers are given again.
    log.next_epoch(2);
    assert_eq!(read(&mut events, 1).await, [ResetReason::Epoch.name()]);
    publish(&app, 33).await;
    assert_eq!(read(&mut events, 1).await, numbers(33..=33));
    let late = node(&log, Retention::default()).await;
    let (_session, mut again) = connect(&late, Since::Cursor(cursors[1])).await;
    assert_eq!(read(&mut again, 1).await, numbers(33..=33), "it has read nothing that is lost");
    let (_session, mut again) = connect(&late, Since::Cursor(cursors[2])).await;
    assert_eq!(read(&mut again, 1).await, [ResetReason::Epoch.name()], "it has read what is lost");
}

#[tokio::test]
async fn a_number_that_is_given_again_is_not_taken_for_the_event_that_had_it() {
    let log = SharedLog::new();
    let app = node(&log, Retention::default()).await;
    let (_session, mut events) = connect(&app, Since::Now).await;
    let mut follower = app.log().follow();
    publish(&app, 1).await;
    while follower.try_next().is_none() {
        follower.changed().await;
    }
    // Announced and not read, when its number goes to an event for others.
    log.next_epoch(1);
    while !matches!(follower.try_next(), Some(LogItem::Lost)) {
        tokio::time::timeout(Duration::from_secs(20), follower.changed()).await.unwrap();
    }
    app.service("notes").unwrap().create(json!({ "n": 2, "elsewhere": true }), ()).await.unwrap();
    while !matches!(follower.try_next(), Some(LogItem::Event(_))) {
        tokio::time::timeout(Duration::from_secs(20), follower.changed()).await.unwrap();
    }
    assert_eq!(read(&mut events, 1).await, [ResetReason::Epoch.name()]);
    assert!(events.try_next().is_none());
    publish(&app, 3).await;
    assert_eq!(read(&mut events, 1).await, numbers(3..=3));
}
