//! Compression, health checks, metrics, transports, addresses.

use axum::Router;
use axum::routing::get as route;
use feathers_core::{App, AppHandle, Document, Error, Memory};
use feathers_transports::{Listen, Server, Transport};

use crate::services::standard;
use crate::support::{get, post, send, serve, serve_with};

#[tokio::test]
async fn large_answers_are_compressed_for_clients_that_accept_it() {
    let server = serve(standard).await;
    let large = format!("/echo?a={}", "x".repeat(5_000));
    for (encoding, expected) in
        [("gzip", Some("gzip")), ("br", Some("br")), ("gzip, br", Some("br")), ("identity", None)]
    {
        let answer = send(&server, "GET", &large, &[("accept-encoding", encoding)], "").await;
        assert_eq!(answer.header("content-encoding"), expected, "{encoding}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
        assert!(answer.text.len() < 1_000 || expected.is_none());
    }
    let small = send(&server, "GET", "/echo", &[("accept-encoding", "gzip")], "").await;
    assert_eq!(small.header("content-encoding"), None);
    let plain = get(&server, &large).await;
    assert_eq!((plain.header("content-encoding"), plain.json()["method"].as_str()), (None, Some("find")));
    let off = serve_with(standard, |server| server.compression(false)).await;
    assert_eq!(send(&off, "GET", &large, &[("accept-encoding", "gzip")], "").await.header("content-encoding"), None);
}

#[tokio::test]
async fn health_checks_are_on_and_can_move_and_go() {
    let server = serve(standard).await;
    for path in ["/health/live", "/health/ready"] {
        let answer = get(&server, path).await;
        assert_eq!((answer.status, &*answer.text), (200, r#"{"status":"ok"}"#), "{path}");
    }
    let moved = serve_with(standard, |server| server.health("/-/")).await;
    assert_eq!((get(&moved, "/-/live").await.status, get(&moved, "/health/live").await.status), (200, 404));
    let gone = serve_with(standard, Server::without_health).await;
    assert_eq!(get(&gone, "/health/live").await.status, 404);
    let wrong = Server::new(App::new()).bind("127.0.0.1:0").health("health").start().await.unwrap_err();
    assert!(wrong.message().contains("'health' is no path"));
}

#[tokio::test]
async fn metrics_are_served_when_asked_for() {
    let measured = |app: &mut App| {
        app.service("measured", crate::services::Echo);
        app.service("failing", crate::services::Errors);
    };
    let server = serve_with(measured, Server::metrics).await;
    let second = serve_with(standard, Server::metrics).await;
    post(&server, "/measured", "{}").await;
    get(&server, "/failing/bad").await;
    let page = get(&second, "/metrics").await;
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"feathers_calls_total{service="measured",method="create",status="ok"} 1"#,
        r#"feathers_calls_total{service="failing",method="get",status="error"} 1"#,
        r#"feathers_call_duration_seconds_bucket{service="measured",method="create",le="+Inf"} 1"#,
        "feathers_http_connections ",
    ] {
        assert!(page.text.contains(line), "{line} is missing in\n{}", page.text);
    }
    let without = serve(standard).await;
    assert_eq!(get(&without, "/metrics").await.status, 404);
}

/// A transport of the user's own.
struct Ping;

impl Transport for Ping {
    fn name(&self) -> &'static str {
        "ping"
    }

    fn router(self: Box<Self>, _app: &AppHandle) -> Router {
        Router::new().route("/ping", route(async || "pong"))
    }
}

#[tokio::test]
async fn transports_are_added_and_left_out() {
    let server = serve_with(standard, |server| server.transport(Ping)).await;
    assert_eq!((&*get(&server, "/ping").await.text, get(&server, "/echo").await.status), ("pong", 200));
    assert_eq!((server.transports().first(), server.transports().last()), (Some(&"rest"), Some(&"ping")));
    let only = serve_with(standard, |server| server.without_defaults().transport(Ping)).await;
    assert_eq!((&*get(&only, "/ping").await.text, get(&only, "/echo").await.status), ("pong", 404));
    assert_eq!(only.transports(), ["ping"]);
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_that_names_it() {
    let server = serve(standard).await;
    let address = server.addr().to_string();
    let error: Error = Server::new(App::new()).bind(&*address).start().await.unwrap_err();
    assert!(error.message().starts_with(&format!("cannot listen on {address}: ")), "{error}");
    assert_eq!(server.url(), format!("http://{address}"));
}

#[tokio::test]
async fn mistakes_in_the_app_stop_the_start() {
    let mut app = App::new();
    standard(&mut app);
    app.service("/echo/", crate::services::Echo);
    let error = app.serve(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()).await.unwrap_err();
    assert_eq!(error.message(), "Path 'echo' is mounted twice");
}

#[tokio::test]
async fn files_are_served_where_no_service_is() {
    let folder = std::env::temp_dir().join(format!("feathers-public-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("sub")).unwrap();
    std::fs::write(folder.join("index.html"), "<p>hello</p>").unwrap();
    std::fs::write(folder.join("todos"), "hidden by the service").unwrap();
    let mut app = App::new();
    app.service("todos", Memory::<Document>::new());
    let server = Server::new(app).bind("127.0.0.1:0").public(&folder).start().await.unwrap();
    let get = async |path: &str| {
        let response = reqwest::get(format!("{}{path}", server.url())).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    assert_eq!(get("/").await, (200, "<p>hello</p>".to_owned()));
    assert_eq!(get("/todos").await, (200, "[]".to_owned()));
    let (status, body) = get("/nope.txt").await;
    assert_eq!(status, 404);
    assert!(body.contains("Path /nope.txt not found"), "{body}");
    assert_eq!(get("/%2e%2e/%2e%2e/etc/passwd").await.0, 404);
    std::fs::remove_dir_all(&folder).unwrap();
    server.stop().await.unwrap();
}
