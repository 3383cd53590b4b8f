//! Long and short polling, by the sentences of the design.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use feathers_core::{App, Headers, Method, Payload};
use feathers_transports::{Realtime, Server};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::realtime_support::{
    Answer, CONNECTION_TOKEN, Inside, app, ask, inside, kept, notes, numbers, only_member, pass, serve, tick,
    until_connections,
};

/// Polls and returns the answer's body.
async fn poll(server: &Inside, query: &str) -> Value {
    let answer = server.get(&format!("/realtime?{query}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Polls for a session and returns the answer's body.
async fn poll_as(server: &Inside, conn: &str, query: &str) -> Value {
    let answer = ask_as(server, conn, "GET", query, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Sends a request for a session.
async fn ask_as(server: &Inside, conn: &str, method: &str, query: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![(CONNECTION_TOKEN, conn)];
    all.extend(headers);
    server.send(method, &format!("/realtime?{query}"), &all, "").await
}

/// Opens a session and returns its secret and cursor.
async fn first(server: &Inside) -> (String, String) {
    let answer = poll(server, "").await;
    (text(&answer, "connectionToken"), text(&answer, "cursor"))
}

fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap().to_owned()
}

/// Begins a poll in the background and returns when it waits.
async fn held(server: &Inside, conn: &str, query: String) -> tokio::task::JoinHandle<Value> {
    let (server, conn) = (server.clone(), conn.to_owned());
    let poll = tokio::spawn(async move { poll_as(&server, &conn, &query).await });
    // One thread: when this goes on, the poll has run as far as it can.
    tokio::task::yield_now().await;
    assert!(!poll.is_finished());
    poll
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_does_not_wait_and_says_where_the_client_stands() {
    let server = inside(app(), Realtime::new()).await;
    tick(&server.handle, [1]);
    let head = server.handle.log().head().to_string();
    let started = Instant::now();
    let answer = server.get("/realtime?wait=30").await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    let conn = text(&answer.json(), "connectionToken");
    assert_eq!(
        (conn.len(), server.handle.connection(&conn, &Headers::default()).await.unwrap()),
        (32, Some(only_member(&server.handle)))
    );
    assert_eq!(answer.json(), json!({ "events": [], "cursor": head, "more": false, "connectionToken": conn }));
    assert_eq!(answer.header("etag"), Some(format!("\"{head}\"").as_str()));
    assert_eq!(answer.header("cache-control"), Some("no-store, private"));
    assert_eq!(answer.header("vary"), Some("accept, authorization, cookie"));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.header("preference-applied"), None);
}

#[tokio::test]
async fn an_answer_holds_events_with_their_cursors() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    tick(&server.handle, [7]);
    let head = server.handle.log().head().to_string();
    let answer = ask_as(&server, &conn, "GET", &format!("since={cursor}"), &[]).await;
    assert_eq!(
        answer.text,
        format!(
            "{{\"events\":[{{\"id\":\"{head}\",\"path\":\"notes\",\"event\":\"ticked\",\"data\":{{\"n\":7}}}}],\
             \"cursor\":\"{head}\",\"more\":false,\"connectionToken\":\"{conn}\"}}"
        )
    );
}

#[tokio::test]
async fn t1_every_client_gets_the_event_once() {
    let server = inside(app(), Realtime::new()).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        clients.push(first(&server).await);
    }
    tick(&server.handle, [1]);
    let head = server.handle.log().head().to_string();
    for (conn, cursor) in clients {
        let answer = poll_as(&server, &conn, &format!("since={cursor}")).await;
        assert_eq!((numbers(&answer), &answer["cursor"]), (vec![1], &json!(head)));
        let again = poll_as(&server, &conn, &format!("since={head}&wait=0")).await;
        assert_eq!((numbers(&again), &again["cursor"]), (vec![], &json!(head)));
    }
}

#[tokio::test]
async fn t2_a_client_that_comes_back_gets_what_it_missed_in_order() {
    let server = serve(app(), Realtime::new()).await;
    let handle = server.handle().clone();
    let start = handle.log().head();
    tick(&handle, 1..=1_000);
    let (mut cursor, mut seen, mut answers) = (start.to_string(), Vec::new(), 0);
    let mut conn = String::from("unknown");
    loop {
        let path = format!("/realtime?since={cursor}&limit=300");
        let answer = ask(&server, "GET", &path, &[(CONNECTION_TOKEN, &conn)]).await.json();
        assert!(answer["reset"].is_null());
        seen.extend(numbers(&answer));
        (cursor, conn) = (text(&answer, "cursor"), text(&answer, "connectionToken"));
        answers += 1;
        if answer["more"] == false {
            break;
        }
    }
    assert_eq!((seen, answers), ((1..=1_000).collect(), 4));
    assert_eq!((cursor, handle.connections()), (handle.log().head().to_string(), 1));
}

#[tokio::test]
async fn t3_when_more_was_missed_than_is_kept_there_is_one_reset_and_then_live_events() {
    let mut app = app();
    app.retention(kept(10));
    let server = inside(app, Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    tick(&server.handle, 1..=50);
    let head = server.handle.log().head().to_string();
    for conn in [&*conn, ""] {
        let answer = poll_as(&server, conn, &format!("since={cursor}")).await;
        assert_eq!((numbers(&answer), &answer["cursor"], &answer["more"]), (vec![], &json!(head), &json!(false)));
        let reset = &answer["reset"];
        assert_eq!(reset["cursor"], json!(head));
        // A session that exists was too slow; a new one asks for events that are gone.
        assert!(["lagged", "trimmed"].contains(&reset["reason"].as_str().unwrap()) && reset["oldest"].is_string());
    }
    tick(&server.handle, [51]);
    let answer = poll_as(&server, &conn, &format!("since={head}")).await;
    assert_eq!((numbers(&answer), &answer["reset"]), (vec![51], &Value::Null));
}

#[tokio::test]
async fn t4_after_a_restart_the_old_cursor_is_a_reset() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    let server = inside(app(), Realtime::new()).await;
    let answer = poll_as(&server, &conn, &format!("since={cursor}")).await;
    assert_eq!((&answer["reset"]["reason"], numbers(&answer)), (&json!("epoch"), vec![]));
    assert_ne!(answer["connectionToken"], json!(conn));
    let future = format!("{}-99", server.handle.log().head().epoch());
    let answer = poll(&server, &format!("since={future}")).await;
    assert_eq!(answer["reset"]["reason"], json!("future"));
}

#[tokio::test]
async fn t5_a_channel_that_was_left_meanwhile_is_not_replayed() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    tick(&server.handle, 1..=3);
    server
        .handle
        .channel("everybody")
        .leave(&server.handle.connection(&conn, &Headers::default()).await.unwrap().unwrap());
    let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=0")).await;
    assert_eq!(numbers(&answer), Vec::<u64>::new());
    assert_eq!(answer["cursor"], json!(server.handle.log().head().to_string()));
}

#[tokio::test(start_paused = true)]
async fn t6_an_idle_client_stays_resumable_while_other_events_pass() {
    let mut app = app();
    app.retention(kept(10));
    let server = inside(app, Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    pass(&server.handle, 100);
    let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=5")).await;
    let head = server.handle.log().head().to_string();
    assert_eq!((&answer["cursor"], &answer["reset"]), (&json!(head), &Value::Null));
    // Others pass while it waits, and while it does not.
    let waiting = held(&server, &conn, format!("since={head}&wait=5")).await;
    pass(&server.handle, 100);
    let answer = waiting.await.unwrap();
    pass(&server.handle, 100);
    tick(&server.handle, [1]);
    let cursor = text(&answer, "cursor");
    let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=5")).await;
    assert_eq!((numbers(&answer), &answer["reset"]), (vec![1], &Value::Null));
}

#[tokio::test(start_paused = true)]
async fn t11_long_poll_answers_in_one_round_trip() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    tick(&server.handle, [1]);
    let started = Instant::now();
    let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=30")).await;
    assert_eq!((started.elapsed(), numbers(&answer)), (Duration::ZERO, vec![1]));
}

#[tokio::test(start_paused = true)]
async fn t11_a_poll_without_events_waits_between_nine_tenths_of_the_time_and_all_of_it() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, mut cursor) = first(&server).await;
    let mut waits = Vec::new();
    for (wait, longest) in [("wait=10", 10), ("wait=99999", 60), ("", 30), ("wait=10", 10), ("wait=10", 10)] {
        pass(&server.handle, 1);
        let started = Instant::now();
        let answer = poll_as(&server, &conn, &format!("since={cursor}&{wait}")).await;
        let (waited, longest) = (started.elapsed(), Duration::from_secs(longest));
        assert!(waited >= longest.mul_f64(0.9) && waited <= longest + Duration::from_millis(2), "{wait}: {waited:?}");
        assert_eq!(answer["events"], json!([]));
        assert_ne!(text(&answer, "cursor"), cursor);
        cursor = text(&answer, "cursor");
        waits.push(waited);
    }
    assert!(waits[0] != waits[3] || waits[3] != waits[4], "the time is jittered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t11_an_event_between_reading_and_waiting_is_not_left_for_the_next_poll() {
    let server = inside(app(), Realtime::new().collect(Duration::ZERO)).await;
    let (conn, mut cursor) = first(&server).await;
    for n in 0..2_000 {
        let handle = server.handle.clone();
        let publisher = tokio::spawn(async move {
            for _ in 0..n % 7 {
                tokio::task::yield_now().await;
            }
            tick(&handle, [n]);
        });
        let query = format!("since={cursor}&wait=60");
        let answer = tokio::time::timeout(Duration::from_secs(20), poll_as(&server, &conn, &query))
            .await
            .expect("an event was overlooked");
        assert_eq!(numbers(&answer), [n]);
        cursor = text(&answer, "cursor");
        publisher.await.unwrap();
    }
}

