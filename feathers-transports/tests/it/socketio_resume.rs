//! Socket.IO without holes: what a stock client gets when it comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use feathers_core::{App, Error, Payload};
use feathers_testing::socketio::{How, Poll, Stock, Wire};
use feathers_transports::{Cors, Running, Server, SocketIo};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::realtime_support::{app, kept, pass, tick, until_connections};

async fn serve(app: App) -> Running {
    serve_with(app, SocketIo::new()).await
}

async fn serve_with(app: App, transport: SocketIo) -> Running {
    Server::new(app).without_defaults().transport(transport).bind("127.0.0.1:0").start().await.unwrap()
}

fn address(server: &Running) -> String {
    server.addr().to_string()
}

fn head(server: &Running) -> String {
    server.handle().log().head().to_string()
}

/// Loses the client's connection and waits until the server has seen it. A session that polls is only given up.
async fn lose(server: &Running, client: &mut Stock) {
    if let Wire::Socket(socket) = client.wire() {
        socket.close(None).await.unwrap();
        until_connections(server.handle(), 0).await;
    }
}

#[tokio::test]
async fn a_stock_client_comes_back_five_times_and_misses_nothing() {
    for how in How::ALL {
        let server = serve(app()).await;
        let mut client = Stock::connect(&address(&server), how).await;
        let (sid, pid) = (client.sid.clone(), client.pid().to_owned());
        let mut next = 1;
        for round in 0..5 {
            tick(server.handle(), next..next + 2);
            assert_eq!(client.numbers(2).await, [next, next + 1], "{how:?}");
            lose(&server, &mut client).await;
            tick(server.handle(), next + 2..next + 7);
            client.reconnect().await;
            assert!(client.recovered, "{how:?} {round}");
            assert_eq!((&client.sid, client.pid()), (&sid, pid.as_str()));
            assert_eq!(client.numbers(5).await, (next + 2..next + 7).collect::<Vec<_>>(), "{how:?}");
            assert_eq!(client.notice("resumed").await, json!({ "cursor": head(&server) }));
            // The offset is the cursor of that notice.
            assert_eq!(client.offset, Some(head(&server)));
            next += 7;
        }
        // One connection, also where the old one was only given up.
        until_connections(server.handle(), 1).await;
        assert_eq!(server.handle().channel("everybody").len(), 1);
    }
}

#[tokio::test]
async fn a_client_that_has_seen_no_event_yet_comes_back_from_its_start() {
    for how in How::ALL {
        let server = serve(app()).await;
        tick(server.handle(), [1]);
        let mut client = Stock::connect(&address(&server), how).await;
        tick(server.handle(), [2, 3]);
        lose(&server, &mut client).await;
        client.reconnect().await;
        assert_eq!((client.recovered, client.numbers(2).await), (true, vec![2, 3]), "{how:?}");
        client.notice("resumed").await;
    }
}

#[tokio::test]
async fn who_is_forgotten_still_misses_nothing() {
    let server = serve_with(app(), SocketIo::new().recovery(Duration::ZERO)).await;
    let mut client = Stock::connect(&address(&server), How::WebSocket).await;
    let pid = client.pid().to_owned();
    tick(server.handle(), [1, 2]);
    lose(&server, &mut client).await;
    client.reconnect().await;
    // Without an offset, the position is in the name itself.
    assert_eq!((client.recovered, client.numbers(2).await), (false, vec![1, 2]));
    client.notice("resumed").await;
    assert_ne!(client.pid(), pid);
    tick(server.handle(), [3]);
    lose(&server, &mut client).await;
    client.reconnect().await;
    assert_eq!((client.recovered, client.numbers(1).await), (false, vec![3]));
}

