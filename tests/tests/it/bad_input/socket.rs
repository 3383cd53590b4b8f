//! Bad input over Socket.IO.

use feathers_tests::client::{Frame, SocketClient};
use serde_json::{Value, json};

use crate::server::{Peer, socket_error};

#[tokio::test]
async fn a_query_that_is_no_object_is_taken_as_javascript_takes_it() {
    let peer = Peer::start().await;
    let mut socket = peer.socket().await;
    for (query, taken) in [
        (json!(null), json!({})),
        (json!(42), json!({})),
        (json!(true), json!({})),
        (json!("ab"), json!({ "0": "a", "1": "b" })),
        (json!([1, [2]]), json!({ "0": 1, "1": [2] })),
    ] {
        let answer = socket.call(&json!(["find", "echo", query])).await;
        assert_eq!(answer[0], Value::Null, "{answer:?}");
        assert_eq!(answer[1]["params"]["query"], taken);
    }
    // What is no text or no number is named.
    for (query, place) in [(r#"{"a":{"b":"\ud83d"}}"#, "/a/b"), (r#"{"a":[1e999]}"#, "/a/0")] {
        socket.raw(&format!("4278[\"find\",\"echo\",{query}]")).await;
        let Frame::Ack(78, answer) = socket.frame().await else { panic!("no answer") };
        socket_error(&answer, "BadRequest");
        assert_eq!(answer[0]["data"][0]["instancePath"], place, "{answer:?}");
    }
    // What a store can make nothing of is refused there.
    let answer = socket.call(&json!(["find", "people-typed", "ab"])).await;
    socket_error(&answer, "BadRequest");
}

#[tokio::test]
async fn a_call_without_a_callback_runs_and_its_error_is_dropped() {
    let peer = Peer::start().await;
    let mut socket = peer.socket().await;
    socket.send(&json!(["create", "people-typed", { "name": "silent" }])).await;
    let event = socket.event().await;
    assert_eq!((&event[0], &event[1]["name"]), (&json!("people-typed created"), &json!("silent")));
    socket.send(&json!(["create", "people-typed", { "name": 7 }])).await;
    socket.send(&json!(["nope", "people-typed"])).await;
    socket.send(&json!(["get", "errors", "panic"])).await;
    assert_eq!(socket.call(&json!(["find", "findonly"])).await[1], json!([]));
    assert_eq!(peer.records("people-typed").await.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn unknown_services_methods_and_too_many_arguments_are_acked_errors() {
    let peer = Peer::start().await;
    let mut socket = peer.socket().await;
    for (call, name) in [
        (json!(["find", "nope"]), "NotFound"),
        (json!(["get", null, 1]), "NotFound"),
        (json!(["get", { "a": 1 }, 1]), "NotFound"),
        (json!(["get", 5, 1]), "NotFound"),
        (json!(["nope", "echo", {}]), "MethodNotAllowed"),
        (json!(["setup", "echo", {}]), "MethodNotAllowed"),
        (json!(["constructor", "echo", {}]), "MethodNotAllowed"),
        (json!(["get", "findonly", 1]), "MethodNotAllowed"),
        (json!(["find", "echo", {}, {}]), "BadRequest"),
        (json!(["update", "echo", 1, {}, {}, {}]), "BadRequest"),
    ] {
        let answer = socket.call(&call).await;
        socket_error(&answer, name);
    }
    peer.serves_on().await;
}

#[tokio::test]
async fn ids_that_are_no_ids_are_400s() {
    let peer = Peer::start().await;
    let mut socket = peer.socket().await;
    for id in [json!({ "a": 1 }), json!([1]), json!(true), json!("a\u{0}b")] {
        for path in ["people", "people-typed", "echo"] {
            let answer = socket.call(&json!(["get", path, id])).await;
            socket_error(&answer, "BadRequest");
        }
    }
}

#[tokio::test]
async fn data_of_the_wrong_type_is_a_400_and_nothing_is_stored() {
    let peer = Peer::start().await;
    let mut socket = peer.socket().await;
    for data in [json!(5), json!("text"), json!(null), json!({ "name": 5 }), json!({ "unknown": 1 })] {
        let answer = socket.call(&json!(["create", "people-typed", data])).await;
        socket_error(&answer, "BadRequest");
    }
    for (data, place) in [(r#"{"a":{"__proto__":{"admin":true}}}"#, "/a/__proto__"), (r#"{"a":["\ud83d"]}"#, "/a/0")] {
        for path in ["people-typed", "people", "echo"] {
            socket.raw(&format!("4277[\"create\",\"{path}\",{data}]")).await;
            let Frame::Ack(77, answer) = socket.frame().await else { panic!("no answer") };
            socket_error(&answer, "BadRequest");
            assert_eq!(answer[0]["data"][0]["instancePath"], place, "{path}");
        }
    }
    let many = json!({ "$adapter": "{\"multi\":true}" });
    let answer = socket.call(&json!(["create", "people-typed", [{ "name": "a" }, { "name": 5 }], many])).await;
    socket_error(&answer, "BadRequest");
    assert_eq!(peer.records("people-typed").await, json!([]));
}

#[tokio::test]
async fn a_panic_is_an_acked_500() {
    let peer = Peer::start().await;
    let mut socket = peer.socket().await;
    for _ in 0..20 {
        let answer = socket.call(&json!(["get", "errors", "panic"])).await;
        socket_error(&answer, "GeneralError");
    }
    peer.serves_on().await;
}

#[tokio::test]
async fn a_client_that_vanishes_in_mid_call_harms_nobody() {
    let peer = Peer::start().await;
    let mut watcher = peer.socket().await;
    for number in 0..20 {
        let mut socket = peer.socket().await;
        socket.start(&json!(["create", "people-typed", { "name": format!("p{number}") }])).await;
        socket.vanish();
    }
    // A call that has reached the server is finished, though its client has gone; one that has not is not begun.
    peer.serves_on().await;
    watcher.call(&json!(["create", "people-typed", { "name": "last" }])).await;
    let mut heard = 0;
    while watcher.event().await[1]["name"] != "last" {
        heard += 1;
    }
    let stored = peer.records("people-typed").await.as_array().map_or(0, Vec::len);
    assert!(heard < stored, "{heard} events for {stored} records");
}

#[tokio::test]
async fn packets_that_are_none_close_only_their_own_connection() {
    let peer = Peer::start().await;
    for packet in [
        "4",
        "9",
        "42",
        "42[",
        "42{}",
        "42[]",
        "42[5]",
        "42[null]",
        "429",
        "45-",
        "452-[\"x\"]",
        "4x",
        "\u{0}",
        "hello",
    ] {
        let mut socket = peer.socket().await;
        socket.raw(packet).await;
        socket.raw("420[\"find\",\"findonly\"]").await;
        match socket.frame().await {
            Frame::Ack(0, answer) => assert_eq!(answer, [json!(null), json!([])], "after {packet}"),
            // A goodbye of the engine, or none at all.
            Frame::Other(goodbye) if goodbye == "1" => {}
            Frame::Closed(_) => {}
            other => panic!("after {packet} came {other:?}"),
        }
    }
    peer.serves_on().await;
}

#[tokio::test]
async fn a_packet_above_the_limit_closes_the_connection() {
    let peer = Peer::start().await;
    let mut socket: SocketClient = peer.socket().await;
    let text = "x".repeat(2_000_000);
    socket.send(&json!(["create", "people-typed", { "name": text }])).await;
    assert!(matches!(socket.frame().await, Frame::Closed(_)));
    peer.serves_on().await;
    assert_eq!(peer.records("people-typed").await, json!([]));
}

#[tokio::test]
async fn data_that_is_nested_too_deep_harms_nobody() {
    let peer = Peer::start().await;
    let mut socket = peer.socket().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    socket.raw(&format!("420[\"create\",\"people\",{{\"deep\":{deep}}}]")).await;
    match socket.frame().await {
        Frame::Ack(0, answer) => {
            socket_error(&answer, "BadRequest");
        }
        Frame::Closed(_) => {}
        other => panic!("{other:?}"),
    }
    peer.serves_on().await;
}
