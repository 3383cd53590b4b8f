//! Socket.IO on the wire: frames written by hand, as Feathers 5 answers them.

use std::sync::Arc;
use std::time::Duration;

use feathers_core::{
    App, AppHandle, Descriptor, Document, Error, Memory, Method, Payload, Request, Result, Service, async_trait,
};
use feathers_testing::socketio::Socket;
use feathers_transports::{HandshakeAuth, RateLimit, Server, SocketIo, Transport};
use futures_util::future::select;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};

/// Answers with what it was asked.
struct Echo;

#[async_trait]
impl Service for Echo {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(Method::STANDARD).method("custom", "")
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let route: serde_json::Map<_, _> =
            request.params.route.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        Ok(json!({
            "method": request.method.name(),
            "id": request.id,
            "data": request.data.value()?,
            "query": request.params.query,
            "route": route,
            "provider": request.params.provider.map(feathers_core::Provider::name),
            "connection": request.params.connection.is_some(),
        })
        .into())
    }
}

/// Has one method.
struct FindOnly;

#[async_trait]
impl Service for FindOnly {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Find])
    }

    async fn call(&self, _request: Request<'_>) -> Result<Payload> {
        Ok(json!([]).into())
    }
}

/// Gives back the data.
struct Back;

#[async_trait]
impl Service for Back {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        Ok(request.data)
    }
}

/// Waits for a signal, and counts the calls that wait.
#[derive(Clone)]
struct Gate {
    started: Arc<Semaphore>,
    go: Arc<Notify>,
    done: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self { started: Arc::new(Semaphore::new(0)), go: Arc::default(), done: Arc::new(Semaphore::new(0)) }
    }
}

#[async_trait]
impl Service for Gate {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Create])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        let go = self.go.notified();
        self.started.add_permits(1);
        go.await;
        self.done.add_permits(1);
        Ok(request.data)
    }
}

fn app() -> App {
    let mut app = App::new();
    app.service("todos", Memory::<Document>::new());
    app.service("echo", Echo);
    app.service("users/:userId/messages", Echo);
    app.service("findonly", FindOnly);
    app.service("back", Back);
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    app.publish(|_, app| app.channel("everyone"));
    app
}

async fn serve_with(app: App, transport: SocketIo) -> (AppHandle, String) {
    let app = app.start().await.unwrap();
    let router = Box::new(transport).router(&app);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (app, address)
}

async fn serve() -> (AppHandle, String) {
    serve_with(app(), SocketIo::new()).await
}

