//! GRIP: signatures, holds of streams and polls, and what is published.

use std::time::{Duration, Instant};

use feathers_core::Session;
use feathers_transports::{Grip, GripProxy, Realtime};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::grip_support::{Control, SECRET, ask, get, grip, now, serve, serve_with, sign, signature, stream};
use crate::realtime_support::{app, only_member, pass, tick, until_connections};

const RS256: &str = include_str!("../data/grip-rs256.pub");
const RS256_PRIVATE: &[u8] = include_bytes!("../data/grip-rs256.key");
const ES256: &str = include_str!("../data/grip-es256.pub");
const ES256_PRIVATE: &[u8] = include_bytes!("../data/grip-es256.key");

/// The control endpoint of a proxy that does not run.
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn a_hold_is_given_to_signed_requests_only() {
    let secret = |text: &str| EncodingKey::from_secret(text.as_bytes());
    let rsa = EncodingKey::from_rsa_pem(RS256_PRIVATE).unwrap();
    let ec = EncodingKey::from_ec_pem(ES256_PRIVATE).unwrap();
    let good = json!({ "iss": "pushpin", "exp": now() + 3600 });
    let hs = |claims: &Value| sign(claims, Algorithm::HS256, &secret(SECRET));
    let code = "base64:YSBzZWNyZXQgb2YgdGhlIHByb3h5IGFuZCB0aGUgYXBwLCBsb25nIGVub3VnaA==";
    let none = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJwdXNocGluIiwiZXhwIjo5OTk5OTk5OTk5fQ.";
    for (name, key, signature, is_held) in [
        ("good", SECRET, hs(&good), true),
        ("base64", code, hs(&good), true),
        ("wrong key", SECRET, sign(&good, Algorithm::HS256, &secret("another secret")), false),
        ("other algorithm", SECRET, sign(&good, Algorithm::HS384, &secret(SECRET)), false),
        ("expired", SECRET, hs(&json!({ "iss": "pushpin", "exp": now() - 60 })), false),
        ("no exp", SECRET, hs(&json!({ "iss": "pushpin" })), false),
        ("no iss", SECRET, hs(&json!({ "exp": now() + 60 })), false),
        ("wrong iss", SECRET, hs(&json!({ "iss": "another", "exp": now() + 60 })), false),
        ("none", SECRET, none.to_owned(), false),
        ("rubbish", SECRET, "x".repeat(5_000), false),
        ("RS256", RS256, sign(&good, Algorithm::RS256, &rsa), true),
        ("RS256 in one line", &RS256.replace('\n', "\\n"), sign(&good, Algorithm::RS256, &rsa), true),
        ("ES256", ES256, sign(&good, Algorithm::ES256, &ec), true),
        ("the public key as a secret", RS256, sign(&good, Algorithm::HS256, &secret(RS256)), false),
        ("the other public key", RS256, sign(&good, Algorithm::ES256, &ec), false),
    ] {
        let proxy = GripProxy::new(NOWHERE).verify_iss("pushpin").verify_key(key);
        let server = serve_with(app(), Grip::new().proxy(proxy), Realtime::new().max_lifetime(Duration::ZERO)).await;
        let headers = [("accept", "text/event-stream"), ("grip-sig", signature.as_str())];
        let answer = ask(&server, "GET", "/realtime", &headers, b"").await;
        assert_eq!(answer.header("grip-hold"), is_held.then_some("stream"), "{name}");
        let any = answer.headers.keys().any(|header| header.as_str().starts_with("grip-"));
        assert_eq!(any, is_held, "{name}");
        server.stop().await.unwrap();
    }
}

#[tokio::test]
async fn headers_of_proxies_are_removed_before_the_app_reads_them() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let forged = [
        ("accept", "text/event-stream"),
        ("grip-last", "e-everybody; last-id=aaaaaaaa-1"),
        ("grip-feature", "x"),
        ("meta-feathers", "x"),
        ("meta-user", "root"),
        ("connection-id", "1"),
    ];
    let listening = crate::realtime_support::listen(&server, "", &forged[1..]).await;
    until_connections(server.handle(), 1).await;
    let connection = only_member(server.handle());
    for (name, _) in &forged[1..] {
        assert_eq!(connection.headers().value(name), None, "{name}");
    }
    drop(listening);
    until_connections(server.handle(), 0).await;
    let answer = get(&server, "/realtime", &forged).await;
    assert_eq!(answer.header("grip-hold"), Some("stream"));
    let connection = only_member(server.handle());
    for name in ["grip-sig", "grip-last", "grip-feature", "meta-user", "connection-id"] {
        assert_eq!(connection.headers().value(name), None, "{name}");
    }
}

