//! What hostile pages, clients and proxies must not get, by the numbers of the security list.

use axum::body::Body;
use feathers_core::{App, Context, Document, Memory, Result};
use feathers_testing::socketio::Socket;
use feathers_transports::{Cors, RateLimit, Realtime, Running, Server, SocketIo};
use http::Request;
use http_body_util::BodyExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tower::ServiceExt;

use crate::realtime_support::{Answer, PATIENCE, app, ask, ask_cut, listen, retry_of};

const COOKIE: (&str, &str) = ("cookie", "session=1");

/// All ways in over plain HTTP: method and path.
const PLAIN: [(&str, &str); 8] = [
    ("GET", "/notes"),
    ("POST", "/notes"),
    ("DELETE", "/notes/1"),
    ("GET", "/realtime?transport=sse"),
    ("GET", "/realtime?wait=0"),
    ("GET", "/realtime?since=now&wait=0"),
    ("DELETE", "/realtime"),
    ("GET", "/socket.io/?EIO=4&transport=polling"),
];

/// The ways in on a WebSocket.
const SOCKETS: [&str; 2] = ["/realtime", "/socket.io/?EIO=4&transport=websocket"];

async fn start(server: Server) -> Running {
    server.bind("127.0.0.1:0").start().await.unwrap()
}