#[tokio::test]
async fn the_frames_are_those_of_feathers() {
    let (_app, address) = serve().await;
    let mut socket = Socket::open(&address).await;
    let open: Value = serde_json::from_str(&socket.opened[1..]).unwrap();
    assert_eq!(open["pingInterval"], 25_000);
    assert_eq!(open["pingTimeout"], 20_000);
    assert_eq!(open["maxPayload"], 1_000_000);
    assert_eq!(open["upgrades"], json!([]));

    socket.send("40").await;
    assert!(socket.next().await.starts_with(r#"40{"sid":""#));
    socket.send(r#"420["find","todos",{}]"#).await;
    assert_eq!(socket.next().await, "430[null,[]]");
    socket.send(r#"421["create","todos",{"text":"milk"},{}]"#).await;
    let event = socket.next().await;
    assert!(event.starts_with(r#"42["todos created",{"text":"milk","id":1},""#), "{event}");
    assert_eq!(socket.next().await, r#"431[null,{"text":"milk","id":1}]"#);
    socket.send(r#"422["get","nope",1,{}]"#).await;
    assert_eq!(
        socket.next().await,
        r#"432[{"name":"NotFound","message":"Service 'nope' not found","code":404,"className":"not-found"}]"#
    );
}

#[tokio::test]
async fn calls_have_positional_arguments() {
    let (_app, address) = serve().await;
    let mut socket = Socket::connect(&address).await;
    let call = |method: &str, id: Value, data: Value, query: Value| {
        json!([null, {
            "method": method, "id": id, "data": data, "query": query, "route": {},
            "provider": "socketio", "connection": true,
        }])
    };
    let none = Value::Null;
    for (arguments, answer) in [
        (json!(["find", "echo"]), call("find", none.clone(), none.clone(), json!({}))),
        (json!(["find", "echo", null]), call("find", none.clone(), none.clone(), json!({}))),
        (json!(["find", "echo", 42]), call("find", none.clone(), none.clone(), json!({}))),
        (json!(["find", "echo", true]), call("find", none.clone(), none.clone(), json!({}))),
        (json!(["find", "echo", "st"]), call("find", none.clone(), none.clone(), json!({"0": "s", "1": "t"}))),
        (json!(["find", "echo", [1, 2]]), call("find", none.clone(), none.clone(), json!({"0": 1, "1": 2}))),
        (
            json!(["find", "echo", {"a": 1, "b": null, "c": [true, "x"], "$limit": 5}]),
            call("find", none.clone(), none.clone(), json!({"a": 1, "b": null, "c": [true, "x"], "$limit": 5})),
        ),
        (json!(["find", "/echo/"]), call("find", none.clone(), none.clone(), json!({}))),
        (json!(["get", "echo"]), call("get", none.clone(), none.clone(), json!({}))),
        (json!(["get", "echo", null]), call("get", none.clone(), none.clone(), json!({}))),
        (json!(["get", "echo", 1]), call("get", json!(1), none.clone(), json!({}))),
        (json!(["get", "echo", "1", {"q": 1}]), call("get", json!("1"), none.clone(), json!({"q": 1}))),
        (json!(["remove", "echo", null]), call("remove", none.clone(), none.clone(), json!({}))),
        (json!(["custom", "echo", {"a": 1}, {"q": 1}]), call("custom", none.clone(), json!({"a": 1}), json!({"q": 1}))),
        (json!(["custom", "echo"]), call("custom", none.clone(), none.clone(), json!({}))),
    ] {
        assert_eq!(socket.call(&arguments).await, answer, "{arguments}");
    }
    // These cause an event, too.
    socket.events.clear();
    for (arguments, answer) in [
        (json!(["create", "echo", {"a": 1}]), call("create", none.clone(), json!({"a": 1}), json!({}))),
        (json!(["create", "echo"]), call("create", none.clone(), none.clone(), json!({}))),
        (json!(["create", "echo", "text"]), call("create", none.clone(), json!("text"), json!({}))),
        (
            json!(["create", "echo", [{"a": 1}], {"q": 1}]),
            call("create", none.clone(), json!([{"a": 1}]), json!({"q": 1})),
        ),
        (json!(["update", "echo", 1, {"a": 1}, {"q": 1}]), call("update", json!(1), json!({"a": 1}), json!({"q": 1}))),
        (json!(["update", "echo", 1]), call("update", json!(1), none.clone(), json!({}))),
        (json!(["patch", "echo", null, {"a": 1}]), call("patch", none.clone(), json!({"a": 1}), json!({}))),
    ] {
        assert_eq!(socket.call(&arguments).await, answer, "{arguments}");
        let event = socket.events.pop_front().unwrap();
        assert_eq!(event[1], answer[1], "{arguments}");
    }
}

#[tokio::test]
async fn mistakes_are_answered_with_feathers_errors() {
    let (_app, address) = serve().await;
    let mut socket = Socket::connect(&address).await;
    let long: Vec<u8> = vec![0; 1_001];
    for (arguments, code, message) in [
        (json!(["find", "echo", {}, {}]), 400, "Too many arguments for 'find' method"),
        (json!(["get", "echo", 1, {}, {}]), 400, "Too many arguments for 'get' method"),
        (json!(["create", "echo", {}, {}, {}]), 400, "Too many arguments for 'create' method"),
        (json!(["update", "echo", 1, {}, {}, {}]), 400, "Too many arguments for 'update' method"),
        (json!(["remove", "echo", 1, {}, {}]), 400, "Too many arguments for 'remove' method"),
        (json!(["get", "nope", 1]), 404, "Service 'nope' not found"),
        (json!(["get", null, 1]), 404, "Invalid service path"),
        (json!(["get", {}, 1]), 404, "Invalid service path"),
        (json!(["get"]), 404, "Invalid service path"),
        (json!(["get", "findonly", 1]), 405, "Method 'get' not allowed on service 'findonly'"),
        (json!(["create", "findonly", {}]), 405, "Method 'create' not allowed on service 'findonly'"),
        (json!(["custom", "todos", {}]), 405, "Method 'custom' not allowed on service 'todos'"),
        (json!(["nope", "echo", {}]), 405, "Method 'nope' not allowed on service 'echo'"),
        (json!(["setup", "echo", {}]), 405, "Method 'setup' not allowed on service 'echo'"),
        (json!(["get", "echo", {"obj": 1}]), 400, "id must be a string or a number"),
        (json!(["get", "echo", [1]]), 400, "id must be a string or a number"),
        (json!(["find", "echo", long]), 400, "the query must be an object"),
        (json!(["get", "todos", 7]), 404, "No record found for id '7'"),
    ] {
        let answer = socket.call(&arguments).await;
        assert_eq!(answer.as_array().unwrap().len(), 1, "{arguments}");
        assert_eq!(answer[0]["code"], code, "{arguments}");
        assert_eq!(answer[0]["message"], message, "{arguments}");
    }
    let deep = format!(r#"["find","echo",{}{}]"#, "[".repeat(200), "]".repeat(200));
    socket.send(&format!("4299{deep}")).await;
    let answer = socket.next().await;
    assert!(answer.contains(r#""code":400"#), "{answer}");
    // Also where nothing reads the data.
    for (levels, end) in
        [(101, r#""message":"Invalid JSON: nested deeper than 100 levels at byte 100""#), (100, "back created")]
    {
        let data = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        socket.send(&format!(r#"427["create","back",{data}]"#)).await;
        let answer = socket.next().await;
        assert!(answer.contains(end), "{answer}");
    }
}

#[tokio::test]
async fn paths_are_looked_up_without_decoding() {
    let (_app, address) = serve().await;
    let mut socket = Socket::connect(&address).await;
    for (arguments, id, route) in [
        (json!(["find", "echo/5"]), Value::Null, json!({"__id": "5"})),
        (json!(["get", "echo/5", 7]), json!(7), json!({"__id": "5"})),
        (json!(["get", "users/5/messages", 1]), json!(1), json!({"userId": "5"})),
        (json!(["find", "users/a%20b/messages"]), Value::Null, json!({"userId": "a%20b"})),
    ] {
        let answer = socket.call(&arguments).await;
        assert_eq!((&answer[1]["id"], &answer[1]["route"]), (&id, &route), "{arguments}");
    }
    socket.call(&json!(["create", "users/5/messages", {"n": 1}])).await;
    assert_eq!(socket.events[0][0], "users/:userId/messages created");
}

#[tokio::test]
async fn events_carry_a_cursor_and_reach_every_client() {
    let (app, address) = serve().await;
    let mut first = Socket::connect(&address).await;
    let mut second = Socket::connect(&address).await;
    first.call(&json!(["create", "back", [{"n": 1}, {"n": 2}]])).await;
    let before: Vec<Value> = first.events.drain(..).collect();
    assert_eq!(before.len(), 2, "all events of a call come before its answer");
    for (event, n) in before.iter().zip([1, 2]) {
        assert_eq!(second.event().await, *event);
        assert_eq!(event[0], "back created");
        assert_eq!(event[1]["n"], n);
        assert_eq!(event.as_array().unwrap().len(), 3);
    }
    assert_eq!(before[1][2], app.log().head().to_string());
}

#[tokio::test]
async fn calls_without_a_callback_run() {
    let (_app, address) = serve().await;
    let mut socket = Socket::connect(&address).await;
    socket.send(r#"42["create","todos",{"n":1}]"#).await;
    assert_eq!(socket.event().await[1]["n"], 1);
    socket.send(r#"42["nope"]"#).await;
    assert_eq!(socket.call(&json!(["find", "findonly"])).await, json!([null, []]));
}

#[tokio::test]
async fn polling_and_the_upgrade_work() {
    let (_app, address) = serve().await;
    let http = reqwest::Client::new();
    let url = format!("http://{address}/socket.io/?EIO=4&transport=polling");
    let open = http.get(&url).send().await.unwrap().text().await.unwrap();
    let open: Value = serde_json::from_str(&open[1..]).unwrap();
    assert_eq!(open["upgrades"], json!(["websocket"]));
    let sid = open["sid"].as_str().unwrap();
    let url = format!("{url}&sid={sid}");
    let post = async |text: &str| {
        let response = http.post(&url).body(text.to_owned()).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), "ok");
    };
    // Packets that are no pings, as many as asked for.
    let poll = async |count: usize| {
        let mut packets = Vec::new();
        while packets.len() < count {
            let text = http.get(&url).send().await.unwrap().text().await.unwrap();
            packets.extend(text.split('\u{1e}').filter(|packet| *packet != "2").map(str::to_owned));
        }
        packets
    };

    post("40").await;
    assert!(poll(1).await[0].starts_with(r#"40{"sid":""#));
    post(r#"420["create","todos",{"n":1}]"#).await;
    let packets = poll(2).await;
    assert!(packets[0].starts_with(r#"42["todos created",{"n":1,"id":1}"#));
    assert_eq!(packets[1], r#"430[null,{"n":1,"id":1}]"#);

    let mut socket = Socket::upgrade(&address, sid).await;
    assert_eq!(socket.call(&json!(["get", "todos", 1])).await, json!([null, {"n": 1, "id": 1}]));
}

/// A client that polls, whose requests are named as those of stock clients are.
struct Named {
    http: reqwest::Client,
    url: String,
}

impl Named {
    async fn open(address: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{address}/socket.io/?EIO=4&transport=polling");
        let open = http.get(&url).send().await.unwrap().text().await.unwrap();
        let open: Value = serde_json::from_str(&open[1..]).unwrap();
        Self { http, url: format!("{url}&sid={}", open["sid"].as_str().unwrap()) }
    }

    async fn get(&self, mark: &str) -> (u16, String) {
        let response = self.http.get(format!("{}{mark}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn post(&self, mark: &str, body: &str) -> (u16, String) {
        let response = self.http.post(format!("{}{mark}", self.url)).body(body.to_owned()).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn join(address: &str) -> Self {
        let client = Self::open(address).await;
        assert_eq!(client.post("&t=join", "40").await, (200, "ok".to_owned()));
        let (status, packets) = client.get("&t=joined").await;
        assert!(status == 200 && packets.starts_with(r#"40{"sid":""#), "{packets}");
        client
    }
}

/// Browsers repeat a request by themselves when a kept-alive connection is reset before the answer begins.
#[tokio::test]
async fn a_poll_that_comes_again_gets_the_same_answer() {
    let (app, address) = serve().await;
    let todos = app.service("todos").unwrap();
    let client = Named::join(&address).await;
    todos.create(json!({ "n": 1 }), ()).await.unwrap();
    let first = client.get("&t=a").await;
    assert!(first.1.contains(r#"{"n":1,"id":1}"#), "{first:?}");
    todos.create(json!({ "n": 2 }), ()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(client.get("&t=a").await, first);
    }
    let second = client.get("&t=b").await;
    assert!(second.1.contains(r#"{"n":2,"id":2}"#) && !second.1.contains(r#""n":1"#), "{second:?}");

    // Without a name, and with an empty one, every poll is the next one.
    for (n, mark) in [(3, ""), (4, ""), (5, "&t="), (6, "&t=")] {
        todos.create(json!({ "n": n }), ()).await.unwrap();
        let (status, packets) = client.get(mark).await;
        assert!(status == 200 && packets.contains(&format!(r#"{{"n":{n},"#)), "{packets}");
    }
}

#[tokio::test]
async fn a_poll_that_comes_again_while_the_first_waits_takes_it_over() {
    let (app, address) = serve().await;
    let client = Named::join(&address).await;
    // The poll that is given up is answered at once; which of them it is depends on the network.
    let (one, other) = (Box::pin(client.get("&t=a")), Box::pin(client.get("&t=a")));
    let (given_up, waiting) = select(one, other).await.factor_first();
    assert_eq!(given_up.0, 400, "{given_up:?}");
    app.service("todos").unwrap().create(json!({ "n": 1 }), ()).await.unwrap();
    let answered = waiting.await;
    assert!(answered.0 == 200 && answered.1.contains(r#"{"n":1,"id":1}"#), "{answered:?}");
    assert_eq!(client.get("&t=a").await, answered);
}

#[tokio::test]
async fn a_post_that_comes_again_is_not_run_again() {
    let (_app, address) = serve().await;
    let client = Named::join(&address).await;
    let ok = (200, "ok".to_owned());
    for _ in 0..3 {
        assert_eq!(client.post("&t=a", r#"421["create","todos",{"n":1}]"#).await, ok);
    }
    // Another body is another POST, and so is the same body without a name.
    assert_eq!(client.post("&t=a", r#"422["create","todos",{"n":2}]"#).await, ok);
    for _ in 0..2 {
        assert_eq!(client.post("", r#"423["create","todos",{"n":3}]"#).await, ok);
    }
    assert_eq!(client.post("&t=b", r#"424["find","todos",{}]"#).await, ok);
    let mut packets = String::new();
    for poll in 0.. {
        packets += &client.get(&format!("&t=c{poll}")).await.1;
        if ["431[", "432[", "434["].iter().filter(|start| packets.contains(*start)).count() == 3
            && packets.matches("433[").count() == 2
        {
            break;
        }
    }
    let created = |n: u32| packets.matches(&format!(r#"42["todos created",{{"n":{n},"#)).count();
    assert_eq!(([1, 2, 3].map(created), packets.matches("431[").count()), ([1, 1, 2], 1), "{packets}");
}

#[tokio::test]
async fn an_answer_that_is_too_large_to_be_kept_is_not_left_out_in_silence() {
    let (_app, address) = serve().await;
    let client = Named::join(&address).await;
    let text = "x".repeat(300_000);
    client.post("&t=a", &format!(r#"421["custom","echo","{text}"]"#)).await;
    let (status, packets) = client.get("&t=b").await;
    assert!(status == 200 && packets.len() > text.len());
    // The client takes the error for the end of its connection, and comes back with what it had.
    assert_eq!(client.get("&t=b").await.0, 400);
    let unknown = (400, r#"{"code":1,"message":"Session ID unknown"}"#.to_owned());
    let over = async { while client.get("&t=c").await != unknown {} };
    tokio::time::timeout(Duration::from_secs(20), over).await.expect("the session ends");
}

#[tokio::test]
async fn messages_past_the_limit_close_the_connection() {
    let (_app, address) = serve().await;
    let mut socket = Socket::connect(&address).await;
    let fits = "x".repeat(900_000);
    assert_eq!(socket.call(&json!(["custom", "echo", fits])).await[1]["data"], fits);
    let mut other = Socket::connect(&address).await;
    socket.send(&format!(r#"421["custom","echo","{}"]"#, "x".repeat(1_000_000))).await;
    assert!(socket.ended().await);
    assert_eq!(other.call(&json!(["find", "findonly"])).await, json!([null, []]));

    let http = reqwest::Client::new();
    let url = format!("http://{address}/socket.io/?EIO=4&transport=polling");
    let open = http.get(&url).send().await.unwrap().text().await.unwrap();
    let open: Value = serde_json::from_str(&open[1..]).unwrap();
    let url = format!("{url}&sid={}", open["sid"].as_str().unwrap());
    let response = http.post(url).body("x".repeat(1_100_000)).send().await.unwrap();
    assert_eq!(response.status(), 413);
}

#[tokio::test]
async fn malformed_frames_close_only_their_connection() {
    let (_app, address) = serve().await;
    let mut other = Socket::connect(&address).await;
    for frame in ["47", "4", "42", "42{}", "9", "45x-[]", "é"] {
        let mut socket = Socket::connect(&address).await;
        socket.send(frame).await;
        assert!(socket.ended().await, "{frame}");
    }
    // JSON that is cut off or names no method is a mistake of one call.
    let mut socket = Socket::connect(&address).await;
    socket.send(r#"420["find","todos""#).await;
    assert!(socket.next().await.contains(r#""code":400"#));
    socket.send("421[1]").await;
    assert!(socket.next().await.contains(r#""code":400"#));
    // A call before the connection to the namespace.
    let mut socket = Socket::open(&address).await;
    socket.send(r#"420["find","todos"]"#).await;
    assert!(socket.ended().await);
    assert_eq!(other.call(&json!(["find", "findonly"])).await, json!([null, []]));
}

#[tokio::test]
async fn binary_data_is_refused_with_an_answer() {
    let (_app, address) = serve().await;
    let mut socket = Socket::connect(&address).await;
    socket.send(r#"451-7["create","todos",{"_placeholder":true,"num":0}]"#).await;
    socket.send_binary(&[1, 2, 3]).await;
    let answer = socket.next().await;
    assert!(answer.starts_with(r#"437[{"name":"BadRequest","message":"binary data is not supported""#), "{answer}");
    assert_eq!(socket.call(&json!(["find", "todos"])).await, json!([null, []]));
}

#[tokio::test]
async fn the_handshake_can_refuse_and_leave_values() {
    #[derive(Clone)]
    struct Name(String);

    let mut app = app();
    app.on_connect(|connection, app| {
        let name = connection.get::<Name>().unwrap();
        app.channel(format!("{}-{}", name.0, connection.query()["a"]["b"].as_str().unwrap()).as_str()).join(connection);
    });
    let transport = SocketIo::new()
        .handshake(|connection| {
            let auth = connection.get::<HandshakeAuth>().unwrap();
            let name =
                auth.0.get("name").and_then(Value::as_str).ok_or_else(|| Error::not_authenticated("no \"name\""))?;
            connection.insert(Name(name.to_owned()));
            Ok(())
        })
        .handshake_async(async |connection, app| {
            let name = connection.get::<Name>().unwrap().0;
            app.service("todos")?.create(json!({ "name": name }), ()).await.map(drop)
        });
    let (app, address) = serve_with(app, transport).await;

    let mut socket = Socket::open_with(&address, "&a[b]=c").await;
    socket.send("40").await;
    assert_eq!(socket.next().await, r#"44{"message":"no \"name\""}"#);
    assert_eq!(app.connections(), 0);
    socket.send(r#"40{"name":"ann"}"#).await;
    assert!(socket.next().await.starts_with("40{"));
    assert!(app.channels().iter().any(|name| &**name == "ann-c"));
    assert_eq!(app.service("todos").unwrap().find(()).await.unwrap().items().unwrap().unwrap().len(), 1);
    socket.send("40/admin,").await;
    assert_eq!(socket.next().await, r#"44/admin,{"message":"Invalid namespace"}"#);
}

#[tokio::test]
async fn connections_leave_their_channels() {
    let ended = Arc::new(Semaphore::new(0));
    let mut app = app();
    app.on_disconnect({
        let ended = ended.clone();
        move |_, _| ended.add_permits(1)
    });
    let (app, address) = serve_with(app, SocketIo::new()).await;
    let first = Socket::connect(&address).await;
    let mut second = Socket::connect(&address).await;
    let third = Socket::connect(&address).await;
    assert_eq!(app.channel("everyone").len(), 3);

    first.close().await;
    ended.acquire().await.unwrap().forget();
    assert_eq!(app.channel("everyone").len(), 2);
    second.send("41").await;
    ended.acquire().await.unwrap().forget();
    assert_eq!(app.channel("everyone").len(), 1);
    drop(third);
    ended.acquire().await.unwrap().forget();
    assert_eq!(app.channel("everyone").len(), 0);
    assert_eq!(app.connections(), 0);
}

#[tokio::test]
async fn the_server_can_end_a_connection() {
    let mut app = app();
    app.service("kick", Echo).before("all", async |ctx: &mut feathers_core::Context| {
        ctx.params.connection.as_ref().unwrap().disconnect();
        Ok(())
    });
    let (app, address) = serve_with(app, SocketIo::new()).await;
    let mut socket = Socket::connect(&address).await;
    socket.send(r#"42["find","kick"]"#).await;
    assert_eq!(socket.next().await, "41");
    assert_eq!(app.connections(), 0);
}

#[tokio::test]
async fn calls_run_together_within_bounds_and_survive_their_client() {
    let gate = Gate::new();
    let mut app = app();
    app.service("gate", gate.clone());
    let (_app, address) = serve_with(app, SocketIo::new()).await;
    let mut socket = Socket::connect(&address).await;
    for id in 0..65 {
        socket.send(&format!(r#"42{id}["create","gate",{id}]"#)).await;
    }
    gate.started.acquire_many(64).await.unwrap().forget();
    // Other clients do not wait for this one.
    let mut other = Socket::connect(&address).await;
    assert_eq!(other.call(&json!(["find", "findonly"])).await, json!([null, []]));
    assert_eq!(gate.started.available_permits(), 0, "the 65th call waits");
    gate.go.notify_one();
    assert_eq!(socket.answer().await, json!([null, 0]));
    gate.started.acquire().await.unwrap().forget();

    socket.close().await;
    gate.go.notify_waiters();
    gate.done.acquire_many(65).await.unwrap().forget();
}

#[tokio::test]
async fn leaving_and_joining_again_does_not_renew_the_bound_of_calls() {
    let gate = Gate::new();
    let mut app = app();
    app.service("gate", gate.clone());
    let (_app, address) = serve_with(app, SocketIo::new()).await;
    let mut socket = Socket::connect(&address).await;
    for id in 0..64 {
        socket.send(&format!(r#"42{id}["create","gate",{id}]"#)).await;
    }
    gate.started.acquire_many(64).await.unwrap().forget();
    socket.send("41").await;
    socket.send("40").await;
    assert!(socket.next().await.starts_with("40{"));
    socket.send(r#"42100["create","gate",100]"#).await;
    socket.send(r#"42101["find","findonly"]"#).await;
    // By this answer the server has read everything before it.
    socket.send("40/nosuch").await;
    assert!(socket.next().await.starts_with("44/nosuch"));
    assert_eq!(gate.started.available_permits(), 0, "the 65th call waits for one of those before");
    gate.go.notify_waiters();
    gate.started.acquire().await.unwrap().forget();
    gate.go.notify_one();
    // A client that has left gets no answers to its earlier calls.
    let answers = [socket.answer().await, socket.answer().await];
    assert!(answers.contains(&json!([null, 100])) && answers.contains(&json!([null, []])), "{answers:?}");
    gate.done.acquire_many(65).await.unwrap().forget();
}

#[tokio::test]
async fn who_calls_too_often_is_told_when_to_try_again() {
    let rate = RateLimit::per_minute(1).burst(3);
    let (_app, address) = serve_with(app(), SocketIo::new().call_rate(rate)).await;
    let mut socket = Socket::connect(&address).await;
    for _ in 0..3 {
        assert_eq!(socket.call(&json!(["find", "findonly"])).await, json!([null, []]));
    }
    socket.send("41").await;
    socket.send("40").await;
    assert!(socket.next().await.starts_with("40{"));
    let refused = socket.call(&json!(["find", "findonly"])).await;
    assert_eq!((&refused[0]["code"], &refused[0]["data"]), (&json!(429), &json!({ "retryAfter": 60 })));
    assert_eq!(refused[0]["message"], "too many calls on this connection");
    let mut other = Socket::connect(&address).await;
    assert_eq!(other.call(&json!(["find", "findonly"])).await, json!([null, []]));
}

/// Begins to post a body to a polling session and returns the connection.
async fn half_a_post(address: &str, sid: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    let head = format!("POST {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1000\r\n\r\n42[");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_body_that_does_not_come_ends_with_its_time_or_its_session() {
    let server = Server::new(app()).bind("127.0.0.1:0").request_timeout(Duration::from_millis(300));
    let running = server.start().await.unwrap();
    let address = running.addr().to_string();
    let http = reqwest::Client::new();
    let url = format!("http://{address}/socket.io/?EIO=4&transport=polling");
    let open = async || {
        let open = http.get(&url).send().await.unwrap().text().await.unwrap();
        let open: Value = serde_json::from_str(&open[1..]).unwrap();
        open["sid"].as_str().unwrap().to_owned()
    };
    let rest = async |mut stream: TcpStream| {
        let mut answer = String::new();
        let patience = Duration::from_secs(30);
        tokio::time::timeout(patience, stream.read_to_string(&mut answer)).await.expect("an answer").unwrap();
        answer
    };
    let sid = open().await;
    let answer = rest(half_a_post(&address, &sid).await).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("no answer after 300ms"), "{answer}");
    // With a session that ends, its bodies end at once.
    let server = Server::new(app()).bind("127.0.0.1:0").request_timeout(Duration::from_mins(10));
    let running = server.start().await.unwrap();
    let address = running.addr().to_string();
    let url = format!("http://{address}/socket.io/?EIO=4&transport=polling");
    let open = http.get(&url).send().await.unwrap().text().await.unwrap();
    let open: Value = serde_json::from_str(&open[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let half = half_a_post(&address, sid).await;
    assert_eq!(http.post(format!("{url}&sid={sid}")).body("1").send().await.unwrap().status(), 200);
    let answer = rest(half).await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("Session ID unknown"), "{answer}");
}

#[tokio::test]
async fn a_client_that_does_not_read_harms_nobody() {
    let transport = SocketIo::new().ping_interval(Duration::from_secs(1)).ping_timeout(Duration::from_secs(1));
    let (app, address) = serve_with(app(), transport).await;
    let mut reads = Socket::connect(&address).await;
    let silent = Socket::connect(&address).await;
    let text = "x".repeat(200_000);
    for n in 0..200 {
        app.service("todos").unwrap().create(json!({ "n": n, "text": text }), ()).await.unwrap();
        assert_eq!(reads.event().await[1]["n"], n);
    }
    // It does not answer pings, so it is closed.
    while app.connections() > 1 {
        reads.pong().await;
    }
    drop(silent);
}

#[tokio::test]
async fn the_shutdown_answers_calls_and_closes_the_engine() {
    let gate = Gate::new();
    let ended = Arc::new(Semaphore::new(0));
    let mut app = app();
    app.service("gate", gate.clone());
    app.on_disconnect({
        let ended = ended.clone();
        move |_, _| ended.add_permits(1)
    });
    let (app, address) = serve_with(app, SocketIo::new()).await;
    let mut socket = Socket::connect(&address).await;
    socket.send(r#"421["create","gate",{"n":1}]"#).await;
    gate.started.acquire().await.unwrap().forget();
    let stopped = tokio::spawn({
        let app = app.clone();
        async move { app.shutdown(Duration::from_secs(10)).await }
    });
    app.stopping().await;

    let url = format!("http://{address}/socket.io/?EIO=4&transport=polling");
    assert_eq!(reqwest::get(url).await.unwrap().status(), 503);
    socket.send(r#"422["find","todos"]"#).await;
    assert!(socket.next().await.contains(r#""code":503"#));
    gate.go.notify_one();
    assert!(socket.next().await.starts_with(r#"42["gate created""#));
    assert_eq!(socket.next().await, r#"431[null,{"n":1}]"#);
    // A close frame, and not `41`: clients come back by themselves.
    assert_eq!(socket.next().await, "going away");
    stopped.await.unwrap().unwrap();
    assert_eq!(ended.available_permits(), 1);
}

#[tokio::test]
async fn a_websocket_of_another_version_is_told_which_is_spoken() {
    let (_app, address) = serve().await;
    let url = format!("http://{address}/socket.io/?EIO=4&transport=websocket");
    for (version, told) in [("8", true), ("13", false)] {
        let request = reqwest::Client::new().get(&url).header("upgrade", "websocket").header("connection", "upgrade");
        let answer = request.header("sec-websocket-version", version).send().await.unwrap();
        let header = answer.headers().get("sec-websocket-version").map(|version| version.to_str().unwrap());
        assert_eq!((answer.status().as_u16(), header), (400, told.then_some("13")), "{version}");
    }
}

#[tokio::test]
async fn the_client_bundle_is_served() {
    let (_app, address) = serve_with(app(), SocketIo::new().path("ws")).await;
    let http = reqwest::Client::new();
    let (script, map) = ("application/javascript; charset=utf-8", "application/json; charset=utf-8");
    for (name, kind, text) in [
        ("socket.io.js", script, "Socket.IO v4"),
        ("socket.io.min.js", script, "//# sourceMappingURL=socket.io.min.js.map"),
        ("socket.io.min.js.map", map, r#"{"version":3,"file":"socket.io.min.js""#),
        ("socket.io.esm.min.js", script, " as io,"),
        ("socket.io.esm.min.js.map", map, r#"{"version":3,"file":"socket.io.esm.min.js""#),
        ("socket.io.msgpack.min.js", script, "//# sourceMappingURL=socket.io.msgpack.min.js.map"),
        ("socket.io.msgpack.min.js.map", map, r#"{"version":3,"file":"socket.io.msgpack.min.js""#),
    ] {
        let url = format!("http://{address}/ws/{name}");
        let response = http.get(&url).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], kind);
        assert_eq!(response.headers()["cache-control"], "public, max-age=0");
        let tag = response.headers()["etag"].clone();
        assert!(response.text().await.unwrap().contains(text), "{name}");
        // A source map is kept compressed, and sent so to clients that accept it.
        let packed = http.get(&url).header("accept-encoding", "br, gzip").send().await.unwrap();
        let coding = packed.headers().get("content-encoding").map(|coding| coding.to_str().unwrap().to_owned());
        assert_eq!(coding.as_deref(), (kind == map).then_some("gzip"), "{name}");
        assert_eq!(packed.bytes().await.unwrap().starts_with(b"\x1f\x8b"), kind == map, "{name}");
        let response = http.get(&url).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(response.status(), 304);
    }
}