#[tokio::test]
async fn a_name_that_nobody_has_says_nothing_and_gets_a_reset() {
    let server = serve(app()).await;
    let other = serve(app()).await;
    let mut stranger = Stock::connect(&address(&other), How::WebSocket).await;
    stranger.move_to(address(&server));
    stranger.reconnect().await;
    assert!(!stranger.recovered);
    assert_eq!(stranger.notice("reset").await, json!({ "reason": "epoch", "cursor": head(&server) }));
    let made_up = json!({ "pid": "YWJjZGVmZ2hpamtsbW5vcA" });
    let mut client = Stock::connect_with(&address(&server), How::WebSocket, &made_up).await;
    assert_ne!(client.pid(), "YWJjZGVmZ2hpamtsbW5vcA");
    assert_eq!(client.notice("reset").await["reason"], "bad-cursor");
    // Another client's public name and cursor give nothing but a position.
    tick(server.handle(), [1]);
    assert_eq!(client.numbers(1).await, [1]);
    let stolen = json!({ "pid": client.sid, "offset": client.offset });
    let mut thief = Stock::connect_with(&address(&server), How::WebSocket, &stolen).await;
    assert!(thief.pid() != client.pid() && thief.sid != client.sid);
    thief.notice("resumed").await;
    tick(server.handle(), [2]);
    assert_eq!((client.numbers(1).await, thief.numbers(1).await), (vec![2], vec![2]));
}

#[tokio::test]
async fn of_since_and_offset_the_newer_counts() {
    for how in How::ALL {
        let server = serve(app()).await;
        let start = head(&server);
        // The application keeps the `auth` of its beginning, and Socket.IO adds what it has seen.
        let auth = json!({ "since": start });
        let mut client = Stock::connect_with(&address(&server), how, &auth).await;
        client.notice("resumed").await;
        for round in 0..3 {
            tick(server.handle(), [2 * round]);
            assert_eq!(client.numbers(1).await, [2 * round], "{how:?}");
            lose(&server, &mut client).await;
            tick(server.handle(), [2 * round + 1]);
            client.reconnect_with(&auth).await;
            assert_eq!(client.numbers(1).await, [2 * round + 1], "{how:?}");
            assert_eq!(client.notice("resumed").await, json!({ "cursor": head(&server) }));
        }
        // Also where the application knows more than Socket.IO.
        let older = client.offset.clone();
        tick(server.handle(), 6..=8);
        let newer = head(&server);
        lose(&server, &mut client).await;
        tick(server.handle(), [9]);
        client.reconnect_with(&json!({ "since": newer, "offset": older })).await;
        assert_eq!(client.numbers(1).await, [9], "{how:?}");
        // A cursor of another log loses to one of this log; an empty one counts as none.
        client.reconnect_with(&json!({ "since": "aaaaaaaa-99" })).await;
        client.notice("resumed").await;
        client.reconnect_with(&json!({ "since": "" })).await;
        assert_eq!(client.notice("resumed").await, json!({ "cursor": head(&server) }));
    }
}

#[tokio::test]
async fn a_reloaded_page_names_its_cursor_itself() {
    for how in How::ALL {
        let server = serve(app()).await;
        let start = head(&server);
        tick(server.handle(), 1..=3);
        let mut client = Stock::connect_with(&address(&server), how, &json!({ "since": start })).await;
        assert_eq!(client.numbers(3).await, [1, 2, 3]);
        assert_eq!(client.notice("resumed").await, json!({ "cursor": head(&server) }));
        for (word, expected) in [("earliest", vec![1, 2, 3]), ("now", vec![])] {
            let mut client = Stock::connect_with(&address(&server), how, &json!({ "since": word })).await;
            assert_eq!(client.numbers(expected.len()).await, expected);
        }
    }
}

#[tokio::test]
async fn when_there_is_no_going_on_there_is_one_reset_and_a_new_session() {
    for how in How::ALL {
        let mut app = app();
        app.retention(kept(10));
        let server = serve(app).await;
        let mut client = Stock::connect(&address(&server), how).await;
        let epoch = server.handle().log().head().epoch();
        tick(server.handle(), [1]);
        client.numbers(1).await;
        let trimmed = client.offset.clone().unwrap();
        lose(&server, &mut client).await;
        tick(server.handle(), 2..=50);
        for (since, reason) in [
            (trimmed.as_str(), "trimmed"),
            (&format!("{epoch}-999"), "future"),
            ("aaaaaaaa-1", "epoch"),
            ("rubbish", "bad-cursor"),
        ] {
            let pid = client.pid().to_owned();
            client.reconnect_with(&json!({ "since": since, "offset": null, "pid": null })).await;
            assert!(!client.recovered && client.pid() != pid, "{how:?} {since}");
            let reset = client.notice("reset").await;
            assert_eq!((&reset["reason"], &reset["cursor"]), (&json!(reason), &json!(head(&server))));
            assert_eq!(reset.get("oldest").is_some(), reason == "trimmed");
            assert_eq!(client.offset, Some(head(&server)), "the next return is from there");
        }
        client.reconnect_with(&json!({ "since": 7 })).await;
        assert_eq!(client.notice("reset").await["reason"], "bad-cursor");
        // No second notice, only the next events.
        tick(server.handle(), [51]);
        assert_eq!(client.numbers(1).await, [51]);
        client.reconnect().await;
        assert!(client.recovered);
        client.notice("resumed").await;
    }
}