/// Returns the status with which an upgrade is answered.
async fn upgrade(server: &Running, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    let mut request = format!("ws://{}{path}", server.addr()).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((_, response)) => response.status().as_u16(),
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

/// Returns the status of an answer whose body may never end.
async fn status(server: &Running, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    crate::realtime_support::send(server, method, path, headers).await.status().as_u16()
}

/// Checks every way in with this origin and a cookie.
async fn check_every_way(server: &Running, origin: &str, allowed: bool) {
    let headers = [("origin", origin), COOKIE];
    for (method, path) in PLAIN {
        let status = status(server, method, path, &headers).await;
        assert_eq!(status != 403, allowed, "{method} {path} from {origin}: {status}");
    }
    for path in SOCKETS {
        assert_eq!(upgrade(server, path, &headers).await, if allowed { 101 } else { 403 }, "{path} from {origin}");
    }
}

#[tokio::test]
async fn s1_pages_of_other_origins_cannot_use_the_cookies_of_their_visitors() {
    let server = start(Server::new(app())).await;
    let own = server.url();
    check_every_way(&server, &own, true).await;
    for evil in [
        "http://evil",
        "null",
        "",
        "http://127.0.0.1",
        &format!("{own}.evil"),
        &format!("{own}0"),
        &format!("http://evil.{}", server.addr()),
        &format!("http://evil@{}", server.addr()),
        &format!("http://evil/{}", server.addr()),
        &own.replace("http://", ""),
    ] {
        check_every_way(&server, evil, false).await;
    }
}

#[tokio::test]
async fn s1_listed_origins_can_connect_and_nobody_with_a_name_like_theirs() {
    let good = "https://good.example";
    let cors = start(Server::new(app()).cors(Cors::origins([good]).credentials())).await;
    check_every_way(&cors, good, true).await;
    let own_lists = Server::new(app())
        .without_defaults()
        .transport(SocketIo::new().origins([good]))
        .transport(Realtime::new().origins([good]));
    let own_lists = start(own_lists).await;
    for server in [&cors, &own_lists] {
        let ways = PLAIN.iter().filter(|(_, path)| !path.starts_with("/notes"));
        for origin in [good, "null", "https://good.example.evil", "https://good.exampl", "https://evil-good.example"] {
            let headers = [("origin", origin), COOKIE];
            for (method, path) in ways.clone() {
                let status = status(server, method, path, &headers).await;
                assert_eq!(status != 403, origin == good, "{method} {path} from {origin}: {status}");
            }
            for path in SOCKETS {
                let expected = if origin == good { 101 } else { 403 };
                assert_eq!(upgrade(server, path, &headers).await, expected, "{path} from {origin}");
            }
        }
    }
    // Without credentials, a list of CORS accepts no cookie.
    let without = start(Server::new(app()).cors(Cors::origins([good]))).await;
    check_every_way(&without, good, false).await;
}

#[tokio::test]
async fn s1_routes_of_the_app_are_closed_to_such_pages_too() {
    let routes = axum::Router::new().route("/report", axum::routing::get(async || "fine"));
    let server = start(Server::new(app()).merge(routes)).await;
    let own = server.url();
    for (origin, cookie, expected) in
        [(&*own, true, 200), ("http://evil", true, 403), ("null", true, 403), ("http://evil", false, 200)]
    {
        let headers: &[_] = if cookie { &[("origin", origin), COOKIE] } else { &[("origin", origin)] };
        assert_eq!(status(&server, "GET", "/report", headers).await, expected, "{origin} {cookie}");
    }
}

#[tokio::test]
async fn s1_the_session_of_another_client_is_not_taken_over() {
    let server = start(Server::new(app())).await;
    let open = ask(&server, "GET", "/socket.io/?EIO=4&transport=polling", &[]).await;
    let sid = open.text.split('"').nth(3).unwrap();
    let evil = [("origin", "http://evil"), COOKIE];
    for (method, transport) in [("GET", "polling"), ("POST", "polling")] {
        let path = format!("/socket.io/?EIO=4&transport={transport}&sid={sid}");
        assert_eq!(status(&server, method, &path, &evil).await, 403, "{method}");
    }
    let path = format!("/socket.io/?EIO=4&transport=websocket&sid={sid}");
    assert_eq!(upgrade(&server, &path, &evil).await, 403);
    assert_eq!(upgrade(&server, &path, &[]).await, 101);
}

/// What an answer says to a browser that asks for another origin.
fn allowed(answer: &Answer) -> (Option<&str>, Option<&str>) {
    (answer.header("access-control-allow-origin"), answer.header("access-control-allow-credentials"))
}

#[tokio::test]
async fn s2_no_answer_allows_every_page_with_credentials() {
    let (good, other) = ("https://good.example", "https://other.example");
    let listed = [good, other];
    let some = |origin| (Some(origin), None);
    let trusted = |origin| (Some(origin), Some("true"));
    let nobody = (None, None);
    for (cors, for_good, for_evil) in [
        (None, nobody, nobody),
        (Some(Cors::any()), some("*"), some("*")),
        (Some(Cors::origins(listed)), some(good), nobody),
        // A page that is not listed learns that credentials are allowed, but not for which origin.
        (Some(Cors::origins(listed).credentials()), trusted(good), (None, Some("true"))),
    ] {
        let name = format!("{cors:?}");
        let server = Server::new(app());
        let server = start(match cors {
            Some(cors) => server.cors(cors),
            None => server,
        });
        let server = server.await;
        for (origin, expected) in [
            (good, for_good),
            ("https://evil.example", for_evil),
            ("null", for_evil),
            ("https://good.example.evil", for_evil),
            ("http://good.example", for_evil),
            ("https://good.example:444", for_evil),
        ] {
            let preflight = [
                ("origin", origin),
                ("access-control-request-method", "DELETE"),
                ("access-control-request-headers", "authorization"),
            ];
            let paths = ["/notes", "/nope", "/realtime", "/socket.io/", "/health/live"];
            for (method, path) in paths.iter().flat_map(|path| [("OPTIONS", path), ("GET", path)]) {
                let headers = if method == "OPTIONS" { &preflight[..] } else { &preflight[..1] };
                let answer = ask(&server, method, path, headers).await;
                assert_eq!(allowed(&answer), expected, "{method} {path} from {origin} with {name}");
                if expected.0.is_some_and(|origin| origin != "*") {
                    let vary =
                        answer.headers.get_all("vary").iter().any(|vary| vary.to_str().unwrap().contains("origin"));
                    assert!(vary, "a cache would hand the answer to others: {method} {path} with {name}");
                }
            }
        }
        let plain = ask(&server, "GET", "/notes", &[]).await;
        assert!(plain.header("access-control-allow-origin").is_none_or(|origin| origin == "*"), "{name}");
    }
    for cors in [Cors::any().credentials(), Cors::origins(["*"]).credentials(), Cors::origins(["null"]).credentials()] {
        assert!(Server::new(App::new()).bind("127.0.0.1:0").cors(cors).start().await.is_err());
    }
}

/// Answers with the address of the caller.
async fn who(ctx: &mut Context) -> Result<()> {
    ctx.result = Some(json!(ctx.params.address).into());
    Ok(())
}

fn who_app() -> App {
    let mut app = App::new();
    app.service("who", Memory::<Document>::new()).before("find", who);
    app
}

#[tokio::test]
async fn s30_only_trusted_proxies_say_who_the_client_is() {
    let forwarded = [
        ("x-forwarded-for", "9.9.9.9"),
        ("x-forwarded-for", "2.2.2.2, 10.1.1.1"),
        ("forwarded", "for=3.3.3.3"),
        ("x-real-ip", "4.4.4.4"),
    ];
    for (trusted, expected) in [
        (&[][..], "\"127.0.0.1\""),
        (&["10.0.0.0/8", "127.0.0.2", "::1"], "\"127.0.0.1\""),
        (&["127.0.0.1"], "\"10.1.1.1\""),
        (&["127.0.0.0/8", "10.0.0.0/8"], "\"2.2.2.2\""),
    ] {
        let server = start(Server::new(who_app()).trusted_proxies(trusted.iter().copied())).await;
        assert_eq!(ask(&server, "GET", "/who", &forwarded).await.text, expected, "{trusted:?}");
    }
    let wrong = Server::new(App::new()).trusted_proxies(["127.0.0.1", "10.0.0.0/99"]).bind("127.0.0.1:0");
    assert!(wrong.start().await.unwrap_err().message().starts_with("'10.0.0.0/99' is no address"));
}

#[tokio::test]
async fn s30_clients_cannot_choose_the_origin_of_the_server() {
    let page = "https://app.example";
    let forwarded = [("origin", page), COOKIE, ("x-forwarded-host", "app.example"), ("x-forwarded-proto", "https")];
    let alone = start(Server::new(app())).await;
    let other = start(Server::new(app()).trusted_proxies(["10.0.0.0/8"])).await;
    let behind = start(Server::new(app()).trusted_proxies(["127.0.0.1"])).await;
    for (server, allowed) in [(&alone, false), (&other, false), (&behind, true)] {
        for (method, path) in PLAIN {
            let status = status(server, method, path, &forwarded).await;
            assert_eq!(status != 403, allowed, "{method} {path}: {status}");
        }
        for path in SOCKETS {
            assert_eq!(upgrade(server, path, &forwarded).await, if allowed { 101 } else { 403 }, "{path}");
        }
    }
    // Behind the proxy too, a page of another origin is refused.
    let evil = [("origin", "https://evil.example"), COOKIE, forwarded[2], forwarded[3]];
    assert_eq!(status(&behind, "GET", "/notes", &evil).await, 403);
}

#[tokio::test]
async fn more_requests_than_allowed_are_a_429_before_any_route() {
    let limit = RateLimit::per_minute(1).burst(4);
    let cors = Cors::origins(["https://good.example"]);
    let server = Server::new(app()).trusted_proxies(["127.0.0.1"]).rate_limit(limit).cors(cors).health("/-/");
    let server = start(server).await;
    let from = |address| [("x-forwarded-for", address), ("origin", "https://good.example")];
    // Whatever the request is, and whatever the answer.
    for (method, path, expected) in [
        ("GET", "/notes", 200),
        ("GET", "/nope", 404),
        ("OPTIONS", "/notes", 204),
        ("GET", "/socket.io/?EIO=4&transport=polling", 200),
    ] {
        assert_eq!(status(&server, method, path, &from("2.2.2.2")).await, expected, "{path}");
    }
    for (method, path) in PLAIN {
        let answer = ask(&server, method, path, &from("2.2.2.2")).await;
        assert_eq!((answer.status.as_u16(), answer.json()["name"].as_str()), (429, Some("TooManyRequests")), "{path}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((50..=60).contains(&wait), "{wait}");
        // A page can read the answer, and the request is in the log.
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://good.example"));
        assert!(answer.header("x-request-id").is_some());
    }
    for path in SOCKETS {
        assert_eq!(upgrade(&server, path, &[("x-forwarded-for", "2.2.2.2")]).await, 429, "{path}");
    }
    // Other addresses are not affected, and health checks never.
    assert_eq!(status(&server, "GET", "/notes", &from("3.3.3.3")).await, 200);
    for path in ["/-/live", "/-/ready"] {
        assert_eq!(status(&server, "GET", path, &from("2.2.2.2")).await, 200, "{path}");
    }
    for path in ["/-/live/", "/-/other", "/health/live"] {
        assert_eq!(status(&server, "GET", path, &from("2.2.2.2")).await, 429, "{path}");
    }
}

#[tokio::test]
async fn nothing_is_limited_by_default_and_without_an_address() {
    let server = start(Server::new(app())).await;
    for _ in 0..300 {
        assert_eq!(status(&server, "GET", "/nope", &[]).await, 404);
    }
    let server = Server::new(app()).rate_limit(RateLimit::per_minute(1));
    let (_handle, router) = server.into_router().await.unwrap();
    for _ in 0..3 {
        let request = Request::get("/nope").header("x-forwarded-for", "2.2.2.2").body(Body::empty()).unwrap();
        assert_eq!(router.clone().oneshot(request).await.unwrap().status(), 404);
    }
}

/// Asks until there is an answer with another status than this.
async fn until_not(refused: u16, ask: impl AsyncFn() -> u16) -> u16 {
    tokio::time::timeout(PATIENCE, async {
        loop {
            match ask().await {
                status if status == refused => tokio::task::yield_now().await,
                status => return status,
            }
        }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn s18_one_address_has_only_so_many_streams_and_polls() {
    let server = Server::new(app())
        .without_defaults()
        .transport(Realtime::new().max_sessions_per_address(2))
        .trusted_proxies(["127.0.0.1"]);
    let server = start(server).await;
    let (ann, bob) = ([("x-forwarded-for", "2001:db8::1")], [("x-forwarded-for", "2001:db8:0:1::1")]);
    let neighbour = [("x-forwarded-for", "2001:db8::2")];
    let mut stream = listen(&server, "", &ann).await;
    stream.ready().await;
    assert_eq!(status(&server, "GET", "/realtime?wait=0", &ann).await, 200);
    for more in [&ann, &neighbour] {
        // The refusal of a stream is in-band, since a browser would not try again otherwise.
        let stream = ask_cut(&server, "/realtime?transport=sse", more);
        let answer = tokio::time::timeout(PATIENCE, stream).await.expect("a stream that ends");
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("text/event-stream")));
        assert!((2_000..=6_000).contains(&retry_of(&answer)));
        let answer = ask(&server, "GET", "/realtime?wait=0", more).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("2")));
        assert_eq!(answer.json()["name"], "TooManyRequests");
    }
    assert_eq!(server.handle().connections(), 2);
    // Other addresses are not affected, and neither is a WebSocket.
    assert_eq!(status(&server, "GET", "/realtime?wait=0", &bob).await, 200);
    listen(&server, "", &bob).await.ready().await;
    assert_eq!(upgrade(&server, "/realtime", &ann).await, 101);
    // A client that disconnects makes room.
    drop(stream);
    assert_eq!(until_not(429, async || status(&server, "GET", "/realtime?wait=0", &ann).await).await, 200);
}

#[tokio::test]
async fn s18_one_address_has_only_so_many_polling_socket_io_sessions() {
    let transport = SocketIo::new().max_sessions_per_address(1);
    let server = Server::new(app()).without_defaults().transport(transport).trusted_proxies(["127.0.0.1"]);
    let server = start(server).await;
    let open = "/socket.io/?EIO=4&transport=polling";
    let (ann, bob) = ([("x-forwarded-for", "2.2.2.2")], [("x-forwarded-for", "3.3.3.3")]);
    let first = ask(&server, "GET", open, &ann).await;
    assert_eq!(first.status, 200);
    let answer = ask(&server, "GET", open, &ann).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, Some("5")));
    assert_eq!(answer.text, r#"{"code":3,"message":"Too many sessions from this address"}"#);
    assert_eq!(status(&server, "GET", open, &bob).await, 200);
    assert_eq!(upgrade(&server, SOCKETS[1], &ann).await, 101);
    // A client that changes to a WebSocket does not count any more.
    let sid = first.text.split('"').nth(3).unwrap();
    let mut socket = Socket::upgrade(&server.addr().to_string(), sid).await;
    socket.send("40").await;
    assert!(socket.next().await.starts_with("40{"));
    assert_eq!(until_not(429, async || status(&server, "GET", open, &ann).await).await, 200);
}

