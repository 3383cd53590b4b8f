//! The raw WebSocket, by the sentences of the design.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use feathers_core::{App, Descriptor, Document, Error, Memory, Method, Payload, Request, Result, Service, async_trait};
use feathers_testing::websocket::{Rpc, status, upgrade};
use feathers_transports::{Cors, RateLimit, Realtime, Rest, Running, Server};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::realtime_support::{PATIENCE, app, ask, kept, only_member, pass, send, serve, tick, until_connections};

/// Answers calls when the test says so, and counts those that have begun.
#[derive(Clone)]
struct Gate {
    started: Arc<AtomicUsize>,
    go: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self { started: Arc::default(), go: Arc::new(Semaphore::new(0)) }
    }
}

#[async_trait]
impl Service for Gate {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        self.started.fetch_add(1, Ordering::SeqCst);
        self.go.acquire().await.unwrap().forget();
        Ok(request.data)
    }
}

/// Answers with the data, the later the smaller it is.
struct Backwards;

#[async_trait]
impl Service for Backwards {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        for _ in request.data.value()?["n"].as_u64().unwrap()..100 {
            tokio::task::yield_now().await;
        }
        Ok(request.data)
    }
}

/// Answers with a large text.
struct Large(Arc<AtomicUsize>);

#[async_trait]
impl Service for Large {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Find])
    }

    async fn call(&self, _request: Request<'_>) -> Result<Payload> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(json!("x".repeat(200_000)).into())
    }
}

fn code(answer: &Value) -> i64 {
    answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

/// Opens a WebSocket whose frames are written by hand.
async fn raw(server: &Running) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let head = "GET /realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    let answer = String::from_utf8(answer).unwrap().to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{answer}");
    stream
}

/// Makes a masked frame; the mask is zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

/// Reads frames to the end and returns the code of the close frame.
async fn close_code(mut stream: TcpStream) -> Option<u16> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let mut rest = bytes.as_slice();
    while let [first, len, tail @ ..] = rest {
        if *first == 0x88 {
            return tail.first_chunk().copied().map(u16::from_be_bytes);
        }
        let (len, header) = match (*len, tail) {
            (126, [a, b, ..]) => (usize::from(u16::from_be_bytes([*a, *b])), 2),
            (len, _) => (usize::from(len), 0),
        };
        rest = tail.get(header + len..).unwrap();
    }
    None
}

#[tokio::test]
async fn t14_a_hundred_calls_at_once_are_answered_by_id_though_out_of_order() {
    let mut app = app();
    app.service("backwards", Backwards);
    let server = serve(app, Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    for n in 0..100 {
        let call = json!({ "jsonrpc": "2.0", "id": format!("call {n}"), "method": "create",
                           "params": { "path": "backwards", "data": { "n": n } } });
        client.feed(&call.to_string()).await;
    }
    client.flush().await;
    let mut order = Vec::new();
    for _ in 0..100 {
        let answer = client.answer().await;
        let n = answer["result"]["n"].as_u64().unwrap();
        assert_eq!(answer["id"], json!(format!("call {n}")));
        order.push(n);
    }
    assert_eq!(order.iter().collect::<HashSet<_>>().len(), 100);
    assert!(!order.is_sorted(), "they were not executed out of order");
}

#[tokio::test]
async fn t14_malformed_json_is_a_parse_error_and_the_socket_stays() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    for text in ["", "{", "[", "[{]", "nonsense", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"find\"", "\0"] {
        client.send(text).await;
        let answer = client.answer().await;
        assert_eq!((code(&answer), &answer["id"]), (-32_700, &Value::Null), "{text}");
    }
    assert_eq!(client.call("find", json!(["notes"])).await["result"], json!([]));
}