#[tokio::test]
async fn t12_an_answer_that_is_lost_is_given_again() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    tick(&server.handle, 1..=5);
    let query = format!("since={cursor}");
    let lost = poll_as(&server, &conn, &query).await;
    assert_eq!(numbers(&lost), [1, 2, 3, 4, 5]);
    assert_eq!(poll_as(&server, &conn, &query).await, lost);
    tick(&server.handle, [6]);
    assert_eq!(numbers(&poll_as(&server, &conn, &query).await), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn t12_a_second_poll_of_a_session_ends_the_first_at_once() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    let query = format!("since={cursor}&wait=30");
    let older = held(&server, &conn, query.clone()).await;
    let started = Instant::now();
    let newer = held(&server, &conn, query).await;
    let answer = older.await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(answer, json!({ "events": [], "cursor": cursor, "more": false, "connectionToken": conn }));
    tick(&server.handle, [1]);
    assert_eq!(numbers(&newer.await.unwrap()), [1]);
    assert_eq!(server.handle.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_parallel_polls_of_one_session_are_all_answered_and_nothing_is_lost() {
    let server = serve(app(), Realtime::new()).await;
    let handle = server.handle().clone();
    let answer = ask(&server, "GET", "/realtime", &[]).await.json();
    let (conn, cursor) = (text(&answer, "connectionToken"), text(&answer, "cursor"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/realtime?since={cursor}&wait=60", server.url());
    let polls: Vec<_> = (0..1_000)
        .map(|_| {
            let request = client.get(&url).header(CONNECTION_TOKEN, &conn);
            tokio::spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() })
        })
        .collect();
    let (mut empty, mut full) = (0, 0);
    let mut polls = polls.into_iter().collect::<futures_util::stream::FuturesUnordered<_>>();
    while let Some(answer) = futures_util::StreamExt::next(&mut polls).await {
        let answer = answer.unwrap();
        assert_eq!((&answer["connectionToken"], &answer["reset"]), (&json!(conn), &Value::Null));
        match &numbers(&answer)[..] {
            [] => empty += 1,
            [1] => full += 1,
            other => panic!("{other:?}"),
        }
        if empty == 999 && full == 0 {
            tick(&handle, [1]);
        }
    }
    assert_eq!((empty, full, handle.connections()), (999, 1, 1));
}

#[tokio::test]
async fn t13_a_short_poll_without_news_is_a_304_and_keeps_nothing() {
    let server = inside(app(), Realtime::new()).await;
    tick(&server.handle, [1]);
    let head = server.handle.log().head().to_string();
    let tag = format!("\"{head}\"");
    let ask = async |conn: &str| {
        let headers = [("if-none-match", tag.as_str()), (CONNECTION_TOKEN, conn)];
        server.send("GET", "/realtime?wait=0", &headers, "").await
    };
    let answer = ask("").await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""));
    assert_eq!((answer.header("etag"), answer.header("retry-after")), (Some(tag.as_str()), Some("3")));
    assert_eq!(server.handle.connections(), 0);
    // The end of the session is news, and so is a cursor that is not the head.
    assert_eq!(ask("gone").await.status, 200);
    let (conn, _) = first(&server).await;
    assert_eq!(ask(&conn).await.status, 304);
    pass(&server.handle, 1);
    let answer = ask(&conn).await;
    let (cursor, events) = (text(&answer.json(), "cursor"), numbers(&answer.json()));
    assert_eq!((answer.status.as_u16(), cursor, events), (200, server.handle.log().head().to_string(), vec![]));
    assert_eq!(answer.json()["retryAfterMs"], 3_000);
}

