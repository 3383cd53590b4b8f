//! GRIP: events that are published to `WebSockets`, once for all.

use feathers_core::{App, Payload};
use serde_json::{Value, json};

use crate::grip_support::socket::{Socket, channels, close_code, decode, encode, event, messages, numbers};
use crate::grip_support::{Control, grip, serve};
use crate::realtime_support::{app, notes, only_member, tick, until_connections};

/// An app where clients make and leave channels by calls.
fn rooms() -> App {
    let mut app = app();
    notes(&mut app, "rooms").publish(|_, app| app.channel("room"));
    notes(&mut app, "own")
        .publish(|_, app| app.channel("everybody").filter(|connection| connection.query().get("vip").is_some()));
    app
}

#[tokio::test]
async fn a_socket_says_hello_calls_and_gets_its_events_on_its_own_channel_and_then_on_that_of_all() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await).fan_out(true)).await;
    let mut socket = Socket::new(&server);
    let opening = socket.send(&encode(&[event("OPEN", "")]), &[("sec-websocket-protocol", "x, feathers.v1")]).await;
    assert_eq!(opening.header("sec-websocket-extensions"), Some("grip"));
    assert_eq!(opening.header("sec-websocket-protocol"), Some("feathers.v1"));
    assert_eq!(opening.header("keep-alive-interval"), Some("20"));
    let [own] = channels("subscribe", &decode(&opening.body)).try_into().unwrap();
    tick(server.handle(), [1, 2]);
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello", "params": { "since": "earliest" } });
    let events = socket.say(&hello).await;
    let said = messages(&events);
    assert_eq!((&said[0]["id"], &said[0]["result"]["recovered"]), (&json!(1), &json!(true)));
    assert_eq!(said[1..].iter().map(|one| one["params"]["data"]["n"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    // What comes before the answer has arrived is published after that.
    tick(server.handle(), [3]);
    let events = socket.pong().await;
    assert_eq!(channels("subscribe", &events), ["e-everybody"]);
    assert_eq!(numbers(&control.on(&own, 1).await), [3]);
    // Until the proxy has certainly done so, events come on both.
    tick(server.handle(), [4]);
    assert_eq!(numbers(&control.on(&own, 2).await), [3, 4]);
    assert_eq!(socket.pong().await, []);
    tick(server.handle(), [5]);
    assert_eq!(numbers(&control.on("e-everybody", 2).await), [4, 5]);
    assert_eq!(numbers(&control.on(&own, 2).await), [3, 4]);

    let call = json!({
        "jsonrpc": "2.0", "id": 2, "method": "create", "params": { "path": "notes", "data": { "text": "c:{}" } }
    });
    assert_eq!(messages(&socket.say(&call).await)[0]["result"]["text"], "c:{}");
    assert_eq!(socket.post(&[event("PING", "x")]).await, [event("PONG", "x")]);
    let answer = socket.post(&[("CLOSE".to_owned(), b"\x03\xe8bye".to_vec())]).await;
    assert_eq!(close_code(&answer), Some(1000));
    until_connections(server.handle(), 0).await;
}

#[tokio::test]
async fn what_code_decides_is_published_to_single_sockets() {
    let control = Control::default();
    let server = serve(rooms(), grip(&control.start().await).fan_out(true)).await;
    let (mut socket, own) = Socket::live(&server).await;
    let (mut other, others) = Socket::open(&server).await;
    other.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello" })).await;
    for socket in [&mut socket, &mut other] {
        socket.pong().await;
        socket.pong().await;
    }
    server.handle().service("own").unwrap().emit("ticked", Payload::from(json!({ "n": 7 })));
    tick(server.handle(), [8]);
    let shared = control.on("e-everybody", 2).await;
    assert_eq!(shared[0]["formats"].get("ws-message"), None);
    assert_eq!(numbers(&shared), [8]);
    assert!(control.items().iter().all(|item| item["channel"] != *own && item["channel"] != *others));
}

#[tokio::test]
async fn a_socket_that_joins_is_asked_for_and_one_that_leaves_is_closed_before_anything_else_is_published() {
    let control = Control::default();
    let server = serve(rooms(), grip(&control.start().await).fan_out(true)).await;
    let (mut socket, own) = Socket::live(&server).await;
    socket.pong().await;
    socket.pong().await;
    let connection = only_member(server.handle());
    server.handle().channel("room").join(&connection);
    server.handle().service("rooms").unwrap().emit("ticked", Payload::from(json!({ "n": 1 })));
    let items = control.on(&own, 2).await;
    assert_eq!(items[0]["formats"]["ws-message"]["type"], "ping");
    assert_eq!(numbers(&items), [1]);
    let events = socket.pong().await;
    assert_eq!(
        (channels("unsubscribe", &events), channels("subscribe", &events)),
        (vec!["e-everybody".to_owned()], vec!["e-everybody+room".to_owned()])
    );
    socket.pong().await;
    server.handle().channel("room").leave(&connection);
    server.handle().service("rooms").unwrap().emit("ticked", Payload::from(json!({ "n": 2 })));
    let items = control.on(&own, 3).await;
    let close = json!({ "action": "close", "code": 4201, "reason": "come back" });
    assert_eq!(items[2]["formats"]["ws-message"], close);
    let all = control.items();
    let place = |wanted: &Value| all.iter().position(|item| item == wanted).unwrap();
    let room = control.on("e-everybody+room", 1).await;
    assert!(place(&items[2]) < place(&room[0]));
}