#[tokio::test]
async fn where_a_proxy_is_required_others_get_a_501() {
    let server = serve(app(), grip(NOWHERE).proxy_required(true)).await;
    for path in ["/notes", "/realtime", "/nowhere"] {
        assert_eq!(ask(&server, "GET", path, &[("grip-sig", "x")], b"").await.status, 501, "{path}");
    }
    assert_eq!(get(&server, "/notes", &[]).await.status, 200);
    assert_eq!(ask(&server, "GET", "/health/live", &[], b"").await.status, 200);
}

#[tokio::test]
async fn a_stream_is_answered_at_once_with_what_there_is_and_how_to_hold_it() {
    let server = serve(app(), grip(NOWHERE)).await;
    tick(server.handle(), [1, 2]);
    let started = Instant::now();
    let answer = stream(&server, "?since=earliest").await;
    assert!(started.elapsed() < Duration::from_secs(1));
    let head = server.handle().log().head().to_string();
    assert_eq!(answer.header("grip-hold"), Some("stream"));
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.seat(), ("e-everybody".to_owned(), head.clone()));
    assert!(answer.own().starts_with("c-"));
    assert_eq!(answer.header("grip-keep-alive"), Some(":\\n; format=cstring; timeout=25; mode=idle"));
    let (link, seconds) = answer.link();
    assert!(link.starts_with("/realtime?grip=") && seconds == 20, "{link}");
    assert!(answer.text().starts_with("retry: 2000\nevent: ready\n"), "{}", answer.text());
    assert_eq!(answer.ids().len(), 2);

    // Events for others move the log on, and the client's cursor with it; events for the client come.
    pass(server.handle(), 3);
    let head = server.handle().log().head().to_string();
    let again = get(&server, &link, &[("grip-last", &format!("e-everybody; last-id={}", answer.seat().1))]).await;
    assert_eq!(again.text(), format!("event: hb\nid: {head}\ndata:{{}}\n\n"));
    assert_eq!(again.seat(), answer.seat());
    tick(server.handle(), [3]);
    let more = get(&server, &again.link().0, &[]).await;
    assert_eq!((more.ids().len(), more.seat().1), (1, server.handle().log().head().to_string()));
    // The proxy has sent that one already.
    let last = format!("e-everybody; last-id={}", more.seat().1);
    assert_eq!(get(&server, &again.link().0, &[("grip-last", &last)]).await.ids(), Vec::<String>::new());
    assert_eq!(server.handle().connections(), 1);
}

#[tokio::test]
async fn a_link_that_is_not_ours_or_of_a_session_that_is_over_ends_the_stream() {
    let server = serve(app(), grip(NOWHERE)).await;
    let answer = stream(&server, "").await;
    let (link, _) = answer.link();
    let forged = signature();
    for wrong in ["/realtime?grip=x".to_owned(), format!("{link}x"), format!("/realtime?grip={forged}")] {
        let ended = get(&server, &wrong, &[]).await;
        assert_eq!((ended.status, ended.text(), ended.header("grip-link")), (200, "", None), "{wrong}");
    }
    only_member(server.handle()).disconnect();
    let ended = get(&server, &link, &[]).await;
    assert_eq!((ended.status, ended.header("grip-hold"), ended.header("grip-link")), (200, None, None));
}

#[tokio::test]
async fn a_client_whose_channels_change_asks_again_before_anything_else_is_published() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let answer = stream(&server, "").await;
    let connection = only_member(server.handle());
    server.handle().channel("everybody").leave(&connection);
    tick(server.handle(), [1]);
    let mark = control.on("e-everybody", 1).await;
    let items = control.items();
    assert_eq!((&items[0]["channel"], items.len()), (&json!(answer.own()), 2), "{mark:?}");
    assert_eq!(items[0].get("id"), None);
    let again = get(&server, &answer.link().0, &[]).await;
    assert_eq!((&*again.seat().0, again.ids(), again.link().1), ("e-", Vec::<String>::new(), 1));
    assert_eq!(get(&server, &again.link().0, &[]).await.link().1, 20);
    // An end is a change as well.
    connection.disconnect();
    assert_eq!(control.on(&answer.own(), 2).await.len(), 2);
    assert_eq!(get(&server, &again.link().0, &[]).await.header("grip-link"), None);
}