#[tokio::test]
async fn a_short_poll_that_is_not_conditional_is_a_200() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=0")).await;
    let expected =
        json!({ "events": [], "cursor": cursor, "more": false, "connectionToken": conn, "retryAfterMs": 3_000 });
    assert_eq!(answer, expected);
    tick(&server.handle, 1..=3);
    let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=0&limit=2")).await;
    assert_eq!((numbers(&answer), &answer["more"], &answer["retryAfterMs"]), (vec![1, 2], &json!(true), &json!(0)));
}

#[tokio::test]
async fn the_header_beats_the_query_which_beats_the_validator() {
    let server = inside(app(), Realtime::new()).await;
    tick(&server.handle, 1..=3);
    let at = |seq: u64| format!("{}-{seq}", server.handle.log().head().epoch());
    let (one, two) = (at(1), format!("\"{}\"", at(2)));
    let ask = async |query: &str, headers: &[(&str, &str)]| {
        numbers(&server.send("GET", &format!("/realtime?wait=0{query}"), headers, "").await.json())
    };
    for word in ["since", "last_event_id", "lastEventId"] {
        let query = format!("&{word}={}", at(0));
        assert_eq!(ask(&query, &[]).await, [1, 2, 3]);
        assert_eq!(ask(&query, &[("if-none-match", two.as_str())]).await, [1, 2, 3]);
        assert_eq!(ask(&query, &[("last-event-id", one.as_str())]).await, [2, 3]);
    }
    assert_eq!(ask("", &[("if-none-match", two.as_str())]).await, [3]);
    assert_eq!(ask("&since=earliest", &[]).await, [1, 2, 3]);
    assert_eq!(ask("&since=now", &[]).await, Vec::<u64>::new());
}

