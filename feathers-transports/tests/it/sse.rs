//! Server-sent events, by the sentences of the design and by what real readers need.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use feathers_core::{App, AppHandle, Context, Headers, Id, Payload, Result};
use feathers_testing::sse::{Block, Events};
use feathers_transports::{Cors, Realtime, Running, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::realtime_support::{
    NASTY, PATIENCE, app, ask, inside, kept, listen, notes, only_member, pass, retry_of, serve, tick, until_connections,
};

#[tokio::test]
async fn a_stream_begins_with_retry_and_ready_under_headers_that_proxies_respect() {
    let server = inside(app(), Realtime::new()).await;
    let response = server.request("GET", "/realtime", &[("accept", "text/event-stream")], "").await;
    assert_eq!(response.status, 200);
    assert_eq!(response.headers["content-type"], "text/event-stream");
    assert_eq!(response.headers["cache-control"], "no-cache, no-transform");
    assert_eq!(response.headers["x-accel-buffering"], "no");
    assert!(!response.headers.contains_key("content-length"));
    let mut events = response.events();
    let chunk = events.chunk().await.unwrap();
    let head = server.handle.log().head();
    let text = std::str::from_utf8(&chunk).unwrap();
    let conn = text.split("\"connectionToken\":\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(
        (conn.len(), server.handle.connection(conn, &Headers::default()).await.unwrap()),
        (32, Some(only_member(&server.handle)))
    );
    assert_eq!(
        text,
        format!(
            "retry: 2000\nevent: ready\nid: {head}\ndata: {{\"path\":\"realtime\",\"event\":\"connected\",\
             \"data\":{{\"connectionToken\":\"{conn}\",\"cursor\":\"{head}\",\"recovered\":false}}}}\n\n"
        )
    );
    tick(&server.handle, [1]);
    let id = server.handle.log().head();
    let block = format!("id: {id}\ndata: {{\"path\":\"notes\",\"event\":\"ticked\",\"data\":{{\"n\":1}}}}\n\n");
    assert_eq!(events.chunk().await.unwrap(), block.as_bytes());
}

#[tokio::test]
async fn t1_every_member_gets_the_event_once_with_the_same_bytes() {
    let server = inside(app(), Realtime::new()).await;
    let mut readers: Vec<Events> = Vec::new();
    for _ in 0..10 {
        let mut reader = server.sse("").await;
        reader.chunk().await.unwrap();
        readers.push(reader);
    }
    tick(&server.handle, [1]);
    let mut chunks: Vec<Bytes> = Vec::new();
    for reader in &mut readers {
        chunks.push(reader.chunk().await.unwrap());
    }
    // The same bytes in memory: the event was encoded once.
    assert!(chunks.iter().all(|chunk| chunk.as_ptr() == chunks[0].as_ptr()));
    assert_eq!(chunks[0].windows(4).filter(|bytes| bytes == b"data").count(), 2);
}

#[tokio::test]
async fn several_waiting_events_go_out_in_one_write_up_to_a_bound() {
    let server = inside(app(), Realtime::new()).await;
    let mut events = server.sse("").await;
    events.ready().await;
    tick(&server.handle, 1..=100);
    let chunk = events.chunk().await.unwrap();
    assert_eq!(chunk.windows(4).filter(|bytes| bytes == b"id: ").count(), 100);
    let notes = server.handle.service("notes").unwrap();
    for _ in 0..20 {
        notes.emit("ticked", json!({ "text": "x".repeat(10_000) }));
    }
    let (first, second, third) =
        (events.chunk().await.unwrap(), events.chunk().await.unwrap(), events.chunk().await.unwrap());
    assert!(first.len() < 80_000 && second.len() < 80_000 && third.len() < 80_000);
    assert!(first.len() + second.len() + third.len() > 200_000);
}

#[tokio::test]
async fn t2_a_client_that_comes_back_gets_what_it_missed_in_order_before_anything_newer() {
    let server = serve(app(), Realtime::new()).await;
    let handle = server.handle().clone();
    let mut events = listen(&server, "", &[]).await;
    assert_eq!(events.ready().await["recovered"], false);
    tick(&handle, [1]);
    assert_eq!(events.numbers(1).await, [1]);
    let last = events.last_id.clone();
    drop(events);
    until_connections(&handle, 0).await;
    tick(&handle, 2..=1_000);
    let mut events = listen(&server, "", &[("last-event-id", &last)]).await;
    assert_eq!(events.ready().await["recovered"], true);
    tick(&handle, [1_001]);
    assert_eq!(events.numbers(1_000).await, (2..=1_001).collect::<Vec<_>>());
}

#[tokio::test]
async fn t3_when_more_was_missed_than_is_kept_there_is_one_reset_and_then_live_events() {
    let mut app = app();
    app.retention(kept(10));
    let server = serve(app, Realtime::new()).await;
    let handle = server.handle().clone();
    let start = handle.log().head();
    tick(&handle, 1..=50);
    let mut events = listen(&server, &format!("?since={start}"), &[]).await;
    let ready = events.ready().await;
    let head = handle.log().head().to_string();
    assert_eq!((&ready["recovered"], &ready["cursor"]), (&json!(false), &json!(head)));
    // A client that is cut off here comes back with its old cursor and gets the reset again.
    assert_eq!(events.last_id, "");
    tick(&handle, [51]);
    let reset = events.next().await.unwrap();
    assert_eq!((reset.kind(), reset.id.as_ref()), ("reset", Some(&head)));
    let oldest = reset.json()["data"]["oldest"].clone();
    assert!(oldest.is_string());
    let data = json!({ "reason": "trimmed", "cursor": head, "oldest": oldest });
    assert_eq!(reset.json(), json!({ "path": "realtime", "event": "reset", "data": data }));
    assert_eq!(events.numbers(1).await, [51]);
}

#[tokio::test]
async fn t4_after_a_restart_the_old_cursor_is_a_reset() {
    let server = serve(app(), Realtime::new()).await;
    let mut events = listen(&server, "", &[]).await;
    events.ready().await;
    let (address, last) = (server.addr(), events.last_id.clone());
    server.stop().await.unwrap();
    assert_eq!(events.next().await, None);
    let listener = tokio::net::TcpListener::bind(address).await.unwrap();
    let server = crate::realtime_support::serve_at(app(), listener).await;
    let mut events = listen(&server, "", &[("last-event-id", &last)]).await;
    events.ready().await;
    let reset = events.next().await.unwrap();
    assert_eq!((reset.kind(), &reset.json()["data"]["reason"]), ("reset", &json!("epoch")));
    tick(server.handle(), [1]);
    assert_eq!(events.numbers(1).await, [1]);
}

#[tokio::test]
async fn a_cursor_that_cannot_be_used_is_a_reset_and_never_an_error() {
    let server = inside(app(), Realtime::new()).await;
    let future = format!("{}-99", server.handle.log().head().epoch());
    for (since, reason) in [
        ("rubbish", "bad-cursor"),
        ("%00%0a%0adata:x", "bad-cursor"),
        ("a&since=b", "bad-cursor"),
        (&"9".repeat(5_000), "bad-cursor"),
        (&future, "future"),
        ("AAAAAAAA-0", "epoch"),
    ] {
        let mut events = server.sse(&format!("&since={since}")).await;
        events.ready().await;
        let reset = events.next().await.unwrap();
        assert_eq!((reset.kind(), &reset.json()["data"]["reason"]), ("reset", &json!(reason)), "{since}");
        tick(&server.handle, [1]);
        assert_eq!(events.numbers(1).await, [1]);
    }
}

#[tokio::test]
async fn t5_a_channel_that_is_not_joined_again_is_not_replayed() {
    let mut app = App::new();
    notes(&mut app, "notes").publish(|_, app| app.channel("everybody"));
    app.on_connect(|connection, app| {
        if connection.query().contains_key("join") {
            app.channel("everybody").join(connection);
        }
    });
    let server = inside(app, Realtime::new()).await;
    let mut events = server.sse("&join=1").await;
    events.ready().await;
    let cursor = events.last_id.clone();
    let connection = only_member(&server.handle);
    tick(&server.handle, [1]);
    // It leaves before the event is sent, so it does not get it.
    server.handle.channel("everybody").leave(&connection);
    server.handle.channel("everybody").join(&connection);
    tick(&server.handle, [2]);
    assert_eq!(events.numbers(1).await, [2]);
    drop(events);

    let mut events = server.sse(&format!("&since={cursor}")).await;
    let ready = events.ready().await;
    assert_eq!(ready["recovered"], true);
    let conn = ready["connectionToken"].as_str().unwrap();
    server
        .handle
        .channel("everybody")
        .join(&server.handle.connection(conn, &Headers::default()).await.unwrap().unwrap());
    tick(&server.handle, [3]);
    assert_eq!(events.numbers(1).await, [3]);
}

#[tokio::test]
async fn t6_an_idle_client_stays_resumable_while_other_events_pass() {
    let mut app = app();
    app.retention(kept(10));
    let server = serve(app, Realtime::new().heartbeat_interval(Duration::from_millis(20))).await;
    let handle = server.handle().clone();
    let mut events = listen(&server, "", &[]).await;
    events.ready().await;
    pass(&handle, 100);
    let head = handle.log().head().to_string();
    while events.last_id != head {
        let block = events.next().await.unwrap();
        assert_eq!((block.kind(), block.data.as_deref()), ("hb", Some("{}")));
    }
    drop(events);
    tick(&handle, [1]);
    let mut events = listen(&server, "", &[("last-event-id", &head)]).await;
    assert_eq!(events.ready().await["recovered"], true);
    assert_eq!(events.numbers(1).await, [1]);
}

/// Events of one kilobyte, so that sockets are full soon.
fn fill(handle: &AppHandle, numbers: std::ops::Range<u64>) {
    let notes = handle.service("notes").unwrap();
    let text = "x".repeat(1_000);
    for n in numbers {
        notes.emit("ticked", json!({ "n": n, "text": text }));
    }
}

#[tokio::test]
async fn t7_a_client_that_stops_reading_delays_nobody_and_is_told_what_it_has_lost() {
    const EVENTS: u64 = 30_000;
    let mut app = app();
    app.retention(kept(1_000));
    let server = serve(app, Realtime::new()).await;
    let handle = server.handle().clone();
    let mut stopped = TcpStream::connect(server.addr()).await.unwrap();
    stopped.write_all(b"GET /realtime?transport=sse HTTP/1.0\r\nhost: a\r\n\r\n").await.unwrap();
    until_connections(&handle, 1).await;
    let mut reader = listen(&server, "", &[]).await;
    reader.ready().await;
    for start in (0..EVENTS).step_by(500) {
        fill(&handle, start..start + 500);
        assert_eq!(reader.numbers(500).await, (start..start + 500).collect::<Vec<_>>());
    }

    // The client wakes, and reads until it has caught up.
    let (mut text, mut seen, mut resets) = (Vec::new(), Vec::new(), Vec::new());
    while seen.last() != Some(&EVENTS) {
        let read = tokio::time::timeout(PATIENCE, stopped.read_buf(&mut text)).await.unwrap().unwrap();
        assert!(read > 0);
        while let Some(end) = text.windows(2).position(|bytes| bytes == b"\n\n") {
            let block = String::from_utf8(text.drain(..end + 2).collect()).unwrap();
            let block = block.trim_end().rsplit_once("\r\n").map_or(block.trim_end(), |(_, block)| block);
            let block = Block::parse(block.trim());
            match block.kind() {
                "reset" => {
                    resets.push((seen.len(), block.json()["data"]["reason"].clone()));
                    tick(&handle, [EVENTS]);
                }
                "message" if block.data.is_some() => seen.push(block.n()),
                _ => {}
            }
        }
    }
    let [(before, reason)] = &resets[..] else { panic!("{resets:?}") };
    assert_eq!(reason, "lagged");
    // No gap before the reset and none after it: all missing events are covered by the reset.
    let (early, late) = seen.split_at(*before);
    let newest: Vec<_> = (late[0]..=EVENTS).collect();
    assert_eq!((early, late), (&(0..early.len() as u64).collect::<Vec<_>>()[..], &newest[..]));
    assert!(early.len() < 25_000, "what a stopped client has not read must not be kept for it: {}", early.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t8_a_list_and_the_events_after_its_cursor_are_the_final_state() {
    const RECORDS: u64 = 3;
    let server = inside(app(), Realtime::new()).await;
    let notes = server.handle.service("notes").unwrap();
    for n in 0..RECORDS {
        notes.create(json!({ "n": n }), ()).await.unwrap();
    }
    for run in 0..1_000_u64 {
        let writer = {
            let notes = notes.clone();
            tokio::spawn(async move {
                for step in 0..8 {
                    let id = i64::try_from((run + step) % RECORDS + 1).unwrap();
                    notes.patch(Id::from(id), json!({ "n": run * 100 + step }), ()).await.unwrap();
                    if run % 3 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
            })
        };
        for _ in 0..run % 4 {
            tokio::task::yield_now().await;
        }
        let list = server.get("/notes").await;
        let cursor = list.header("event-cursor").unwrap().to_owned();
        let mut state = by_id(&list.json());
        let mut events = server.sse(&format!("&since={cursor}")).await;
        assert_eq!(events.ready().await["recovered"], true);
        writer.await.unwrap();
        notes.emit("finished", json!({}));
        loop {
            let event = events.next().await.unwrap().json();
            match event["event"].as_str().unwrap() {
                "finished" => break,
                "patched" => state.insert(event["data"]["id"].as_u64().unwrap(), event["data"].clone()),
                other => panic!("unexpected {other}"),
            };
        }
        assert_eq!(state, by_id(notes.find(()).await.unwrap().value().unwrap()), "run {run}");
    }
}

fn by_id(list: &Value) -> BTreeMap<u64, Value> {
    list.as_array().unwrap().iter().map(|one| (one["id"].as_u64().unwrap(), one.clone())).collect()
}

#[tokio::test]
async fn t9_ids_are_safe_for_cross_origin_headers_and_data_has_no_line_ends() {
    let server = inside(app(), Realtime::new()).await;
    let mut events = server.sse("").await;
    events.ready().await;
    let notes = server.handle.service("notes").unwrap();
    let text = "a\r\nid: evil\n\ndata: {\"path\":\"x\"}\u{2028}\0";
    notes.emit("ticked", json!({ "text": text }));
    notes.emit(NASTY, Payload::from_valid_json(Bytes::from_static(b"{\r\n\"n\":\n\n[\r1]}")));
    notes.emit("ticked", json!({ "n": 3 }));
    let chunk = events.chunk().await.unwrap();
    assert!(!chunk.contains(&b'\r') && !chunk.contains(&0));
    let blocks: Vec<_> = std::str::from_utf8(&chunk).unwrap().trim_end().split("\n\n").map(Block::parse).collect();
    assert_eq!(blocks.len(), 3);
    for block in &blocks {
        let id = block.id.as_ref().unwrap();
        assert!(id.len() < 128 && id.chars().all(|char| char.is_ascii_alphanumeric() || "._~-".contains(char)), "{id}");
    }
    assert_eq!(blocks[0].json()["data"]["text"], text);
    assert_eq!(blocks[1].json(), json!({ "path": "notes", "event": NASTY, "data": { "n": [1] } }));
    assert_eq!(blocks[2].n(), 3);
}

#[tokio::test]
async fn t9_when_there_are_too_many_streams_new_ones_are_told_to_try_again() {
    let server = inside(app(), Realtime::new().max_streams(1)).await;
    let mut first = server.sse("").await;
    first.ready().await;
    let answer = server.request("GET", "/realtime?transport=sse", &[], "").await.read_cut().await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert!((2_000..=6_000).contains(&retry_of(&answer)));
    assert_eq!(server.handle.connections(), 1);
    drop(first);
    server.sse("").await.ready().await;
}

#[tokio::test]
async fn t9_the_first_bytes_come_at_once_and_heartbeats_before_proxies_give_up() {
    tokio::time::pause();
    let server = inside(app(), Realtime::new()).await;
    let started = tokio::time::Instant::now();
    let mut events = server.sse("").await;
    events.ready().await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    for _ in 0..3 {
        let before = tokio::time::Instant::now();
        assert_eq!(events.next().await.unwrap().kind(), "hb");
        let silence = before.elapsed();
        assert!(silence >= Duration::from_secs(18) && silence <= Duration::from_millis(20_002), "{silence:?}");
    }
}

#[tokio::test]
async fn t10_the_newer_of_header_and_query_counts_and_all_words_are_understood() {
    let server = serve(app(), Realtime::new()).await;
    let handle = server.handle().clone();
    let start = handle.log().head().to_string();
    tick(&handle, [1, 2]);
    let one = format!("{}-1", handle.log().head().epoch());
    for word in ["since", "last_event_id", "lastEventId", "lastEventID", "Last-Event-ID"] {
        let mut events = listen(&server, &format!("?{word}={start}"), &[]).await;
        events.ready().await;
        assert_eq!(events.numbers(2).await, [1, 2]);
        let mut events = listen(&server, &format!("?{word}={start}"), &[("last-event-id", &one)]).await;
        events.ready().await;
        assert_eq!(events.numbers(1).await, [2]);
        // A polyfill whose header is its first cursor.
        let mut events = listen(&server, &format!("?{word}={one}"), &[("last-event-id", &start)]).await;
        events.ready().await;
        assert_eq!(events.numbers(1).await, [2]);
        // A cursor of another log loses to one of this log; alone it is a reset.
        let mut events = listen(&server, &format!("?{word}=aaaaaaaa-9"), &[("last-event-id", &one)]).await;
        events.ready().await;
        assert_eq!(events.numbers(1).await, [2]);
        let mut events = listen(&server, &format!("?{word}=aaaaaaaa-9"), &[]).await;
        events.ready().await;
        assert_eq!(events.next().await.unwrap().json()["data"]["reason"], "epoch");
        // None.
        let mut events = listen(&server, &format!("?{word}="), &[]).await;
        assert_eq!(events.ready().await["recovered"], false);
    }
    // A URL that asks for everything counts for the first request only.
    let mut events = listen(&server, "?since=earliest", &[("last-event-id", &one)]).await;
    events.ready().await;
    assert_eq!(events.numbers(1).await, [2]);
    let mut events = listen(&server, "?since=earliest", &[]).await;
    events.ready().await;
    assert_eq!(events.numbers(2).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_5000_events_reaches_10_readers_50000_times() {
    let server = serve(app(), Realtime::new()).await;
    let handle = server.handle().clone();
    let mut readers = Vec::new();
    for _ in 0..10 {
        let mut events = listen(&server, "", &[]).await;
        events.ready().await;
        readers.push(tokio::spawn(async move { events.numbers(5_000).await }));
    }
    tick(&handle, 0..5_000);
    let mut arrived = 0;
    for reader in readers {
        let numbers = reader.await.unwrap();
        assert_eq!(numbers, (0..5_000).collect::<Vec<_>>());
        arrived += numbers.len();
    }
    assert_eq!(arrived, 50_000);
}

#[tokio::test]
async fn names_make_each_service_event_a_type_of_its_own() {
    let server = inside(app(), Realtime::new()).await;
    let mut events = server.sse("&names=1").await;
    events.ready().await;
    tick(&server.handle, [7]);
    let block = events.next().await.unwrap();
    assert_eq!((block.kind(), block.data.as_deref()), ("notes ticked", Some("{\"n\":7}")));
    assert_eq!(block.id, Some(server.handle.log().head().to_string()));
    let notes = server.handle.service("notes").unwrap();
    notes.emit(NASTY, Payload::from_valid_json(Bytes::from_static(b"[\n\n1]")));
    let block = events.next().await.unwrap();
    assert_eq!((block.kind(), block.data.as_deref()), ("notes adata: bid: c", Some("[  1]")));
}

#[tokio::test]
async fn a_stream_ends_after_its_lifetime_and_the_session_with_it() {
    tokio::time::pause();
    let server = inside(app(), Realtime::new().max_lifetime(Duration::from_mins(10))).await;
    let started = tokio::time::Instant::now();
    let mut events = server.sse("").await;
    events.ready().await;
    while let Some(block) = events.next().await {
        assert_eq!(block.kind(), "hb");
    }
    let lived = started.elapsed();
    // The last bytes have a moment for their way.
    assert!(lived >= Duration::from_mins(9) && lived <= Duration::from_millis(600_052), "{lived:?}");
    assert!(events.cut);
    drop(events);
    assert_eq!(server.handle.connections(), 0);
}

#[tokio::test]
async fn a_client_that_goes_ends_its_session() {
    let gone = Arc::new(AtomicU64::new(0));
    let mut app = app();
    let counter = gone.clone();
    app.on_disconnect(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let server = serve(app, Realtime::new()).await;
    let mut events = listen(&server, "", &[]).await;
    events.ready().await;
    assert_eq!(server.handle().connections(), 1);
    drop(events);
    until_connections(server.handle(), 0).await;
    assert_eq!(gone.load(Ordering::SeqCst), 1);
    assert!(server.handle().channel("everybody").is_empty());
}

#[tokio::test]
async fn the_server_ends_streams_when_it_stops_and_when_it_disconnects_a_client() {
    let server = serve(app(), Realtime::new()).await;
    let mut events = listen(&server, "", &[]).await;
    events.ready().await;
    only_member(server.handle()).disconnect();
    assert_eq!((events.next().await, events.cut), (None, true));
    until_connections(server.handle(), 0).await;

    let mut events = listen(&server, "", &[]).await;
    events.ready().await;
    let started = Instant::now();
    server.stop().await.unwrap();
    assert_eq!((events.next().await, events.cut), (None, true));
    assert!(started.elapsed() < Duration::from_secs(5));
}

/// Reads an answer over HTTP/1.1 to the end of its connection.
async fn until_closed(server: &Running, query: &str) -> JoinHandle<String> {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let request = format!("GET /realtime?transport=sse{query} HTTP/1.1\r\nhost: a\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::spawn(async move {
        let mut text = String::new();
        tokio::time::timeout(PATIENCE, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        text
    })
}

#[tokio::test]
async fn however_a_stream_ends_its_body_does_not() {
    const BYE: &str = "\r\n6\r\n: bye\n\r\n";
    let lifetime = Duration::from_millis(500);
    let server = serve(app(), Realtime::new().max_lifetime(lifetime).max_streams(1)).await;
    // Readers such as that of Feathers 6 and fetch-event-source take a final chunk of no bytes for the end.
    let check = |text: &str, last: &str| {
        assert!(text.contains("transfer-encoding: chunked\r\n"), "{text}");
        assert!(text.ends_with(last), "{text}");
    };
    check(&until_closed(&server, "").await.await.unwrap(), BYE);
    until_connections(server.handle(), 0).await;

    let reader = until_closed(&server, "").await;
    until_connections(server.handle(), 1).await;
    let busy = until_closed(&server, "").await.await.unwrap();
    check(&busy, "}}\n\n\r\n");
    assert!(busy.contains("\r\nretry: "), "{busy}");
    only_member(server.handle()).disconnect();
    check(&reader.await.unwrap(), BYE);
    until_connections(server.handle(), 0).await;

    let reader = until_closed(&server, "").await;
    until_connections(server.handle(), 1).await;
    server.stop().await.unwrap();
    check(&reader.await.unwrap(), BYE);
}

#[tokio::test]
async fn no_stream_begins_once_the_server_stops() {
    let server = inside(app(), Realtime::new()).await;
    server.handle.shutdown(Duration::from_secs(5)).await.unwrap();
    let answer = server.request("GET", "/realtime?transport=sse", &[], "").await.read_cut().await;
    assert!(retry_of(&answer) >= 2_000, "{answer:?}");
    assert_eq!(server.handle.connections(), 0);
}

/// Answers with the connection and the provider of the call.
async fn whose(ctx: &mut Context) -> Result<()> {
    let number = ctx.params.connection.as_ref().map(feathers_core::Connection::number);
    let provider = ctx.params.provider.map(feathers_core::Provider::name);
    ctx.result = Some(json!({ "connection": number, "provider": provider }).into());
    Ok(())
}

#[tokio::test]
async fn rest_calls_with_the_secret_are_calls_of_the_connection() {
    let mut app = app();
    app.before(feathers_core::Method::Find, whose);
    let server = serve(app, Realtime::new()).await;
    let mut events = listen(&server, "", &[]).await;
    let conn = events.ready().await["connectionToken"].as_str().unwrap().to_owned();
    let number = only_member(server.handle()).number();
    let call = async |secret: &str| ask(&server, "GET", "/notes", &[("x-connection-token", secret)]).await.json();
    assert_eq!(call(&conn).await, json!({ "connection": number, "provider": "rest" }));
    assert_eq!(call("0123").await, json!({ "connection": null, "provider": "rest" }));
    assert_eq!(call(&number.to_string()).await["connection"], Value::Null);
    drop(events);
    until_connections(server.handle(), 0).await;
    assert_eq!(call(&conn).await["connection"], Value::Null);
}

#[tokio::test]
async fn pages_of_other_origins_can_listen_if_cors_says_so() {
    let server = Server::new(app()).cors(Cors::any()).bind("127.0.0.1:0").start().await.unwrap();
    let response =
        crate::realtime_support::send(&server, "GET", "/realtime?transport=sse", &[("origin", "http://other.example")])
            .await;
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let answer = ask(&server, "GET", "/realtime?wait=0", &[("origin", "http://other.example")]).await;
    let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
    assert!(exposed.contains("etag") && exposed.contains("event-cursor"), "{exposed}");
}

#[tokio::test]
async fn a_stream_is_never_compressed() {
    let server = Server::new(app()).bind("127.0.0.1:0").start().await.unwrap();
    assert_eq!(server.transports().last(), Some(&"realtime"));
    let mut events = listen(&server, "", &[("accept-encoding", "gzip, br")]).await;
    events.ready().await;
    fill(server.handle(), 0..10);
    assert_eq!(events.numbers(10).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn other_methods_and_words_are_answered_clearly() {
    let server = inside(app(), Realtime::new().path("events/")).await;
    for (method, path, status, allow) in [
        ("POST", "/events", 405, Some("GET, DELETE")),
        ("HEAD", "/events", 405, Some("GET, DELETE")),
        ("OPTIONS", "/events", 204, Some("GET, DELETE")),
        ("POST", "/events/negotiate", 405, Some("GET")),
        ("GET", "/events?transport=pigeon", 400, None),
    ] {
        let answer = server.send(method, path, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (status, allow), "{method} {path}");
    }
    // A trailing slash makes no difference.
    assert_eq!(server.get("/events/?wait=0").await.json()["events"], json!([]));
    server.request("GET", "/events/?transport=sse", &[], "").await.events().ready().await;
    assert_eq!(server.get("/events/negotiate/").await.json()["maxWaitMs"], 60_000);
    let answer = server.get("/events?transport=pigeon").await;
    assert_eq!(answer.json()["message"], "'transport' must be 'sse' or 'poll', not 'pigeon'");
}

#[tokio::test]
async fn negotiation_says_what_there_is() {
    let server = inside(app(), Realtime::new().heartbeat_interval(Duration::from_secs(15))).await;
    let answer = server.get("/realtime/negotiate").await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, Some("no-store")));
    let offer = answer.json();
    let order: Vec<_> = offer["transports"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(order.ends_with(&["sse", "longpoll", "poll"]), "{order:?}");
    let (heartbeat, wait) = (&offer["heartbeatMs"], &offer["maxWaitMs"]);
    assert_eq!((heartbeat, wait), (&json!(15_000), &json!(60_000)));
    assert!(offer["time"].as_u64().unwrap() > 1_700_000_000_000);
}
