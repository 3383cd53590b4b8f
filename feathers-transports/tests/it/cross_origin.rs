//! CORS.

use feathers_core::App;
use feathers_transports::{Cors, Server};

use crate::services::standard;
use crate::support::{send, serve, serve_with};

const PREFLIGHT: [(&str, &str); 3] = [
    ("origin", "http://a.com"),
    ("access-control-request-method", "POST"),
    ("access-control-request-headers", "content-type,x-service-method"),
];

#[tokio::test]
async fn nothing_is_allowed_by_default() {
    let server = serve(standard).await;
    let preflight = send(&server, "OPTIONS", "/echo", &PREFLIGHT, "").await;
    assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (204, None));
    let answer = send(&server, "GET", "/echo", &PREFLIGHT[..1], "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
}

#[tokio::test]
async fn preflights_echo_the_headers_that_were_asked_for() {
    let server = serve_with(standard, |server| server.cors(Cors::any())).await;
    let preflight = send(&server, "OPTIONS", "/echo", &PREFLIGHT, "").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert_eq!(preflight.header("access-control-allow-methods"), Some("GET,HEAD,PUT,PATCH,POST,DELETE"));
    assert_eq!(preflight.header("access-control-allow-headers"), Some("content-type,x-service-method"));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
    for path in ["/echo", "/nope", "/errors/panic"] {
        let answer = send(&server, "GET", path, &PREFLIGHT[..1], "").await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        let exposed = "event-cursor,etag,retry-after,x-request-id";
        assert_eq!(answer.header("access-control-expose-headers"), Some(exposed), "{path}");
    }
}

#[tokio::test]
async fn only_listed_origins_are_allowed() {
    let server = serve_with(standard, |server| server.cors(Cors::origins(["http://a.com"]).credentials())).await;
    let allowed = send(&server, "GET", "/echo", &[("origin", "http://a.com")], "").await;
    assert_eq!(allowed.header("access-control-allow-origin"), Some("http://a.com"));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    let other = send(&server, "GET", "/echo", &[("origin", "http://b.com")], "").await;
    assert_eq!((other.status, other.header("access-control-allow-origin")), (200, None));
}

#[tokio::test]
async fn unsafe_and_wrong_settings_stop_the_start() {
    let start = async |cors: Cors| {
        let server = Server::new(App::new()).bind("127.0.0.1:0").cors(cors);
        server.start().await.unwrap_err().message().to_owned()
    };
    assert!(start(Cors::any().credentials()).await.contains("needs a list of origins"));
    for origin in ["*", "http://a.com/", "a.com", "http://*.a.com"] {
        let message = start(Cors::origins([origin])).await;
        assert!(message.contains(&format!("'{origin}' is no origin")), "{message}");
    }
}