#[tokio::test(start_paused = true)]
async fn a_preferred_time_to_wait_is_applied_and_said() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    let query = format!("since={cursor}");
    for (preference, applied, longest) in [("wait=5", "wait=5", 5), ("wait=500", "wait=60", 60)] {
        let started = Instant::now();
        let answer = ask_as(&server, &conn, "GET", &query, &[("prefer", preference)]).await;
        assert_eq!(answer.header("preference-applied"), Some(applied));
        assert!(started.elapsed() <= Duration::from_millis(longest * 1_000 + 2));
    }
    let started = Instant::now();
    let answer = ask_as(&server, &conn, "GET", &format!("{query}&wait=1"), &[("prefer", "wait=30")]).await;
    assert_eq!(answer.header("preference-applied"), None);
    assert!(started.elapsed() <= Duration::from_millis(1_002));
}

#[tokio::test]
async fn an_answer_ends_at_its_limit_or_its_size() {
    let server = inside(app(), Realtime::new().batch_bytes(10_000)).await;
    let (conn, cursor) = first(&server).await;
    let notes = server.handle.service("notes").unwrap();
    for n in 0..5 {
        notes.emit("ticked", json!({ "n": n, "text": "x".repeat(4_000) }));
    }
    let answer = poll_as(&server, &conn, &format!("since={cursor}")).await;
    assert_eq!((numbers(&answer), &answer["more"]), (vec![0, 1, 2], &json!(true)));
    let cursor = text(&answer, "cursor");
    let answer = poll_as(&server, &conn, &format!("since={cursor}&limit=2")).await;
    // Exactly the limit, and nothing more.
    assert_eq!((numbers(&answer), &answer["more"]), (vec![3, 4], &json!(false)));
    // One event always fits.
    notes.emit("ticked", json!({ "n": 5, "text": "x".repeat(40_000) }));
    let cursor = text(&answer, "cursor");
    assert_eq!(numbers(&poll_as(&server, &conn, &format!("since={cursor}")).await), [5]);
}