#[tokio::test]
async fn t14_who_says_nothing_is_closed_with_4408() {
    let server = serve(app(), Realtime::new().hello_timeout(Duration::from_millis(50))).await;
    let mut client = Rpc::open(server.addr()).await;
    client.send(r#"{"jsonrpc":"2.0","id":1,"method":"$ping"}"#).await;
    assert_eq!(client.closed().await, Some(4408));
    assert_eq!(server.handle().connections(), 0);
}

#[tokio::test]
async fn t14_a_foreign_page_with_a_cookie_is_refused_before_the_upgrade() {
    let server = serve(app(), Realtime::new()).await;
    let own = server.url();
    let cookie = ("cookie", "session=1");
    let evil = ("origin", "http://evil.example");
    assert_eq!(status(server.addr(), &[evil, cookie]).await, 403);
    assert_eq!(status(server.addr(), &[("origin", "null"), cookie]).await, 403);
    assert_eq!(status(server.addr(), &[("origin", &format!("{own}.evil.example")), cookie]).await, 403);
    assert_eq!(status(server.addr(), &[("origin", &own), cookie]).await, 101);
    assert_eq!(status(server.addr(), &[cookie]).await, 101);
    assert_eq!(status(server.addr(), &[evil]).await, 101);

    let listed = serve(app(), Realtime::new().origins(["https://good.example"])).await;
    assert_eq!(status(listed.addr(), &[("origin", "https://good.example"), cookie]).await, 101);
    assert_eq!(status(listed.addr(), &[evil]).await, 403);

    let cors = Cors::origins(["https://page.example"]).credentials();
    let server = Server::new(app()).cors(cors).bind("127.0.0.1:0").start().await.unwrap();
    assert_eq!(status(server.addr(), &[("origin", "https://page.example"), cookie]).await, 101);
    assert_eq!(status(server.addr(), &[evil, cookie]).await, 403);
}

#[tokio::test]
async fn w1_calls_have_parameters_by_name_or_by_position() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    let made = client.call("create", json!({ "path": "notes", "data": { "text": "a" } })).await;
    assert_eq!(made["result"], json!({ "text": "a", "id": 1 }));
    let made = client.call("create", json!(["notes", { "text": "b" }])).await;
    assert_eq!(made["result"], json!({ "text": "b", "id": 2 }));
    let query = json!({ "$select": ["id"] });
    let patch = json!({ "path": "notes", "id": 1, "data": { "text": "c" }, "query": query });
    assert_eq!(client.call("patch", patch).await["result"], json!({ "id": 1 }));
    assert_eq!(client.call("patch", json!(["notes", 2, { "text": "d" }, query])).await["result"], json!({ "id": 2 }));
    assert_eq!(client.call("get", json!(["notes", 1])).await["result"], json!({ "text": "c", "id": 1 }));
    assert_eq!(code(&client.call("patch", json!(["notes", null, { "done": true }, {}])).await), 405);
    assert_eq!(client.call("remove", json!({ "path": "notes", "id": 2 })).await["result"]["id"], 2);
    assert_eq!(client.call("find", json!({ "path": "notes", "query": { "text": "d" } })).await["result"], json!([]));
}

