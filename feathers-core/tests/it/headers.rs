//! The headers of a connection are those of its handshake.

use feathers_core::{App, Handshake, Headers, Provider};
use http::{HeaderMap, HeaderName, HeaderValue};

fn headers(pairs: &[(&'static str, &'static [u8])]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs {
        map.append(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value).expect("a header can have this value"),
        );
    }
    map
}

#[tokio::test]
async fn a_connection_keeps_every_header_of_its_handshake() {
    let received = headers(&[
        ("x-time", b"12:30: half past"),
        ("accept", b"text/html"),
        ("accept", b"*/*"),
        ("x-empty", b""),
        ("x-binary", b"\xff"),
        ("x-binary", b"text"),
    ]);
    let app = App::new().start().await.unwrap();
    let handshake = Handshake::new(Provider::new("test")).headers(received.clone());
    let session = app.open(handshake).await.unwrap();
    let (kept, received) = (session.connection().headers(), Headers::from(received));
    for name in ["x-time", "X-Time", "accept", "x-empty", "x-binary", "time", "x-time:12", ""] {
        assert_eq!(kept.value(name), received.value(name), "{name:?}");
    }
    assert_eq!(kept.value("x-time"), Some("12:30: half past"));
    assert_eq!(kept.value("x-binary"), None);
    let all = |headers: &Headers| {
        let mut all: Vec<_> = headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        all.sort();
        all
    };
    assert_eq!(all(kept), all(&received));
    assert_eq!(all(kept), ["accept=*/*", "accept=text/html", "x-binary=text", "x-empty=", "x-time=12:30: half past"]);
    assert!(!format!("{kept:?}").contains("half past"));
}

#[tokio::test]
async fn a_connection_without_headers_has_none() {
    let app = App::new().start().await.unwrap();
    for handshake in
        [Handshake::new(Provider::new("test")), Handshake::new(Provider::new("test")).headers(HeaderMap::new())]
    {
        let session = app.open(handshake).await.unwrap();
        assert_eq!(session.connection().headers().iter().count(), 0);
        assert_eq!(session.connection().headers().value("accept"), None);
    }
}