#[tokio::test]
async fn a_right_that_is_lost_counts_also_for_what_an_answer_had_no_room_for() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    tick(&server.handle, 1..=4);
    let answer = poll_as(&server, &conn, &format!("since={cursor}&limit=2")).await;
    assert_eq!((numbers(&answer), &answer["more"]), (vec![1, 2], &json!(true)));
    server.handle.channel("everybody").leave(&only_member(&server.handle));
    let cursor = text(&answer, "cursor");
    assert_eq!(numbers(&poll_as(&server, &conn, &format!("since={cursor}&wait=0")).await), Vec::<u64>::new());
}

#[tokio::test(start_paused = true)]
async fn a_waiting_poll_collects_what_comes_with_the_first_event() {
    let server = inside(app(), Realtime::new().collect(Duration::from_millis(20))).await;
    let (conn, cursor) = first(&server).await;
    let waiting = held(&server, &conn, format!("since={cursor}&wait=30")).await;
    let started = Instant::now();
    tick(&server.handle, [1]);
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_millis(10)).await;
    tick(&server.handle, [2]);
    let answer = waiting.await.unwrap();
    assert_eq!(numbers(&answer), [1, 2]);
    assert!(started.elapsed() <= Duration::from_millis(22), "{:?}", started.elapsed());
}