#[tokio::test]
async fn w1_errors_are_those_of_feathers_or_of_json_rpc() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    let missing = client.call("get", json!(["notes", 99])).await;
    assert_eq!((code(&missing), &missing["error"]["data"]["name"]), (404, &json!("NotFound")));
    assert_eq!(missing["error"]["data"]["className"], "not-found");
    assert_eq!(missing["error"]["message"], missing["error"]["data"]["message"]);
    for (method, params, expected) in [
        ("find", json!(["nothing"]), 404),
        ("nothing", json!(["notes"]), 405),
        ("setup", json!(["notes"]), 405),
        ("get", json!(["notes", {}]), 400),
        ("find", json!({}), -32_602),
        ("find", json!([]), -32_602),
        ("find", json!([1]), -32_602),
        ("find", json!(["notes", "no query"]), -32_602),
        ("find", json!(["notes", {}, 1]), -32_602),
        ("find", json!({ "path": "notes", "provider": "" }), -32_602),
        ("find", json!({ "path": "notes", "id": 1, "query": [] }), -32_602),
        ("find", json!("notes"), -32_602),
        ("$nothing", json!({}), -32_601),
        ("$auth", json!({ "strategy": "local" }), 501),
    ] {
        assert_eq!(code(&client.call(method, params.clone()).await), expected, "{method} {params}");
    }
    let deep = (0..100).fold(json!({}), |inner, _| json!({ "inner": inner }));
    let answer = client.call("create", json!(["notes", deep])).await;
    let message = "Invalid JSON: nested deeper than 100 levels at byte 900";
    assert_eq!((code(&answer), &answer["error"]["message"]), (400, &json!(message)));
    for (text, id) in [
        ("1", json!(null)),
        ("{}", json!(null)),
        (r#"{"jsonrpc":"1.0","id":5,"method":"find"}"#, json!(5)),
        (r#"{"jsonrpc":"2.0","id":"a","method":7}"#, json!("a")),
        (r#"{"jsonrpc":"2.0","id":{},"method":"find"}"#, json!({})),
    ] {
        client.send(text).await;
        let answer = client.answer().await;
        assert_eq!(code(&answer), -32_600, "{text}");
        assert_eq!(answer["id"], if id.is_object() { Value::Null } else { id }, "{text}");
    }
}

#[tokio::test]
async fn w1_a_notification_is_run_and_never_answered() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    for text in [
        r#"{"jsonrpc":"2.0","method":"create","params":["notes",{"text":"a"}]}"#,
        r#"{"jsonrpc":"2.0","method":"get","params":["notes",99]}"#,
        r#"{"jsonrpc":"2.0","method":"find","params":{"nope":1}}"#,
        r#"{"jsonrpc":"2.0","method":"$nothing"}"#,
        r#"{"jsonrpc":"2.0","method":"$pong"}"#,
    ] {
        client.send(text).await;
    }
    assert_eq!(client.event().await["data"]["text"], "a");
    // An id of null wants an answer.
    client.send(r#"{"jsonrpc":"2.0","id":null,"method":"find","params":["notes"]}"#).await;
    let answer = client.next().await;
    assert_eq!((&answer["id"], &answer["result"][0]["text"]), (&Value::Null, &json!("a")));
    assert!(answer.as_object().unwrap().contains_key("id"));
}

#[tokio::test]
async fn w2_nothing_is_called_before_hello_which_is_said_once() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::open(server.addr()).await;
    let early = client.call("create", json!(["notes", {}])).await;
    assert_eq!((code(&early), &early["error"]["message"]), (-32_600, &json!("say $hello first")));
    assert_eq!(server.handle().connections(), 0);
    for params in [json!({ "since": "rubbish" }), json!({ "since": 1 }), json!({ "nope": 1 }), json!({ "auth": {} })] {
        assert_eq!(code(&client.call("$hello", params.clone()).await), -32_602, "{params}");
    }
    let welcome = client.hello(json!({})).await;
    let head = server.handle().log().head().to_string();
    assert_eq!((&welcome["recovered"], &welcome["cursor"]), (&json!(false), &json!(head)));
    assert_eq!((&welcome["ping"], &welcome["maxFrame"]), (&json!(25_000), &json!(1_048_576)));
    assert!(welcome.get("reset").is_none());
    assert_eq!(code(&client.call("$hello", json!({})).await), -32_600);
    assert_eq!(client.call("find", json!(["notes"])).await["result"], json!([]));
}

#[tokio::test]
async fn w3_the_subprotocol_is_taken_when_it_is_offered() {
    let server = serve(app(), Realtime::new()).await;
    let chosen = async |offer: &str| {
        let (_, response) = upgrade(server.addr(), &[("sec-websocket-protocol", offer)]).await.unwrap();
        response.headers()["sec-websocket-protocol"].clone()
    };
    assert_eq!(chosen("feathers.v1").await, "feathers.v1");
    assert_eq!(chosen("other, feathers.v1").await, "feathers.v1");
    assert_eq!(status(server.addr(), &[("sec-websocket-protocol", "other")]).await, 400);
    let (_, response) = upgrade(server.addr(), &[]).await.unwrap();
    assert!(!response.headers().contains_key("sec-websocket-protocol"));
    // An upgrade that is not to version 13 gets an answer that says so.
    let answer = send(&server, "GET", "/realtime", &[("upgrade", "websocket")]).await;
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn a_client_of_another_version_is_told_which_is_spoken() {
    let server = serve(app(), Realtime::new()).await;
    for (version, told) in [("8", Some("13")), ("14", Some("13")), ("", Some("13")), ("13", None)] {
        // Without a key, the request fits in no other way.
        let headers = [("upgrade", "websocket"), ("connection", "upgrade"), ("sec-websocket-version", version)];
        let answer = send(&server, "GET", "/realtime", &headers).await;
        let header = answer.headers().get("sec-websocket-version").map(|version| version.to_str().unwrap().to_owned());
        assert_eq!((answer.status().as_u16(), header.as_deref()), (400, told), "{version}");
    }
}

#[tokio::test]
async fn w4_an_event_that_a_call_causes_comes_before_its_answer() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    let mut other = Rpc::connect(server.addr()).await;
    for n in 0..20 {
        let answer = client.call("create", json!(["notes", { "n": n }])).await;
        let [event] = client.notices.drain(..).collect::<Vec<_>>().try_into().unwrap();
        assert_eq!((&event["params"]["data"], &event["params"]["path"]), (&answer["result"], &json!("notes")));
        assert_eq!(event["params"]["event"], "created");
        assert_eq!(other.event().await, event["params"]);
    }
}

#[tokio::test]
async fn w4_a_flood_of_calls_is_answered_with_429_and_not_closed() {
    let gate = Gate::new();
    let mut app = app();
    app.service("gate", gate.clone());
    let server = serve(app, Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    let call = |n| json!({ "jsonrpc": "2.0", "id": n, "method": "create", "params": ["gate", n] }).to_string();
    for n in 0..64 + 1_024 + 100 {
        client.feed(&call(n)).await;
    }
    client.flush().await;
    for n in 64 + 1_024..64 + 1_024 + 100 {
        let answer = client.answer().await;
        assert_eq!((code(&answer), &answer["id"]), (429, &json!(n)));
        assert_eq!(answer["error"]["data"]["name"], "TooManyRequests");
    }
    assert_eq!(gate.started.load(Ordering::SeqCst), 64);
    // Others do not wait for it.
    let mut other = Rpc::connect(server.addr()).await;
    assert_eq!(other.call("find", json!(["notes"])).await["result"], json!([]));
    gate.go.add_permits(64 + 1_024 + 1);
    let mut answered = HashSet::new();
    while answered.len() < 64 + 1_024 {
        let answer = client.answer().await;
        assert_eq!(answer["id"], answer["result"]);
        assert!(answered.insert(answer["id"].as_u64().unwrap()));
    }
    assert_eq!(client.call("create", json!(["gate", "last"])).await["result"], "last");
}

#[tokio::test]
async fn w4_a_flood_of_bytes_that_wait_is_answered_with_429_too() {
    let gate = Gate::new();
    let mut app = app();
    app.service("gate", gate.clone());
    let server = Server::new(app).without_defaults().transport(Realtime::new());
    let server = server.max_in_flight_per_connection(4 << 20).bind("127.0.0.1:0").start().await.unwrap();
    let mut client = Rpc::connect(server.addr()).await;
    for _ in 0..64 {
        client.request("create", json!(["gate", 0])).await;
    }
    let text = "x".repeat(1_000_000);
    for _ in 0..4 {
        client.request("create", json!(["gate", text])).await;
    }
    let refused = client.request("create", json!(["gate", text])).await;
    let answer = client.answer().await;
    assert_eq!((code(&answer), &answer["id"]), (429, &json!(refused)));
    gate.go.add_permits(64 + 4);
    for _ in 0..64 + 4 {
        assert!(client.answer().await.get("result").is_some());
    }
}

#[tokio::test]
async fn w4_who_calls_too_often_is_told_when_to_try_again() {
    let server = serve(app(), Realtime::new().call_rate(RateLimit::per_minute(1).burst(3))).await;
    let mut client = Rpc::connect(server.addr()).await;
    for _ in 0..3 {
        assert_eq!(client.call("find", json!(["notes"])).await["result"], json!([]));
    }
    let refused = client.call("find", json!(["notes"])).await;
    assert_eq!((code(&refused), &refused["error"]["data"]["data"]), (429, &json!({ "retryAfter": 60 })));
    // Requests that are no calls of a service do not count.
    assert!(client.call("$ping", json!({})).await["result"]["cursor"].is_string());
    assert_eq!(Rpc::connect(server.addr()).await.call("find", json!(["notes"])).await["result"], json!([]));
}

#[tokio::test]
async fn a_call_is_decoded_when_it_starts_and_can_be_cancelled_until_then() {
    let gate = Gate::new();
    let mut app = app();
    app.service("gate", gate.clone());
    let server = serve(app, Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    for _ in 0..64 {
        client.request("create", json!(["gate", 0])).await;
    }
    // The service is mounted after the request, and before the call's turn.
    let late = client.request("find", json!(["late"])).await;
    let wrong = client.request("find", json!({ "path": 7 })).await;
    assert!(client.call("$ping", json!({})).await["result"].is_object());
    server.handle().mount("late", Memory::<Document>::new()).await.unwrap();
    gate.go.add_permits(64);
    let mut answers = Vec::new();
    for _ in 0..66 {
        answers.push(client.answer().await);
    }
    let of = |id: u64| answers.iter().find(|answer| answer["id"] == id).unwrap();
    assert_eq!(of(late)["result"], json!([]));
    assert_eq!(of(wrong)["error"]["code"], -32_602);
}

#[tokio::test]
async fn half_messages_are_in_flight_and_have_their_time() {
    let realtime = Realtime::new().ping_interval(Duration::from_millis(100)).hello_timeout(Duration::from_millis(100));
    let server = Server::new(app()).without_defaults().transport(Rest::new()).transport(realtime);
    let server = server.max_body(100_000).max_in_flight(150_000).request_timeout(Duration::from_millis(500));
    let server = server.bind("127.0.0.1:0").start().await.unwrap();
    let half = async || {
        let mut stream = raw(&server).await;
        stream.write_all(&frame(0x81, br#"{"jsonrpc":"2.0","id":1,"method":"$hello"}"#)).await.unwrap();
        // A frame of 900,000 bytes, of which 100,000 come.
        let header = [0x81, 0xFF, 0, 0, 0, 0, 0, 0x0D, 0xBB, 0xA0, 0, 0, 0, 0];
        stream.write_all(&[&header[..], "x".repeat(100_000).as_bytes()].concat()).await.unwrap();
        let (read, mut write) = stream.into_split();
        // It trickles on, so that it is not silent.
        let trickle = async move {
            while write.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::spawn(trickle);
        read
    };
    let (one, two) = (half().await, half().await);
    // There is no room for both.
    let ended = async { tokio::join!(end(one), end(two)) };
    let (one, two) = tokio::time::timeout(PATIENCE, ended).await.expect("both are closed");
    assert!([one, two].contains(&Some(1013)), "{one:?} {two:?}");
    // There is room for one once theirs is free, until its time is over.
    until_connections(server.handle(), 0).await;
    let alone = half().await;
    assert_eq!(tokio::time::timeout(PATIENCE, end(alone)).await.expect("it is closed"), None);
    until_connections(server.handle(), 0).await;
}

/// Reads to the end, however that comes, and returns the code of a close frame if there is one.
async fn end(mut stream: OwnedReadHalf) -> Option<u16> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let reason = b"too many bytes are in flight, try again later";
    let at = bytes.windows(reason.len()).position(|window| window == reason)?;
    bytes.get(at - 2..at)?.first_chunk().copied().map(u16::from_be_bytes)
}

#[tokio::test]
async fn answers_that_are_not_read_do_not_pile_up() {
    let calls = Arc::new(AtomicUsize::new(0));
    let mut app = app();
    app.service("large", Large(calls.clone()));
    let server = serve(app, Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    for n in 0..500 {
        client.feed(&json!({ "jsonrpc": "2.0", "id": n, "method": "find", "params": ["large"] }).to_string()).await;
    }
    client.flush().await;
    // It stands still when nothing has moved while another client was served a hundred times.
    let mut other = Rpc::connect(server.addr()).await;
    let mut before = usize::MAX;
    while before != calls.load(Ordering::SeqCst) {
        before = calls.load(Ordering::SeqCst);
        for _ in 0..100 {
            other.call("find", json!(["notes"])).await;
        }
    }
    assert!(before < 250, "{before} answers of 200 kB wait for a client that does not read");
    for n in 0..500 {
        assert_eq!(client.answer().await["id"], n);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 500);
}

#[tokio::test]
async fn w5_an_idle_client_is_pinged_and_told_how_far_the_log_is() {
    let server = serve(app(), Realtime::new().ping_interval(Duration::from_millis(20))).await;
    let handle = server.handle();
    let mut client = Rpc::connect(server.addr()).await;
    for _ in 0..3 {
        pass(handle, 5);
        let head = handle.log().head().to_string();
        loop {
            let ping = client.notice().await;
            assert_eq!(ping["method"], "$ping", "{ping}");
            client.send(r#"{"jsonrpc":"2.0","method":"$pong"}"#).await;
            if ping["params"] == json!({ "cursor": head }) {
                break;
            }
        }
    }
    let head = handle.log().head().to_string();
    assert_eq!(client.call("$ping", json!({})).await["result"], json!({ "cursor": head }));
}

#[tokio::test]
async fn w5_who_says_nothing_between_two_pings_is_gone() {
    let server = serve(app(), Realtime::new().ping_interval(Duration::from_millis(200))).await;
    let client = Rpc::connect(server.addr()).await;
    until_connections(server.handle(), 1).await;
    // It does not read, so the pings stay unanswered.
    until_connections(server.handle(), 0).await;
    drop(client);
}

#[tokio::test]
async fn half_a_frame_and_then_silence_is_the_end_of_one_client() {
    let realtime = Realtime::new().ping_interval(Duration::from_millis(200)).hello_timeout(Duration::from_millis(400));
    let server = serve(app(), realtime).await;
    // Before hello.
    let mut early = raw(&server).await;
    early.write_all(&[0x81, 0xFE, 0x10]).await.unwrap();
    assert_eq!(close_code(early).await, Some(4408));
    // After it.
    let mut late = raw(&server).await;
    late.write_all(&frame(0x81, br#"{"jsonrpc":"2.0","id":1,"method":"$hello"}"#)).await.unwrap();
    late.write_all(&[0x81, 0xFE, 0x10]).await.unwrap();
    assert_eq!(close_code(late).await, None);
    until_connections(server.handle(), 0).await;
}

#[tokio::test]
async fn w6_a_message_that_is_too_big_closes_with_1009_and_fragments_count_together() {
    let server = serve(app(), Realtime::new()).await;
    let mut other = Rpc::connect(server.addr()).await;
    let mut client = Rpc::connect(server.addr()).await;
    let fits = "x".repeat(1_000_000);
    let made = client.call("create", json!(["notes", { "text": fits }])).await;
    assert_eq!(made["result"]["text"], fits);
    client.send(&"x".repeat((1 << 20) + 1)).await;
    assert_eq!(client.closed().await, Some(1009));

    let small = serve(app(), Realtime::new().max_message(1_000)).await;
    let mut client = Rpc::open(small.addr()).await;
    let hello = br#"{"jsonrpc":"2.0","id":1,"method":"$hello"}"#;
    let part = |bytes: &[u8], code, last| Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(code), last));
    let (start, end) = hello.split_at(10);
    client.send_message(part(start, Data::Text, false)).await;
    client.send_message(Message::Ping(vec![1].into())).await;
    client.send_message(part(&[], Data::Continue, false)).await;
    client.send_message(part(end, Data::Continue, true)).await;
    assert!(client.answer().await["result"]["connectionToken"].is_string());
    client.send_message(part(&[b' '; 900], Data::Text, false)).await;
    client.send_message(part(&[b' '; 101], Data::Continue, true)).await;
    assert_eq!(client.closed().await, Some(1009));
    assert_eq!(other.call("find", json!(["quiet"])).await["result"], json!([]));
}

#[tokio::test]
async fn a_flood_of_tiny_fragments_ends_at_the_limit() {
    let server = serve(app(), Realtime::new().max_message(10_000)).await;
    let mut client = raw(&server).await;
    let mut flood = frame(0x01, b" ");
    for _ in 0..20_000 {
        flood.extend(frame(0x00, b" "));
    }
    client.write_all(&flood).await.unwrap();
    assert_eq!(close_code(client).await, Some(1009));
}

#[tokio::test]
async fn what_breaks_the_protocol_closes_one_connection_with_the_right_code() {
    let server = serve(app(), Realtime::new()).await;
    let mut other = Rpc::connect(server.addr()).await;
    for (bytes, expected) in [
        (frame(0x82, b"binary"), 1003),
        (frame(0x81, &[0xFF, 0xFE]), 1007),
        (vec![0x81, 2, b'h', b'i'], 1002),
        (frame(0xC1, b""), 1002),
        (frame(0x83, b""), 1002),
        (frame(0x80, b"x"), 1002),
        (frame(0x09, b""), 1002),
        (frame(0x88, &[3]), 1002),
        (frame(0x88, &1000_u16.to_be_bytes()), 1000),
        (frame(0x88, &4000_u16.to_be_bytes()), 4000),
        (frame(0x88, b""), 1000),
    ] {
        let mut client = raw(&server).await;
        client.write_all(&bytes).await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(close_code(client).await, Some(expected), "{bytes:x?}");
    }
    assert_eq!(other.call("find", json!(["notes"])).await["result"], json!([]));
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_and_harms_nobody() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    let mut other = Rpc::connect(server.addr()).await;
    for n in 0..5_000 {
        client.feed(&format!(r#"{{"jsonrpc":"2.0","id":{n},"method":"$ping"}}"#)).await;
        client.send_message(Message::Ping(vec![b'x'; 125].into())).await;
        if n % 1_000 == 0 {
            assert_eq!(other.call("find", json!(["notes"])).await["result"], json!([]));
        }
    }
    client.flush().await;
    for n in 0..5_000 {
        assert_eq!(client.answer().await["id"], n);
    }
}

#[tokio::test]
async fn w6_the_shutdown_answers_calls_under_way_and_closes_with_1001() {
    let gate = Gate::new();
    let mut app = app();
    app.service("gate", gate.clone());
    let server = serve(app, Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    let mut idle = Rpc::connect(server.addr()).await;
    let mut outside = Rpc::open(server.addr()).await;
    let waiting = client.request("create", json!(["gate", "done"])).await;
    // It has begun when the next request is answered.
    client.call("$ping", json!({})).await;
    let app = server.handle().clone();
    let stopped = tokio::spawn(server.stop());
    app.stopping().await;
    assert_eq!((idle.closed().await, outside.closed().await), (Some(1001), Some(1001)));
    assert_eq!(code(&client.call("find", json!(["notes"])).await), 503);
    gate.go.add_permits(1);
    let answer = client.answer().await;
    assert_eq!((&answer["id"], &answer["result"]), (&json!(waiting), &json!("done")));
    assert_eq!(client.closed().await, Some(1001));
    stopped.await.unwrap().unwrap();
    assert_eq!(app.connections(), 0);
}

#[tokio::test]
async fn w6_the_server_ends_a_connection_with_4403() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    only_member(server.handle()).disconnect();
    assert_eq!(client.closed().await, Some(4403));
    assert!(server.handle().channel("everybody").is_empty());
    assert_eq!(server.handle().connections(), 0);
}

/// Publishes so much that a client that does not read has no room for more.
fn fill(server: &Running, numbers: std::ops::Range<u64>) {
    let notes = server.handle().service("notes").unwrap();
    for n in numbers {
        notes.emit("ticked", Payload::from(json!({ "n": n, "text": "x".repeat(100_000) })));
    }
}

#[tokio::test]
async fn w6_who_does_not_read_is_ended_all_the_same() {
    let server = serve(app(), Realtime::new()).await;
    let client = Rpc::connect(server.addr()).await;
    fill(&server, 0..300);
    let mut other = Rpc::connect(server.addr()).await;
    // The first one stands still when others have been served.
    for _ in 0..100 {
        other.call("find", json!(["notes"])).await;
    }
    for connection in server.handle().channel("everybody").connections() {
        connection.disconnect();
    }
    until_connections(server.handle(), 0).await;
    drop(client);
}

#[tokio::test]
async fn a_client_that_goes_leaves_its_channels() {
    let server = serve(app(), Realtime::new()).await;
    let client = Rpc::connect(server.addr()).await;
    assert_eq!(server.handle().channel("everybody").len(), 1);
    drop(client);
    until_connections(server.handle(), 0).await;
    assert!(server.handle().channel("everybody").is_empty());
}

#[tokio::test]
async fn w7_a_batch_is_answered_one_by_one() {
    let server = serve(app(), Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    client
        .send(
            r#"[{"jsonrpc":"2.0","id":1,"method":"create","params":["quiet",{"n":1}]},
                {"jsonrpc":"2.0","method":"create","params":["quiet",{"n":2}]},
                5,
                {"jsonrpc":"2.0","id":2,"method":3},
                {"jsonrpc":"2.0","id":3,"method":"$ping"},
                {"jsonrpc":"2.0","id":4,"method":"get","params":["quiet",99]}]"#,
        )
        .await;
    let mut answers = Vec::new();
    for _ in 0..5 {
        let answer = client.answer().await;
        answers.push((answer["id"].to_string(), answer["error"]["code"].as_i64()));
    }
    answers.sort();
    let expected = [("1", None), ("2", Some(-32_600)), ("3", None), ("4", Some(404)), ("null", Some(-32_600))];
    assert_eq!(answers, expected.map(|(id, code)| (id.to_owned(), code)));
    for (batch, codes) in [("[]", -32_600), ("[,]", -32_700)] {
        client.send(batch).await;
        assert_eq!(code(&client.answer().await), codes, "{batch}");
    }
    client.send(&format!("[{}]", ["1"; 65].join(","))).await;
    assert_eq!(code(&client.answer().await), -32_600);
    assert_eq!(client.call("find", json!(["quiet", { "n": 2 }])).await["result"][0]["n"], 2);
}

#[tokio::test]
async fn w7_a_call_that_waits_can_be_cancelled() {
    let gate = Gate::new();
    let mut app = app();
    app.service("gate", gate.clone());
    let server = serve(app, Realtime::new()).await;
    let mut client = Rpc::connect(server.addr()).await;
    let mut ids = Vec::new();
    for n in 0..65 {
        ids.push(client.request("create", json!(["gate", n])).await);
    }
    let (runs, waits) = (ids[0], ids[64]);
    assert_eq!(client.call("$cancel", json!({ "id": runs })).await["result"], false);
    assert_eq!(client.call("$cancel", json!({ "id": 999 })).await["result"], false);
    let cancel = client.request("$cancel", json!({ "id": waits })).await;
    let cancelled = client.answer().await;
    assert_eq!((code(&cancelled), &cancelled["id"]), (-32_800, &json!(waits)));
    let answer = client.answer().await;
    assert_eq!((&answer["id"], &answer["result"]), (&json!(cancel), &json!(true)));
    gate.go.add_permits(65);
    for _ in 0..64 {
        assert!(client.answer().await["result"].is_u64());
    }
    assert_eq!((gate.started.load(Ordering::SeqCst), gate.go.available_permits()), (64, 1));
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_it_missed() {
    let server = serve(app(), Realtime::new()).await;
    let handle = server.handle();
    let client = Rpc::connect(server.addr()).await;
    let start = handle.log().head().to_string();
    drop(client);
    tick(handle, 1..=300);
    let (mut client, welcome) = Rpc::resume(server.addr(), &start).await;
    assert_eq!((&welcome["recovered"], &welcome["cursor"]), (&json!(true), &json!(start)));
    assert!(welcome.get("reset").is_none());
    for n in 1..=300 {
        let event = client.event().await;
        assert_eq!((&event["data"]["n"], &event["event"]), (&json!(n), &json!("ticked")));
    }
    tick(handle, [301]);
    let event = client.event().await;
    assert_eq!((&event["data"]["n"], &event["cursor"]), (&json!(301), &json!(handle.log().head().to_string())));
}

#[tokio::test]
async fn when_there_is_no_going_on_the_hello_says_so() {
    let mut app = app();
    app.retention(kept(10));
    let server = serve(app, Realtime::new()).await;
    let handle = server.handle();
    let start = handle.log().head();
    tick(handle, 1..=50);
    let head = handle.log().head().to_string();
    let other = serve(crate::realtime_support::app(), Realtime::new()).await.handle().log().head().to_string();
    let cases = [(start.to_string(), "trimmed"), (other, "epoch"), (format!("{}-999", start.epoch()), "future")];
    for (since, reason) in &cases {
        let (mut client, welcome) = Rpc::resume(server.addr(), since).await;
        assert_eq!((&welcome["recovered"], &welcome["cursor"]), (&json!(false), &json!(head)));
        assert_eq!((&welcome["reset"]["reason"], &welcome["reset"]["cursor"]), (&json!(reason), &json!(head)));
        assert_eq!(welcome["reset"].get("oldest").is_some(), *reason == "trimmed");
        // Live events follow, and no second reset.
        let answer = client.call("$ping", json!({})).await;
        assert_eq!((&answer["result"]["cursor"], client.notices.len()), (&json!(head), 0));
    }
    // Without an answer to the hello, the reset is a notification.
    let mut client = Rpc::open(server.addr()).await;
    client.send(&json!({ "jsonrpc": "2.0", "method": "$hello", "params": { "since": start } }).to_string()).await;
    let reset = client.notice().await;
    assert_eq!((&reset["method"], &reset["params"]["reason"]), (&json!("$reset"), &json!("trimmed")));
    tick(handle, [51]);
    assert_eq!(client.event().await["data"]["n"], 51);
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_gets_one_reset_in_band() {
    let mut app = app();
    app.retention(kept(10));
    let server = serve(app, Realtime::new()).await;
    let mut slow = Rpc::connect(server.addr()).await;
    let mut fast = Rpc::connect(server.addr()).await;
    for n in 0..300 {
        fill(&server, n..n + 1);
        assert_eq!(fast.event().await["data"]["n"], n);
    }
    let (mut next, mut resets) = (0, 0);
    while next < 300 {
        let notice = slow.notice().await;
        if notice["method"] == "$reset" {
            assert_eq!(notice["params"]["reason"], "lagged");
            assert!(notice["params"]["oldest"].is_string());
            resets += 1;
            next = 300;
        } else {
            assert_eq!(notice["params"]["data"]["n"], next, "no gap without a word");
            next += 1;
        }
    }
    assert_eq!(resets, 1);
    tick(server.handle(), [300]);
    assert_eq!(slow.event().await["data"]["n"], 300);
}

async fn whose(ctx: &mut feathers_core::Context) -> Result<()> {
    let connection = ctx.params.connection.as_ref().ok_or_else(|| Error::forbidden("no connection"))?;
    ctx.result = Some(json!(connection.number()).into());
    Ok(())
}

#[tokio::test]
async fn rest_calls_with_the_secret_belong_to_the_connection() {
    let mut app = App::new();
    crate::realtime_support::notes(&mut app, "whose").before("find", whose);
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    let server = Server::new(app)
        .without_defaults()
        .transport(Rest::new())
        .transport(Realtime::new())
        .bind("127.0.0.1:0")
        .start()
        .await
        .unwrap();
    let mut client = Rpc::open(server.addr()).await;
    let welcome = client.hello(json!({})).await;
    let secret = welcome["connectionToken"].as_str().unwrap();
    assert_eq!(secret.len(), 32);
    let number = only_member(server.handle()).number();
    assert_eq!(client.call("find", json!(["whose"])).await["result"], json!(number));
    assert_eq!(ask(&server, "GET", "/whose", &[("x-connection-token", secret)]).await.json(), json!(number));
    assert_eq!(ask(&server, "GET", "/whose", &[]).await.status, 403);
    drop(client);
    until_connections(server.handle(), 0).await;
    assert_eq!(ask(&server, "GET", "/whose", &[("x-connection-token", secret)]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_5000_events_reaches_10_readers_50000_times() {
    let server = serve(app(), Realtime::new()).await;
    let mut readers = Vec::new();
    for _ in 0..10 {
        readers.push(Rpc::connect(server.addr()).await);
    }
    let reading: Vec<_> = readers
        .into_iter()
        .map(|mut reader| {
            tokio::spawn(async move {
                for n in 1..=5_000_u64 {
                    assert_eq!(reader.event().await["data"]["n"], n);
                }
            })
        })
        .collect();
    tick(server.handle(), 1..=5_000);
    for reader in reading {
        reader.await.unwrap();
    }
}