#[tokio::test]
async fn connect_listeners_run_again_before_the_replay_and_decide_what_is_replayed() {
    let connects = Arc::new(AtomicUsize::new(0));
    let mut app = App::new();
    crate::realtime_support::notes(&mut app, "notes").publish(|_, app| app.channel("members"));
    app.on_connect_async({
        let connects = connects.clone();
        move |connection, app| {
            let connects = connects.clone();
            async move {
                // A user who was removed after the first connect does not join again.
                tokio::task::yield_now().await;
                if connects.fetch_add(1, Ordering::SeqCst) != 1 {
                    app.channel("members").join(&connection);
                }
            }
        }
    });
    let server = serve(app).await;
    let mut client = Stock::connect(&address(&server), How::WebSocket).await;
    tick(server.handle(), [1]);
    assert_eq!(client.numbers(1).await, [1]);
    lose(&server, &mut client).await;
    tick(server.handle(), 2..=4);
    client.reconnect().await;
    assert!(client.recovered);
    // A `resumed` notice, and no event of the channel.
    client.notice("resumed").await;
    lose(&server, &mut client).await;
    tick(server.handle(), [5]);
    client.reconnect().await;
    assert_eq!((client.numbers(1).await, connects.load(Ordering::SeqCst)), (vec![5], 3));
}

#[tokio::test]
async fn a_channel_that_is_left_meanwhile_is_not_delivered() {
    let server = serve(app()).await;
    let mut client = Stock::connect(&address(&server), How::Polling).await;
    let connection = crate::realtime_support::only_member(server.handle());
    tick(server.handle(), 1..=3);
    server.handle().channel("everybody").leave(&connection);
    tick(server.handle(), 4..=6);
    server.handle().channel("everybody").join(&connection);
    tick(server.handle(), [7]);
    // Events that were not sent yet follow the present membership, which counts from the last join.
    assert_eq!(client.numbers(1).await, [7]);
}