#[tokio::test]
async fn bad_words_are_refused_by_name() {
    let server = inside(app(), Realtime::new()).await;
    for (query, headers, message) in [
        ("since=rubbish", [].as_slice(), "'since' is a malformed cursor"),
        ("last_event_id=x&since=earliest", &[], "'last_event_id' is a malformed cursor"),
        ("lastEventID=now-", &[], "'lastEventID' is a malformed cursor"),
        ("Last-Event-ID=17", &[], "'Last-Event-ID' is a malformed cursor"),
        ("since=a&since=b", &[], "'since' must be one plain value"),
        ("", &[("last-event-id", "1:2")], "'Last-Event-ID' is a malformed cursor"),
        ("wait=soon", &[], "'wait' must be a whole number, not 'soon'"),
        ("wait=-1", &[], "'wait' must be a whole number, not '-1'"),
        ("limit=0", &[], "'limit' must be at least 1"),
    ] {
        let answer = server.send("GET", &format!("/realtime?{query}"), headers, "").await;
        let json = answer.json();
        assert_eq!((answer.status.as_u16(), &json["name"]), (400, &json!("BadRequest")), "{query}");
        assert_eq!(json["message"], message);
    }
    assert_eq!(server.handle.connections(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_stays_connected_between_its_polls_for_a_while() {
    let gone = Arc::new(AtomicU64::new(0));
    let (mut app, counter) = (app(), gone.clone());
    app.on_disconnect(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let server = inside(app, Realtime::new().session_timeout(Duration::from_secs(30))).await;
    let (conn, mut cursor) = first(&server).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(29)).await;
        let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=60")).await;
        assert_eq!(answer["connectionToken"], json!(conn));
        cursor = text(&answer, "cursor");
    }
    assert_eq!((server.handle.connections(), gone.load(Ordering::SeqCst)), (1, 0));
    let idle = Instant::now();
    while server.handle.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(idle.elapsed() < Duration::from_secs(40));
    }
    assert!(idle.elapsed() >= Duration::from_secs(30));
    assert_eq!(
        (gone.load(Ordering::SeqCst), server.handle.connection(&conn, &Headers::default()).await.unwrap()),
        (1, None)
    );
    // It comes back, and nothing was missed.
    tick(&server.handle, [1]);
    let answer = poll_as(&server, &conn, &format!("since={cursor}")).await;
    assert_eq!(numbers(&answer), [1]);
    assert_ne!(answer["connectionToken"], json!(conn));
}

#[tokio::test]
async fn a_client_that_goes_while_it_waits_leaves_its_session_to_linger() {
    let server = serve(app(), Realtime::new().session_timeout(Duration::from_millis(20))).await;
    let handle = server.handle().clone();
    let answer = ask(&server, "GET", "/realtime", &[]).await.json();
    let (conn, cursor) = (text(&answer, "connectionToken"), text(&answer, "cursor"));
    let path = format!("/realtime?since={cursor}&wait=60");
    {
        let headers = [(CONNECTION_TOKEN, &*conn)];
        let mut poll = std::pin::pin!(ask(&server, "GET", &path, &headers));
        let sent = tokio::time::timeout(Duration::from_millis(200), poll.as_mut()).await;
        assert!(sent.is_err());
        assert_eq!(handle.connections(), 1, "a poll that waits keeps the session");
    }
    until_connections(&handle, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_is_ended_by_the_client_or_by_the_server() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    let waiting = held(&server, &conn, format!("since={cursor}&wait=30")).await;
    let started = Instant::now();
    let answer = ask_as(&server, &conn, "DELETE", "", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let last = waiting.await.unwrap();
    assert_eq!((started.elapsed(), &last["cursor"], numbers(&last)), (Duration::ZERO, &json!(cursor), vec![]));
    assert_eq!(server.handle.connections(), 0);
    assert_eq!(ask_as(&server, &conn, "DELETE", "", &[]).await.status, 404);
    assert_eq!(server.send("DELETE", "/realtime", &[], "").await.status, 400);

    let (conn, cursor) = first(&server).await;
    let waiting = held(&server, &conn, format!("since={cursor}&wait=30")).await;
    only_member(&server.handle).disconnect();
    assert_eq!(numbers(&waiting.await.unwrap()), Vec::<u64>::new());
    let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=0")).await;
    assert_ne!(answer["connectionToken"], json!(conn));
    let header = server.send("DELETE", "/realtime", &[(CONNECTION_TOKEN, &text(&answer, "connectionToken"))], "").await;
    assert_eq!(header.status, 204);
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_session_is_over_learns_of_the_new_one_soon() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    only_member(&server.handle).disconnect();
    let started = Instant::now();
    let answer = poll_as(&server, &conn, &format!("since={cursor}&wait=30")).await;
    assert_ne!(answer["connectionToken"], json!(conn));
    assert!(started.elapsed() <= Duration::from_secs(1), "{:?}", started.elapsed());

    let (conn, cursor) = (text(&answer, "connectionToken"), text(&answer, "cursor"));
    let started = Instant::now();
    poll_as(&server, &conn, &format!("since={cursor}&wait=30")).await;
    assert!(started.elapsed() >= Duration::from_secs(27), "{:?}", started.elapsed());
}

#[tokio::test]
async fn there_are_only_so_many_sessions() {
    let server = inside(app(), Realtime::new().max_sessions(2)).await;
    let (conn, cursor) = first(&server).await;
    first(&server).await;
    let answer: Answer = server.get("/realtime").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("2")));
    assert_eq!(answer.json()["name"], "Unavailable");
    // The other session goes on, and room that becomes free is given to a new one.
    poll_as(&server, &conn, &format!("since={cursor}&wait=0")).await;
    ask_as(&server, &conn, "DELETE", "", &[]).await;
    first(&server).await;
}

#[tokio::test]
async fn a_stopping_server_answers_polls_that_wait_and_takes_no_new_ones() {
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    let waiting = held(&server, &conn, format!("since={cursor}&wait=60")).await;
    server.handle.shutdown(Duration::from_secs(10)).await.unwrap();
    let answer = waiting.await.unwrap();
    assert_eq!((numbers(&answer), &answer["cursor"]), (vec![], &json!(cursor)));
    assert_eq!(server.handle.connections(), 0);
    let answer = server.get("/realtime").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("2")));
}

