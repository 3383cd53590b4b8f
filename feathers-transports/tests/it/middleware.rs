//! Routes and middleware of the user, and the app inside another one.

use axum::Router;
use axum::extract::{ConnectInfo, Request as HttpRequest};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get as route;
use feathers_core::{App, Descriptor, Method, Payload, Request, Result, Service, async_trait};
use feathers_transports::{CallExtensions, Server};
use std::net::SocketAddr;
use tokio::net::TcpListener;

use crate::services::standard;
use crate::support::{get, send, serve_with};

#[derive(Clone)]
struct Tenant(&'static str);

#[derive(Clone)]
struct Private;

/// Answers with the value that middleware has set.
struct Who;

#[async_trait]
impl Service for Who {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new([Method::Find])
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        assert!(request.params.get::<Private>().is_none());
        Ok(Payload::new(request.params.get::<Tenant>().map(|tenant| tenant.0)))
    }
}

async fn tenant(mut request: HttpRequest, next: Next) -> Response {
    request.extensions_mut().insert(Private);
    request.extensions_mut().get_or_insert_default::<CallExtensions>().insert(Tenant("acme"));
    next.run(request).await
}

#[tokio::test]
async fn middleware_reaches_the_params_through_feathers_only() {
    let server = serve_with(
        |app| {
            app.service("who", Who);
        },
        |server| server.map_router(|router| router.layer(from_fn(tenant))),
    )
    .await;
    assert_eq!(get(&server, "/who").await.text, "\"acme\"");
}

#[tokio::test]
async fn own_routes_win_over_services() {
    let own = Router::new()
        .route("/", route(async || "home"))
        .route("/echo/special", route(async || "mine"))
        .route("/me", route(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.ip().to_string()));
    let server =
        serve_with(standard, |server| server.merge(own).merge(Router::new().route("/b", route(async || "b")))).await;
    for (path, text) in [("/", "home"), ("/echo/special", "mine"), ("/me", "127.0.0.1"), ("/b", "b")] {
        assert_eq!(get(&server, path).await.text, text, "{path}");
    }
    assert_eq!(get(&server, "/echo/1").await.json()["id"], "1");
}

#[tokio::test]
async fn a_route_that_panics_is_a_500() {
    let own = Router::new().route("/panic", route(async || -> &'static str { panic!("a bug") }));
    let server = serve_with(standard, |server| server.merge(own)).await;
    get(&server, "/panic").await.assert_error(500, "GeneralError", "Internal server error");
    assert_eq!(get(&server, "/echo").await.status, 200);
}

#[tokio::test]
async fn the_app_can_be_mounted_into_another_one() {
    let mut app = App::new();
    standard(&mut app);
    let (handle, router) = Server::new(app).into_router().await.unwrap();
    let outer = Router::new().route("/", route(async || "outer")).nest("/api", router);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, outer).await });
    let text = async |path: &str| reqwest::get(format!("{url}{path}")).await.unwrap().text().await.unwrap();
    assert_eq!(text("/").await, "outer");
    assert!(text("/api/echo/7?x=1").await.starts_with(r#"{"method":"get","id":"7","params":{"query":{"x":"1"}"#));
    assert!(text("/api/nope").await.contains("Path /nope not found"));
    assert_eq!(text("/api/health/ready").await, r#"{"status":"ok"}"#);
    handle.shutdown(std::time::Duration::ZERO).await.unwrap();
    let ready = reqwest::get(format!("{url}/api/health/ready")).await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("\"name\":\"Unavailable\""));
    assert_eq!(text("/api/health/live").await, r#"{"status":"ok"}"#);
    serving.abort();
}

#[tokio::test]
async fn request_ids_are_taken_if_sane_and_made_if_not() {
    let server = serve_with(standard, |server| server).await;
    let id = async |sent: &str| {
        let answer = send(&server, "GET", "/echo", &[("x-request-id", sent)], "").await;
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("trace-1:a/b").await, "trace-1:a/b");
    for bad in ["", "has space", "<script>", "é", &"x".repeat(129)] {
        let made = id(bad).await;
        assert!(made.len() == 36 && made != bad, "{made}");
    }
    assert_ne!(id("").await, id("").await);
    assert!(get(&server, "/nope").await.header("x-request-id").is_some());
}