#[tokio::test]
async fn s18_a_session_that_does_not_join_is_closed() {
    tokio::time::pause();
    let server = Server::new(app()).without_defaults().transport(SocketIo::new());
    let (_handle, router) = server.into_router().await.unwrap();
    let ask = async |method: &str, query: &str, body: &'static str| {
        let uri = format!("/socket.io/?EIO=4&transport=polling{query}");
        let request = Request::builder().method(method).uri(uri).body(Body::from(body)).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    // What a client sends before it waits, after how many seconds its poll ends, and with which status.
    for (packets, seconds, status) in
        [(&[][..], 15, 400), (&["40/admin,"], 15, 400), (&["40"], 25, 200), (&["40", "41"], 15, 400)]
    {
        let (_, open) = ask("GET", "", "").await;
        let session = format!("&sid={}", open.split('"').nth(3).unwrap());
        for packet in packets {
            assert_eq!(ask("POST", &session, packet).await.0, 200);
            if packet.starts_with("40") {
                assert!(ask("GET", &session, "").await.1.starts_with('4'), "an answer to the join");
            }
        }
        let started = tokio::time::Instant::now();
        assert_eq!(ask("GET", &session, "").await.0, status, "{packets:?}");
        assert_eq!(started.elapsed().as_secs(), seconds, "{packets:?}");
    }
}