#[tokio::test]
async fn the_session_is_found_by_its_header_and_rest_calls_are_made_on_it() {
    let mut app = App::new();
    notes(&mut app, "notes").publish(|_, app| app.channel("joined"));
    // Logging in would do the same: a call changes what its connection gets.
    app.after(Method::Create, async |ctx: &mut feathers_core::Context| {
        if let Some(connection) = &ctx.params.connection {
            ctx.app().channel("joined").join(connection);
        }
        Ok(())
    });
    let server = inside(app, Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    let headers = [(CONNECTION_TOKEN, conn.as_str()), ("content-type", "application/json")];
    tick(&server.handle, [1]);
    assert_eq!(server.send("POST", "/notes", &headers, r#"{"n":2}"#).await.status, 201);
    tick(&server.handle, [3]);
    let answer = server.send("GET", &format!("/realtime?since={cursor}"), &headers, "").await.json();
    assert_eq!((&answer["connectionToken"], numbers(&answer)), (&json!(conn), vec![2, 3]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_5000_events_reaches_10_pollers_50000_times() {
    let server = Server::new(app()).bind("127.0.0.1:0").start().await.unwrap();
    let handle = server.handle().clone();
    let mut readers = Vec::new();
    for _ in 0..10 {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/realtime", server.url());
        let mut answer: Value = client.get(&url).send().await.unwrap().json().await.unwrap();
        readers.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while seen.len() < 5_000 {
                let request = client.get(&url).header(CONNECTION_TOKEN, text(&answer, "connectionToken"));
                answer =
                    request.query(&[("since", text(&answer, "cursor"))]).send().await.unwrap().json().await.unwrap();
                assert!(answer["reset"].is_null());
                seen.extend(numbers(&answer));
            }
            seen
        }));
    }
    tick(&handle, 0..5_000);
    let mut arrived = 0;
    for reader in readers {
        let seen = reader.await.unwrap();
        assert_eq!(seen, (0..5_000).collect::<Vec<_>>());
        arrived += seen.len();
    }
    assert_eq!(arrived, 50_000);
}

#[tokio::test]
async fn an_event_that_cannot_be_written_does_not_stop_the_others() {
    struct Unwritable;
    impl serde::Serialize for Unwritable {
        fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    let server = inside(app(), Realtime::new()).await;
    let (conn, cursor) = first(&server).await;
    tick(&server.handle, [1]);
    server.handle.service("notes").unwrap().emit("ticked", Payload::new(Unwritable));
    tick(&server.handle, [3]);
    let answer = poll_as(&server, &conn, &format!("since={cursor}")).await;
    assert_eq!((numbers(&answer), &answer["cursor"]), (vec![1, 3], &json!(server.handle.log().head().to_string())));
}
