//! GRIP: what is published to proxies, and how.

use feathers_core::Payload;
use feathers_transports::{Grip, GripProxy};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::grip_support::{Control, SECRET, get, grip, serve, stream};
use crate::realtime_support::{app, notes, pass, tick};

/// The control endpoint of a proxy that does not run.
const NOWHERE: &str = "http://127.0.0.1:9";

#[tokio::test]
async fn every_event_is_one_item_with_its_place_in_three_formats() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await).prefix("app;")).await;
    let seat = stream(&server, "").await.seat();
    assert_eq!(seat.0, "app%3Be-everybody");
    pass(server.handle(), 1);
    tick(server.handle(), [1, 2]);
    let items = control.on(&seat.0, 2).await;
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    assert_eq!(items[0]["prev-id"], *seat.1);
    assert_eq!(items[1]["prev-id"], items[0]["id"]);
    let cursor = server.handle().log().head().to_string();
    assert_eq!(id(&items[1]), cursor);
    let event = json!({ "path": "notes", "event": "ticked", "data": { "n": 2 } });
    let formats = &items[1]["formats"];
    assert_eq!(
        formats["http-stream"],
        json!({ "action": "send", "content": format!("id: {cursor}\ndata: {event}\n\n") })
    );
    let response = &formats["http-response"];
    assert_eq!(
        (&response["action"], &response["code"], &response["content-filters"], &response["headers"]),
        (
            &json!("send"),
            &json!(200),
            &json!(["var-subst"]),
            &json!({ "Content-Type": "application/json; charset=utf-8", "ETag": format!("\"{cursor}\"") })
        )
    );
    let body: Value = serde_json::from_str(response["body"].as_str().unwrap()).unwrap();
    let item = json!({ "id": cursor, "path": "notes", "event": "ticked", "data": { "n": 2 } });
    assert_eq!(
        body,
        json!({ "events": [item], "cursor": cursor, "more": false, "connectionToken": "%(connection_token)s" })
    );
    let message: Value = serde_json::from_str(formats["ws-message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!((&message["method"], &message["params"]["cursor"]), (&json!("$event"), &json!(cursor)));
}

#[tokio::test]
async fn an_event_in_two_channels_of_a_client_reaches_it_once_and_each_audience_what_is_for_it() {
    let control = Control::default();
    let mut app = app();
    notes(&mut app, "both").publish(|_, app| {
        [app.channel("b").send(json!({ "for": "b" })), app.channel(["a", "everybody"]), app.channel("c;d,\r\n")]
    });
    app.on_connect(|connection, app| {
        let name = connection.query().get("in").and_then(Value::as_str).unwrap_or("a").to_owned();
        app.channel(name).join(connection);
    });
    let server = serve(app, grip(&control.start().await)).await;
    let (a, b, c) =
        (stream(&server, "?in=a").await, stream(&server, "?in=b").await, stream(&server, "?in=c%3Bd%2C%0D%0A").await);
    assert_eq!((&*a.seat().0, &*b.seat().0), ("e-a+everybody", "e-b+everybody"));
    assert_eq!(c.seat().0, "e-c%3Bd%2C%0D%0A+everybody");
    let named = stream(&server, "?in=a&names=1").await;
    assert_eq!(named.seat().0, "n-a+everybody");
    server.handle().service("both").unwrap().emit("ticked", Payload::from(json!({ "for": "all" })));
    tick(server.handle(), [1]);
    for (answer, text) in [(&a, "all"), (&b, "b"), (&c, "all"), (&named, "all")] {
        let items = control.on(&answer.seat().0, 2).await;
        assert_eq!(items.len(), 2);
        let content = items[0]["formats"]["http-stream"]["content"].as_str().unwrap();
        assert!(content.contains(&format!("{{\"for\":\"{text}\"}}")), "{content}");
    }
    let named = control.on(&named.seat().0, 2).await;
    let formats = named[0]["formats"].as_object().unwrap();
    assert_eq!(formats.keys().collect::<Vec<_>>(), ["http-stream"]);
    assert!(named[0]["formats"]["http-stream"]["content"].as_str().unwrap().starts_with("event: both ticked\n"));
}

#[tokio::test]
async fn what_code_decides_is_a_hint_and_read_with_ones_own_rights() {
    let control = Control::default();
    let mut app = app();
    notes(&mut app, "some")
        .publish(|_, app| app.channel("everybody").filter(|connection| connection.query().get("vip").is_some()));
    let server = serve(app, grip(&control.start().await)).await;
    let (vip, other) = (stream(&server, "?vip=1").await, stream(&server, "").await);
    tick(server.handle(), [1]);
    server.handle().service("some").unwrap().emit("ticked", Payload::from(json!({ "secret": true })));
    tick(server.handle(), [3]);
    let items = control.on("e-everybody", 3).await;
    let formats = json!({ "http-stream": { "action": "hint" }, "http-response": { "action": "hint" } });
    assert_eq!(items[1]["formats"], formats);
    assert_eq!((&items[1]["prev-id"], &items[2]["prev-id"]), (&items[0]["id"], &items[1]["id"]));
    assert!(!control.items().iter().any(|item| item.to_string().contains("secret")));
    // A client at the id of the hint has got everything before it, and reads on from there.
    let last = format!("e-everybody; last-id={}", items[1]["id"].as_str().unwrap());
    let cursor = |index: usize| items[index]["id"].as_str().unwrap().to_owned();
    let vip = get(&server, &vip.link().0, &[("grip-last", &last)]).await;
    assert_eq!((vip.ids().len(), vip.ids().last()), (2, Some(&cursor(2))));
    assert!(vip.text().contains("secret"));
    assert_eq!(get(&server, &other.link().0, &[("grip-last", &last)]).await.ids(), [cursor(2)]);
}

#[tokio::test]
async fn a_proxy_that_is_down_delays_nobody_and_gets_everything_when_it_comes_back() {
    let (up, down) = (Control::default(), Control::default());
    let url = up.start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let settings = grip(&url).proxy(GripProxy::new(format!("http://{address}")).verify_key("another"));
    let server = serve(app(), settings).await;
    stream(&server, "").await;
    tick(server.handle(), 0..50);
    let items = up.on("e-everybody", 50).await;
    assert!(up.requests() < 50, "they are brought together");
    assert_eq!(down.items().len(), 0);
    down.refuse(503);
    down.start_on(tokio::net::TcpListener::bind(address).await.unwrap());
    down.until("a try", |control| control.requests() > 0).await;
    down.refuse(0);
    assert_eq!(down.on("e-everybody", 50).await, items);
    // An item that no proxy will accept is skipped.
    up.refuse(400);
    let before = up.requests();
    tick(server.handle(), [50]);
    up.until("the refusal", |control| control.requests() > before).await;
    up.refuse(0);
    tick(server.handle(), [51]);
    let items = up.on("e-everybody", 51).await;
    assert_ne!(items[50]["prev-id"], items[49]["id"], "which its clients see");
}

#[tokio::test]
async fn the_control_endpoint_is_shown_what_it_asks_for() {
    for (key, iss) in [(Some("a key"), None), (Some("a key"), Some("app")), (None, None)] {
        let control = Control::default();
        let mut proxy = GripProxy::new(control.start().await).verify_key(SECRET);
        if let Some(key) = key {
            proxy = proxy.key(key);
        }
        if let Some(iss) = iss {
            proxy = proxy.control_iss(iss);
        }
        let server = serve(app(), Grip::new().proxy(proxy)).await;
        stream(&server, "").await;
        tick(server.handle(), [1]);
        control.on("e-everybody", 1).await;
        let headers = control.headers();
        let shown = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        match (key, iss) {
            (Some(key), None) => assert_eq!(shown, Some(format!("Bearer {key}"))),
            (None, _) => assert_eq!(shown, None),
            (Some(key), Some(_)) => {
                let mut rules = jsonwebtoken::Validation::new(Algorithm::HS256);
                rules.set_issuer(&["app"]);
                let key = jsonwebtoken::DecodingKey::from_secret(key.as_bytes());
                let token = shown.unwrap();
                jsonwebtoken::decode::<Value>(token.strip_prefix("Bearer ").unwrap(), &key, &rules).unwrap();
            }
        }
    }
}

#[tokio::test]
async fn a_setting_that_cannot_be_is_an_error_of_the_start_that_shows_no_secret() {
    let broken = "-----BEGIN PUBLIC KEY-----\nhidden\n-----END PUBLIC KEY-----";
    let proxy = || GripProxy::new(NOWHERE);
    for (proxy, message) in [
        (proxy(), "grip: `proxies[0].verify_key` is missing, and no request would be believed without"),
        (proxy().verify_key(""), "grip: `proxies[0].verify_key` is empty"),
        (
            proxy().verify_key("base64:hidden!"),
            "grip: `proxies[0].verify_key` begins with 'base64:' and what follows is not base64",
        ),
        (
            proxy().verify_key(broken),
            "grip: `proxies[0].verify_key` is PEM, but no public key of RSA or of the curve P-256",
        ),
        (
            proxy().verify_key(SECRET).control_iss("app"),
            "grip: `proxies[0].key` is missing, and `control_iss` needs it",
        ),
        (
            proxy().verify_key(SECRET).key(broken).control_iss("app"),
            "grip: `proxies[0].key` is PEM, but no private key of RSA or of the curve P-256",
        ),
        (
            GripProxy::new("ftp://hidden").verify_key(SECRET),
            "grip: `proxies[0].control_uri` must be http:// or https://, a host and perhaps a path",
        ),
    ] {
        let grip = Grip::new().proxy(proxy);
        assert!(!format!("{grip:?}").contains("hidden"));
        let server = feathers_transports::Server::new(app()).bind("127.0.0.1:0").grip(grip);
        assert_eq!(server.start().await.unwrap_err().message(), message);
    }
    let url = |text: &str| GripProxy::from_url(text).map(drop).map_err(|error| error.message().to_owned());
    assert_eq!(url("http://127.0.0.1:5561/?iss=a&key=base64:YQ==&verify-iss=b&verify-key=c"), Ok(()));
    let place = "the URL of a GRIP proxy";
    assert_eq!(url("a b"), Err(format!("{place} is not a URL")));
    assert_eq!(url("/publish"), Err(format!("{place} must begin with http:// or https:// and a host")));
    let known = "only 'iss', 'key', 'verify-iss' and 'verify-key' are";
    assert_eq!(url("http://x/?verify_key=hidden"), Err(format!("{place}: 'verify_key' is not known, {known}")));
}

#[tokio::test]
async fn of_many_items_only_the_one_that_is_refused_is_missing_and_sockets_come_back() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await).fan_out(true)).await;
    let seat = stream(&server, "").await.seat();
    control.refuse(503);
    tick(server.handle(), 0..10);
    server.handle().service("notes").unwrap().emit("ticked", Payload::from(json!({ "text": "poison" })));
    tick(server.handle(), 10..20);
    control.refuse_text("poison");
    control.refuse(0);
    let events =
        |control: &Control| control.items().into_iter().filter(|item| item["id"].is_string()).collect::<Vec<_>>();
    control.until("20 events", |control| events(control).len() == 20).await;
    let events = events(&control);
    assert_eq!((&events[0]["prev-id"], &events[9]["id"]), (&json!(seat.1), &events[9]["id"]));
    assert_ne!(events[10]["prev-id"], events[9]["id"]);
    let close = json!({ "ws-message": { "action": "close", "code": 4201, "reason": "come back" } });
    let items = control.items();
    let closed = items.iter().position(|item| item["formats"] == close && item["channel"] == seat.0).unwrap();
    assert_eq!(items[closed + 1], events[10], "before what comes next");
}

#[tokio::test]
async fn what_is_too_big_for_a_proxy_is_a_hint() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let answer = stream(&server, "").await;
    // Each percent sign is seven bytes where it is written into the answer of a poll.
    let text = "%".repeat(140_000);
    server.handle().service("notes").unwrap().emit("ticked", Payload::from(json!({ "text": text })));
    let items = control.on(&answer.seat().0, 1).await;
    assert_eq!(items[0]["formats"]["http-stream"], json!({ "action": "hint" }));
}
