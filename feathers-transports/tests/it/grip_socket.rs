//! WebSocket-over-HTTP: what a proxy and the app tell each other of a WebSocket.

use feathers_transports::Realtime;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::grip_support::socket::{Socket, channels, close_code, decode, encode, event, messages};
use crate::grip_support::{Control, PATIENCE, ask, grip, serve, serve_with, signature};
use crate::realtime_support::{app, only_member, tick, until_connections};

/// Returns the numbers of events `ticked`.
fn ticked(messages: &[Value]) -> Vec<u64> {
    messages.iter().filter_map(|message| message["params"]["data"]["n"].as_u64()).collect()
}

#[tokio::test]
async fn a_socket_says_hello_and_is_pinged_when_there_is_something_for_it() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let mut socket = Socket::new(&server);
    let opening = socket.send(&encode(&[event("OPEN", "")]), &[("sec-websocket-protocol", "x, feathers.v1")]).await;
    assert_eq!(opening.header("sec-websocket-extensions"), Some("grip"));
    assert_eq!(opening.header("sec-websocket-protocol"), Some("feathers.v1"));
    assert_eq!(opening.header("keep-alive-interval"), Some("20"));
    let [own] = channels("subscribe", &decode(&opening.body)).try_into().unwrap();
    tick(server.handle(), [1, 2]);
    let hello = json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello", "params": { "since": "earliest" } });
    let said = messages(&socket.say(&hello).await);
    assert_eq!((&said[0]["id"], &said[0]["result"]["recovered"]), (&json!(1), &json!(true)));
    assert_eq!(ticked(&said[1..]), [1, 2]);
    tick(server.handle(), [3]);
    let ping = json!({ "ws-message": { "type": "ping", "content": "" } });
    assert_eq!(control.on(&own, 1).await[0]["formats"], ping);
    tick(server.handle(), [4, 5]);
    let call = json!({
        "jsonrpc": "2.0", "id": 2, "method": "create", "params": { "path": "notes", "data": { "text": "c:{}" } }
    });
    let said = messages(&socket.say(&call).await);
    assert_eq!(ticked(&said[..3]), [3, 4, 5]);
    assert_eq!(said[3]["params"]["event"], "created", "before the answer, as on every socket");
    assert_eq!((&said[4]["id"], &said[4]["result"]["text"]), (&json!(2), &json!("c:{}")));
    assert_eq!(socket.pong().await, []);
    assert_eq!(socket.post(&[event("PING", "x")]).await, [event("PONG", "x")]);
    assert_eq!(control.on(&own, 1).await.len(), 1, "one ping for all that there was");
    let answer = socket.post(&[("CLOSE".to_owned(), b"\x03\xe8bye".to_vec())]).await;
    assert_eq!(close_code(&answer), Some(1000));
    until_connections(server.handle(), 0).await;
}

#[tokio::test]
async fn an_answer_that_was_lost_is_given_again_and_nothing_is_done_twice() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let (mut socket, _) = Socket::open(&server).await;
    socket.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello" })).await;
    tick(server.handle(), [1]);
    let before = socket.state.clone();
    let call = json!({ "jsonrpc": "2.0", "id": 2, "method": "create", "params": { "path": "quiet", "data": {} } });
    let answer = socket.say(&call).await;
    assert_eq!(ticked(&messages(&answer)[..1]), [1]);
    socket.state.clone_from(&before);
    assert_eq!(socket.say(&call).await, answer);
    let count = ask(&server, "GET", "/quiet", &[], b"").await.json();
    assert_eq!(count.as_array().unwrap().len(), 1);
    socket.pong().await;
    socket.state = before;
    assert_eq!(close_code(&socket.say(&call).await), Some(4201), "older than that it cannot be");
}

#[tokio::test]
async fn a_connection_that_has_left_a_channel_reads_nothing_more_from_it() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let (mut socket, own) = Socket::open(&server).await;
    socket.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "$hello" })).await;
    tick(server.handle(), [1]);
    control.on(&own, 1).await;
    server.handle().channel("everybody").leave(&only_member(server.handle()));
    tick(server.handle(), [2]);
    // The first was read when it came.
    assert_eq!(ticked(&messages(&socket.pong().await)), [1]);
    assert!(!control.items().iter().any(|item| item.to_string().contains("\"n\"")));
}

#[tokio::test]
async fn a_client_that_is_gone_leaves_and_a_server_that_stops_says_so() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let (mut socket, _) = Socket::live(&server).await;
    until_connections(server.handle(), 1).await;
    assert_eq!(socket.post(&[event("DISCONNECT", "")]).await, []);
    until_connections(server.handle(), 0).await;
    assert_eq!(close_code(&socket.pong().await), Some(4201), "it has ended");
    let (mut socket, own) = Socket::live(&server).await;
    socket.pong().await;
    server.stop().await.unwrap();
    let items = control.on(&own, 1).await;
    assert_eq!(items[0]["formats"]["ws-message"]["code"], 1001);
}

