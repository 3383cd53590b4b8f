//! The alternative Socket.IO transport, on the `socketioxide` crate: the same frames for what both can do.

use feathers_core::{App, Document, Memory};
use feathers_testing::socketio::Socket;
use feathers_transports::{Server, SocketIoxide};
use serde_json::json;

#[tokio::test]
async fn calls_events_and_errors_are_those_of_the_other_one() {
    let mut app = App::new();
    app.service("todos", Memory::<Document>::new()).publish(|_, app| app.channel("everybody"));
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    let server = Server::new(app).bind("127.0.0.1:0").without_defaults().transport(SocketIoxide::new());
    let server = server.start().await.unwrap();
    let address = server.addr().to_string();
    let (mut ann, mut bob) = (Socket::connect(&address).await, Socket::connect(&address).await);

    ann.send(r#"421["create","todos",{"text":"milk"}]"#).await;
    let cursor = server.handle().log().head();
    let event = format!(r#"42["todos created",{{"text":"milk","id":1}},"{}-1"]"#, cursor.epoch());
    assert_eq!(ann.next().await, event, "the event comes before the answer");
    assert_eq!(ann.next().await, r#"431[null,{"text":"milk","id":1}]"#);
    assert_eq!(
        bob.event().await,
        json!(["todos created", { "text": "milk", "id": 1 }, format!("{}-1", cursor.epoch())])
    );
    assert_eq!(
        bob.call(&json!(["find", "todos", { "text": "milk" }])).await,
        json!([null, [{ "text": "milk", "id": 1 }]])
    );
    let error = bob.call(&json!(["get", "nope", 1])).await;
    assert_eq!(error[0]["message"], "Service 'nope' not found");

    server.stop().await.unwrap();
}

#[tokio::test]
async fn s1_foreign_pages_with_cookies_are_refused() {
    let server = Server::new(App::new()).bind("127.0.0.1:0").without_defaults().transport(SocketIoxide::new());
    let server = server.start().await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/socket.io/?EIO=4&transport=polling", server.url());
    let own = server.url();
    for (origin, cookie, expected) in
        [("http://evil", true, 403), ("null", true, 403), ("http://evil", false, 200), (&*own, true, 200)]
    {
        let mut request = http.get(&url).header("origin", origin);
        if cookie {
            request = request.header("cookie", "session=1");
        }
        assert_eq!(request.send().await.unwrap().status(), expected, "{origin} {cookie}");
    }
}

#[tokio::test]
async fn auth_says_from_where_a_client_wants_events() {
    let mut app = App::new();
    app.service("todos", Memory::<Document>::new()).publish(|_, app| app.channel("everybody"));
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    let server = Server::new(app).bind("127.0.0.1:0").without_defaults().transport(SocketIoxide::new());
    let server = server.start().await.unwrap();
    let start = server.handle().log().head();
    server.handle().service("todos").unwrap().create(json!({ "text": "milk" }), ()).await.unwrap();
    let mut socket = Socket::open_with(&server.addr().to_string(), "").await;
    socket.send(&format!(r#"40{{"since":"{start}"}}"#)).await;
    assert!(socket.next().await.starts_with("40{"));
    let event = format!(r#"42["todos created",{{"text":"milk","id":1}},"{}-1"]"#, start.epoch());
    assert_eq!(socket.next().await, event);
    let mut socket = Socket::open_with(&server.addr().to_string(), "").await;
    socket.send(r#"40{"since":7}"#).await;
    assert!(socket.next().await.starts_with("40{"));
    assert!(socket.next().await.starts_with(r#"42["reset",{"reason":"bad-cursor""#));
    server.stop().await.unwrap();
}