#[tokio::test]
async fn who_is_refused_can_come_back_as_the_same() {
    let calls = Arc::new(AtomicUsize::new(0));
    let transport = SocketIo::new().handshake({
        let calls = calls.clone();
        move |_| match calls.fetch_add(1, Ordering::SeqCst) {
            1 => Err(Error::unavailable("not now")),
            _ => Ok(()),
        }
    });
    let server = serve_with(app(), transport).await;
    let mut client = Stock::connect(&address(&server), How::WebSocket).await;
    tick(server.handle(), [1]);
    client.numbers(1).await;
    lose(&server, &mut client).await;
    let mut refused = Wire::open(&address(&server), How::WebSocket).await;
    refused.send(&format!("40{}", json!({ "pid": client.pid(), "offset": client.offset }))).await;
    assert_eq!(refused.next().await, r#"44{"message":"not now"}"#);
    tick(server.handle(), [2]);
    client.reconnect().await;
    assert_eq!((client.recovered, client.numbers(1).await), (true, vec![2]));
}

#[tokio::test]
async fn a_half_open_connection_is_taken_over() {
    let server = serve(app()).await;
    let mut client = Stock::connect(&address(&server), How::WebSocket).await;
    tick(server.handle(), [1]);
    client.numbers(1).await;
    let old = crate::realtime_support::only_member(server.handle());
    // The old connection is still there, as far as the server knows.
    let mut half_open = Stock::connect(&address(&server), How::WebSocket).await;
    std::mem::swap(half_open.wire(), client.wire());
    tick(server.handle(), [2]);
    client.reconnect().await;
    assert!(client.recovered);
    assert_eq!(client.numbers(1).await, [2]);
    assert!(old.is_closed());
    until_connections(server.handle(), 1).await;
    tick(server.handle(), [3]);
    client.notice("resumed").await;
    assert_eq!(client.numbers(1).await, [3]);
    // The old connection got nothing before its end that was not for this client.
    assert_eq!(half_open.numbers(1).await, [2]);
    assert_eq!(half_open.packet().await, "41");
}

#[tokio::test]
async fn who_polls_and_is_sent_away_leaves_at_once_and_hears_of_it_at_the_next_poll() {
    let server = serve(app()).await;
    let mut client = Stock::connect(&address(&server), How::Polling).await;
    tick(server.handle(), [1]);
    client.numbers(1).await;
    crate::realtime_support::only_member(server.handle()).disconnect();
    until_connections(server.handle(), 0).await;
    assert_eq!(client.packet().await, "41");
    // The session is forgotten, and its cursor is still valid.
    tick(server.handle(), [2]);
    client.reconnect().await;
    assert_eq!((client.recovered, client.numbers(1).await), (false, vec![2]));
}

#[tokio::test]
async fn the_session_ends_with_41_and_a_new_one_begins_on_the_same_engine() {
    for how in How::ALL {
        let server = serve(app()).await;
        let mut client = Stock::connect(&address(&server), how).await;
        let (sid, pid) = (client.sid.clone(), client.pid().to_owned());
        client.wire().send("41").await;
        until_connections(server.handle(), 0).await;
        tick(server.handle(), [1]);
        client.wire().send("40").await;
        let connected = client.packet().await;
        let connected: Value = serde_json::from_str(connected.strip_prefix("40").unwrap()).unwrap();
        assert_ne!((&connected["sid"], &connected["pid"]), (&json!(sid), &json!(pid)));
        until_connections(server.handle(), 1).await;
        tick(server.handle(), [2]);
        assert_eq!(client.numbers(1).await, [2], "{how:?}");
        assert_eq!(client.call(json!(["find", "notes"])).await, json!([null, []]));
    }
}

#[tokio::test]
async fn an_idle_client_is_told_its_position_and_stays_resumable() {
    for how in How::ALL {
        let mut app = app();
        app.retention(kept(10));
        let transport = SocketIo::new().ping_interval(Duration::from_millis(30)).ping_timeout(Duration::from_secs(20));
        let server = serve_with(app, transport).await;
        let mut client = Stock::connect(&address(&server), how).await;
        for _ in 0..3 {
            pass(server.handle(), 100);
            let head = head(&server);
            // At the latest with the second ping from now.
            while client.offset.as_ref() != Some(&head) {
                client.notice("cursor").await;
            }
        }
        lose(&server, &mut client).await;
        tick(server.handle(), [1]);
        client.reconnect().await;
        assert_eq!((client.recovered, client.numbers(1).await), (true, vec![1]), "{how:?}");
        client.notice("resumed").await;
    }
}

#[tokio::test]
async fn who_never_answers_a_ping_is_gone_and_can_come_back() {
    let transport = SocketIo::new().ping_interval(Duration::from_millis(200)).ping_timeout(Duration::from_millis(200));
    let server = serve_with(app(), transport).await;
    for how in How::ALL {
        let mut client = Stock::connect(&address(&server), how).await;
        until_connections(server.handle(), 1).await;
        until_connections(server.handle(), 0).await;
        tick(server.handle(), [1]);
        client.reconnect().await;
        assert_eq!((client.recovered, client.event().await[1]["n"].as_u64()), (true, Some(1)), "{how:?}");
        lose(&server, &mut client).await;
        until_connections(server.handle(), 0).await;
    }
}

#[tokio::test]
async fn t15_going_over_to_a_websocket_loses_nothing_while_events_are_published() {
    let server = serve(app()).await;
    for _ in 0..5 {
        let mut client = Stock::connect(&address(&server), How::Polling).await;
        let handle = server.handle().clone();
        let (stop, mut stopped) = oneshot::channel::<()>();
        let publishing = tokio::spawn(async move {
            let mut n = 0;
            let mut every = tokio::time::interval(Duration::from_millis(1));
            while stopped.try_recv().is_err() {
                every.tick().await;
                n += 1;
                tick(&handle, [n]);
            }
            n
        });
        let mut seen = client.numbers(50).await;
        client.upgrade().await;
        seen.extend(client.numbers(50).await);
        stop.send(()).unwrap();
        let last = publishing.await.unwrap();
        let rest = usize::try_from(last).unwrap() - seen.len();
        seen.extend(client.numbers(rest).await);
        assert_eq!(seen, (1..=last).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    let server = serve(app()).await;
    let mut client = Stock::connect(&address(&server), How::Polling).await;
    let Wire::Poll(poll) = client.wire() else { unreachable!() };
    let (first, second) = tokio::join!(poll.get(), poll.get());
    let mut statuses = [first.0, second.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert_eq!(if first.0 == 200 { first.1 } else { second.1 }, "1");
    let (status, text) = poll.get().await;
    assert_eq!((status, text.as_str()), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
    until_connections(server.handle(), 0).await;
    tick(server.handle(), [1]);
    client.reconnect().await;
    // The session is forgotten, as after a breach of the protocol, and the client misses nothing all the same.
    assert_eq!((client.recovered, client.numbers(1).await), (false, vec![1]));
}

#[tokio::test]
async fn a_body_may_hold_many_packets() {
    let server = serve(app()).await;
    let poll = Poll::open(&address(&server)).await;
    let calls: Vec<_> = (0..100).map(|n| format!(r#"42{n}["create","quiet",{{"n":{n}}}]"#)).collect();
    // The namespace is joined by the time that the calls come.
    assert_eq!(poll.post("40").await.0, 200);
    assert!(poll.get().await.1.starts_with("40{"));
    assert_eq!(poll.post(&format!("3\u{1e}{}", calls.join("\u{1e}"))).await, (200, "ok".to_owned()));
    let mut answers = Vec::new();
    while answers.len() < 100 {
        let (status, body) = poll.get().await;
        assert_eq!(status, 200);
        answers.extend(body.split('\u{1e}').filter(|packet| *packet != "2").map(str::to_owned));
    }
    for (n, answer) in answers.iter().enumerate() {
        assert!(answer.starts_with(&format!("43{n}[null,")), "{answer}");
    }
    for body in ["", "\u{1e}", "3\u{1e}\u{1e}3", "3\u{1e}x"] {
        let poll = Poll::open(&address(&server)).await;
        assert_eq!(poll.post(body).await.0, 400, "{body:?}");
        assert_eq!(poll.get().await.0, 400);
    }
}

#[tokio::test]
async fn who_posts_and_does_not_poll_has_to_wait() {
    let server = serve(app()).await;
    let poll = Poll::open(&address(&server)).await;
    assert_eq!(poll.post("40").await.0, 200);
    assert!(poll.get().await.1.starts_with("40{"));
    // Each of these is answered at once with an error of a hundred bytes and more.
    let packet = r#"450-1["a"]"#;
    let flood = vec![packet; 5_000].join("\u{1e}");
    let posting = async { poll.post(&flood).await };
    let polling = async {
        let mut answers = 0;
        let mut largest = 0;
        while answers < 5_000 {
            let (status, body) = poll.get().await;
            assert_eq!(status, 200);
            largest = largest.max(body.len());
            answers += body.split('\u{1e}').filter(|packet| packet.starts_with("431[")).count();
        }
        largest
    };
    // The post is not done before the polls have made room.
    let mut posting = std::pin::pin!(posting);
    let address = address(&server);
    let other = Stock::connect(&address, How::WebSocket);
    tokio::select! {
        biased;
        _ = &mut posting => panic!("all of it was taken at once"),
        _ = other => {}
    }
    let ((status, _), largest) = tokio::join!(posting, polling);
    assert_eq!(status, 200);
    assert!(largest < 300_000, "{largest} bytes waited");
}

/// Publishes so much that a client that does not read has no room for more.
fn fill(server: &Running, numbers: std::ops::Range<u64>) {
    let notes = server.handle().service("notes").unwrap();
    for n in numbers {
        notes.emit("ticked", Payload::from(json!({ "n": n, "text": "x".repeat(100_000) })));
    }
}

#[tokio::test]
async fn t7_a_client_that_stops_reading_gets_everything_or_one_reset() {
    for keeps_all in [true, false] {
        let mut app = app();
        app.retention(kept(if keeps_all { 10_000 } else { 10 }));
        let server = serve(app).await;
        let mut stopped = Stock::connect(&address(&server), How::WebSocket).await;
        let mut reads = Stock::connect(&address(&server), How::WebSocket).await;
        for n in 0..200 {
            fill(&server, n..n + 1);
            assert_eq!(reads.numbers(1).await, [n], "other clients are not delayed");
        }
        let (mut next, mut resets) = (0, 0);
        while next < 200 {
            let event = stopped.event().await;
            if event[0] == "reset" {
                assert_eq!(event[1]["reason"], "lagged");
                (resets, next) = (resets + 1, 200);
            } else {
                assert_eq!(event[1]["n"], next, "no gap without a word");
                next += 1;
            }
        }
        assert_eq!(resets, usize::from(!keeps_all));
        tick(server.handle(), [200]);
        assert_eq!(stopped.numbers(1).await, [200]);
    }
}

#[tokio::test]
async fn a_reset_during_a_replay_is_the_last_word() {
    let (go, wait) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let mut app = app();
    app.retention(kept(10));
    app.on_connect_async({
        let (go, wait) = (go.clone(), wait.clone());
        move |_, _| {
            let (go, wait) = (go.clone(), wait.clone());
            async move {
                wait.notify_one();
                go.notified().await;
            }
        }
    });
    let server = serve(app).await;
    let since = head(&server);
    tick(server.handle(), [1]);
    // While the client connects, the events that it has missed are trimmed.
    let auth = json!({ "since": since });
    let address = address(&server);
    let (mut client, ()) = tokio::join!(Stock::connect_with(&address, How::WebSocket, &auth), async {
        wait.notified().await;
        tick(server.handle(), 2..=50);
        go.notify_one();
    });
    assert_eq!(client.notice("reset").await["reason"], "lagged");
    tick(server.handle(), [51]);
    assert_eq!(client.numbers(1).await, [51], "no `resumed` after the reset");
}

#[tokio::test]
async fn there_are_only_so_many_polling_sessions() {
    let server = serve_with(app(), SocketIo::new().max_sessions(3)).await;
    let mut polls = Vec::new();
    for _ in 0..3 {
        polls.push(Poll::open(&address(&server)).await);
    }
    let url = format!("{}/socket.io/?EIO=4&transport=polling", server.url());
    let refused = reqwest::get(&url).await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "5"));
    // A WebSocket needs no session that outlives it.
    Stock::connect(&address(&server), How::WebSocket).await;
    // A client that says goodbye makes room.
    assert_eq!(polls[0].post("1").await.0, 200);
    while reqwest::get(&url).await.unwrap().status() != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn foreign_pages_with_cookies_are_refused() {
    let cors = Cors::origins(["https://page.example"]).credentials();
    let server = Server::new(app()).cors(cors).bind("127.0.0.1:0").start().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/socket.io/?EIO=4&transport=polling", server.url());
    let own = server.url();
    for (origin, cookie, expected) in [
        ("http://evil.example", true, 403),
        ("null", true, 403),
        ("http://evil.example", false, 200),
        ("https://page.example", true, 200),
        (own.as_str(), true, 200),
    ] {
        let mut request = http.get(&url).header("origin", origin);
        if cookie {
            request = request.header("cookie", "session=1");
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), expected, "{origin} {cookie}");
        if expected == 403 {
            assert_eq!(response.text().await.unwrap(), r#"{"code":4,"message":"Forbidden"}"#);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_5000_events_reaches_10_readers_50000_times() {
    for how in [How::WebSocket, How::Polling] {
        let server = serve(app()).await;
        let mut reading = Vec::new();
        for _ in 0..10 {
            let mut reader = Stock::connect(&address(&server), how).await;
            reading.push(tokio::spawn(async move { reader.numbers(5_000).await }));
        }
        tick(server.handle(), 1..=5_000);
        for reader in reading {
            assert_eq!(reader.await.unwrap(), (1..=5_000).collect::<Vec<_>>());
        }
    }
}