#[tokio::test]
async fn a_long_poll_is_held_with_the_answer_that_it_gets_if_nothing_comes() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let first = get(&server, "/realtime", &[]).await;
    let text = |name: &str| first.json()[name].as_str().unwrap().to_owned();
    let (conn, cursor) = (text("connectionToken"), text("cursor"));
    assert_eq!(first.header("grip-hold"), None, "it is answered at once");
    pass(server.handle(), 2);
    let head = server.handle().log().head().to_string();
    let path = format!("/realtime?since={cursor}&wait=20");
    let token = ("x-connection-token", &*conn);
    let hold = get(&server, &path, &[token]).await;
    assert_eq!((hold.header("grip-hold"), hold.header("grip-timeout")), (Some("response"), Some("20")));
    assert_eq!(hold.header("grip-set-meta"), Some(format!("connection_token={conn}").as_str()));
    assert_eq!(hold.channels()[0].1, format!("prev-id={head}; filter=var-subst"));
    assert_eq!(hold.json(), json!({ "events": [], "cursor": head, "more": false, "connectionToken": conn }));
    tick(server.handle(), [1]);
    let items = control.on("e-everybody", 1).await;
    assert_eq!(items[0]["prev-id"], *head);
    // The proxy asks for a gap with the request of the client.
    let again = get(&server, &path, &[token, ("grip-last", &format!("e-everybody; last-id={head}"))]).await;
    assert_eq!((again.header("grip-hold"), again.json()["events"].as_array().unwrap().len()), (None, 1));
    let id = items[0]["id"].as_str().unwrap();
    let again = get(&server, &path, &[token, ("grip-last", &format!("e-everybody; last-id={id}"))]).await;
    assert_eq!(again.header("grip-hold"), Some("response"), "it has got that one");
    assert_eq!(server.handle().connections(), 1);
}

#[tokio::test]
async fn a_poll_that_waits_too_shortly_or_through_a_proxy_without_filters_waits_here() {
    let server = serve(app(), grip(NOWHERE)).await;
    let first = get(&server, "/realtime", &[]).await.json();
    let path = |wait: &str| format!("/realtime?since={}&wait={wait}", first["cursor"].as_str().unwrap());
    let token = ("x-connection-token", first["connectionToken"].as_str().unwrap());
    assert_eq!(get(&server, &path("1"), &[token]).await.header("grip-hold"), None);
    let signature = signature();
    let plain = [("grip-sig", signature.as_str()), ("grip-feature", "status, link:next"), token];
    let (app, path) = (server.handle().clone(), path("20"));
    let poll = ask(&server, "GET", &path, &plain, b"");
    let publish = async {
        tokio::task::yield_now().await;
        tick(&app, [1]);
    };
    let (answer, ()) = tokio::join!(poll, publish);
    assert_eq!((answer.header("grip-hold"), answer.json()["events"].as_array().unwrap().len()), (None, 1));
    // Nothing new: the proxy passes a 304 on.
    let tag = answer.header("etag").unwrap().to_owned();
    let since = tag.trim_matches('"');
    let unchanged = get(&server, &format!("/realtime?since={since}&wait=0"), &[("if-none-match", &tag)]).await;
    assert_eq!((unchanged.status, unchanged.header("grip-status")), (304, None));
}

/// What a client gets from the body of its hold and from what is published after it.
fn received(session: &Session, hold: &crate::grip_support::Answer, items: &[Value]) -> Option<Vec<String>> {
    let (channel, mut last) = hold.seat();
    assert!(!session.connection().is_closed());
    let mut ids = hold.ids();
    for item in items.iter().filter(|item| item["channel"] == *channel) {
        let (id, prev) = (item["id"].as_str().unwrap(), item["prev-id"].as_str().unwrap());
        if prev == last {
            ids.push(id.to_owned());
            id.clone_into(&mut last);
        } else if ids.iter().all(|known| known != id) && !ids.is_empty() {
            return None;
        }
    }
    Some(ids)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn between_reading_and_holding_nothing_is_lost_and_nothing_comes_twice() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let app = server.handle().clone();
    let start = app.log().head();
    let keeper = app.open(feathers_core::Handshake::new(feathers_core::Provider::new("test"))).await.unwrap();
    let writer = tokio::spawn(async move {
        for n in 0..2_000 {
            tick(&app, [n]);
            if n % 5 == 0 {
                tokio::task::yield_now().await;
            }
        }
    });
    let mut holds = Vec::new();
    while !writer.is_finished() {
        holds.push(stream(&server, &format!("?since={start}")).await);
    }
    writer.await.unwrap();
    holds.push(stream(&server, &format!("?since={start}")).await);
    tick(server.handle(), [9_999]);
    let all: Vec<String> = (1..=2_001).map(|seq| format!("{}-{seq}", start.epoch())).collect();
    let last = all.last().unwrap().clone();
    control.until("the last", |control| control.items().iter().any(|item| item["id"] == *last)).await;
    let items = control.items();
    let mut compared = 0;
    for hold in holds.iter().filter(|hold| hold.header("grip-hold").is_some()) {
        let ids = received(&keeper, hold, &items).expect("no gap");
        assert_eq!(ids, all);
        compared += 1;
    }
    assert!(compared >= 1);
}