#[tokio::test]
async fn what_cannot_be_read_closes_the_socket() {
    let control = Control::default();
    let server = serve_with(app(), grip(&control.start().await), Realtime::new().max_message(1_000)).await;
    let huge = [b"TEXT fffffffffffffff\r\n".to_vec(), vec![b'x'; 1 << 20]].concat();
    let many = encode(&vec![event("PONG", ""); 1_000]);
    for (body, code) in [
        (b"TEXT 5\r\nhel".to_vec(), 1002),
        (b"TEXT -1\r\n\r\n".to_vec(), 1002),
        (b"TEXT ffffffffffffffffff\r\nx\r\n".to_vec(), 1002),
        (b"TEXT ffffffff\r\nx\r\n".to_vec(), 1009),
        (b"SHOUT\r\n".to_vec(), 1002),
        (b"PONG".to_vec(), 1002),
        (b"TEXT 1\r\n\xff\r\n".to_vec(), 1007),
        (b"BINARY 1\r\nx\r\n".to_vec(), 1003),
        (b"OPEN\r\n".to_vec(), 1002),
        (b"CLOSE 1\r\nx\r\n".to_vec(), 1002),
        (encode(&[event("TEXT", &"x".repeat(1_001))]), 1009),
        (many, 1009),
        (huge, 1009),
    ] {
        let (mut socket, _) = Socket::live(&server).await;
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        let answer = socket.send(&body, &[]).await;
        assert_eq!((answer.status, close_code(&decode(&answer.body))), (200, Some(code)), "{shown}");
        until_connections(server.handle(), 0).await;
        let mut stranger = Socket::new(&server);
        let answer = stranger.send(&body, &[]).await;
        if body.starts_with(b"OPEN") {
            continue;
        }
        let code = close_code(&decode(&answer.body)).unwrap();
        assert!([1002, 1007, 1009, 4201].contains(&code), "{shown}");
    }
}

#[tokio::test]
async fn nobody_speaks_for_the_proxy() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let (mut socket, own) = Socket::live(&server).await;
    // A control message from a client is a message that makes no sense.
    let control_text = format!("c:{}", json!({ "type": "subscribe", "channel": "e-secret" }));
    let events = socket.post(&[event("TEXT", &control_text)]).await;
    assert_eq!(messages(&events)[0]["error"]["code"], -32_700);
    assert_eq!(channels("subscribe", &events), Vec::<String>::new());
    // Without a signature, the request is not WebSocket-over-HTTP.
    let state = socket.state.clone().unwrap();
    let headers = [("content-type", "application/websocket-events"), ("meta-feathers", state.as_str())];
    assert_eq!(ask(&server, "POST", "/realtime", &headers, &encode(&[event("PONG", "")])).await.status, 405);
    // A state that the app has not signed closes the socket.
    let mut forged = Socket::new(&server);
    forged.state = Some(format!("{state}x"));
    assert_eq!(close_code(&forged.pong().await), Some(4201));
    let mut forged = Socket::new(&server);
    forged.state = Some(signature());
    assert_eq!(close_code(&forged.pong().await), Some(4201));
    assert_eq!(close_code(&socket.pong().await), None);
    assert!(own.starts_with("w-"));
    // The rules for origins are those of every WebSocket.
    let origin = [("origin", "http://evil.example"), ("cookie", "session=1")];
    let refused = Socket::new(&server).send(&encode(&[event("OPEN", "")]), &origin).await;
    assert_eq!(refused.status, 403);
    let refused = Socket::new(&server).send(&encode(&[event("OPEN", "")]), &[("sec-websocket-protocol", "x")]).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_with_its_socket() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let (mut socket, _) = Socket::live(&server).await;
    let mut stream = tokio::net::TcpStream::connect(server.addr()).await.unwrap();
    let (signature, state) = (signature(), socket.state.clone().unwrap());
    let head = format!(
        "POST /realtime HTTP/1.1\r\nhost: a\r\nconnection: close\r\ngrip-sig: {signature}\r\nmeta-feathers: {state}\r\n\
         content-type: application/websocket-events\r\ncontent-length: 100\r\n\r\nTEXT"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    socket.post(&[event("DISCONNECT", "")]).await;
    until_connections(server.handle(), 0).await;
    let mut answer = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is answered").unwrap();
    let text = String::from_utf8_lossy(&answer);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("come back"), "{text}");
}
