//! Bad input over REST.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Peer, feathers_error};

const PEOPLE: &str = "/people-typed";

#[tokio::test]
async fn a_body_that_is_no_json_is_a_400() {
    let peer = Peer::start().await;
    for body in ["{\"a\":", "{'a':1}", "[1,]", "{}\u{feff}", "{\"a\":1}x", "NaN"] {
        let error = feathers_error(peer.post(PEOPLE, body), 400, "BadRequest").await;
        assert!(error.get("stack").is_none());
    }
    let invalid_utf8: &[u8] = b"{\"name\":\"\xff\"}";
    feathers_error(peer.post(PEOPLE, invalid_utf8), 400, "BadRequest").await;
    peer.serves_on().await;
    assert_eq!(peer.records("people-typed").await, json!([]));
}

#[tokio::test]
async fn a_body_of_the_wrong_type_is_a_400() {
    let peer = Peer::start().await;
    for body in ["42", "\"text\"", "null", "true"] {
        feathers_error(peer.post(PEOPLE, body), 400, "BadRequest").await;
    }
    for body in [r#"{"name":{"a":1}}"#, r#"{"age":"old"}"#, r#"{"name":["x"]}"#, r#"{"unknown":1}"#] {
        let error = feathers_error(peer.post(PEOPLE, body), 400, "BadRequest").await;
        assert!(error["data"].as_array().is_some_and(|items| items.len() == 1), "it names the place: {error}");
    }
    assert_eq!(peer.records("people-typed").await, json!([]));
}

#[tokio::test]
async fn a_body_of_10_mb_is_a_413_in_feathers_json() {
    let peer = Peer::start().await;
    let body = format!("{{\"name\":\"{}\"}}", "x".repeat(10_000_000));
    // The server may close before the client has sent everything; then there is no answer to look at.
    if let Ok(answer) = peer.post(PEOPLE, body).send().await {
        assert_eq!(answer.status(), 413);
        let error: Value = answer.json().await.unwrap();
        assert_eq!((&error["name"], &error["code"]), (&json!("BadRequest"), &json!(413)));
    }
    peer.serves_on().await;
    assert_eq!(peer.records("people-typed").await, json!([]));
}

#[tokio::test]
async fn a_body_that_is_nested_too_deep_is_a_400() {
    let peer = Peer::start().await;
    let deep = format!("{{\"name\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for path in [PEOPLE, "/people", "/echo"] {
        feathers_error(peer.post(path, deep.clone()), 400, "BadRequest").await;
    }
    peer.serves_on().await;
}

#[tokio::test]
async fn a_list_of_10_000_is_stored_whole_or_not_at_all() {
    // A quarter of the log is one client's.
    let peer = Peer::keeping(50_000).await;
    let mut people: Vec<Value> = (0..10_000).map(|number| json!({ "name": format!("p{number}") })).collect();
    let body = |people: &[Value]| Value::from(people.to_vec()).to_string();
    feathers_error(peer.post(PEOPLE, body(&people)), 405, "MethodNotAllowed").await;

    people[9_999] = json!({ "name": 7 });
    let many = "/people-typed?$adapter=%7B%22multi%22:true%7D";
    feathers_error(peer.post(many, body(&people)), 400, "BadRequest").await;
    assert_eq!(peer.records("people-typed").await, json!([]));

    people[9_999] = json!({ "name": "p" });
    assert_eq!(peer.post(many, body(&people)).send().await.unwrap().status(), 201);
    assert_eq!(peer.records("people-typed").await.as_array().map(Vec::len), Some(10_000));
}

#[tokio::test]
async fn a_query_that_is_too_deep_or_too_large_is_a_400() {
    let peer = Peer::start().await;
    let deep = format!("?a{}=1", "[b]".repeat(100));
    let indices = "?a[100000]=1".to_owned();
    let many = format!("?{}", (0..5_100).map(|number| format!("{number:x}=")).collect::<Vec<_>>().join("&"));
    let list = format!("?{}", (0..2_000).map(|_| "a[]=1").collect::<Vec<_>>().join("&"));
    for query in [deep, indices, many, list] {
        for path in [PEOPLE, "/echo"] {
            let error = feathers_error(peer.request(Method::GET, &format!("{path}{query}")), 400, "BadRequest").await;
            assert!(error["message"].as_str().unwrap().len() < 500, "an error does not repeat what was too large");
        }
    }
    peer.serves_on().await;
}

#[tokio::test]
async fn unknown_operators_fields_and_filters_are_400s_that_name_the_place() {
    let peer = Peer::start().await;
    for (query, place) in [
        ("$foo=1", "$foo"),
        ("name[$foo]=1", "$foo"),
        ("$or[0][name][$foo]=1", "$foo"),
        ("$where=sleep(1)", "$where"),
        ("color=red", "color"),
        ("$sort[color]=1", "color"),
        ("$or[0][color]=red", "color"),
        ("age=old", "age"),
        ("age[$gt]=old", "age"),
    ] {
        let error = feathers_error(peer.request(Method::GET, &format!("{PEOPLE}?{query}")), 400, "BadRequest").await;
        assert!(error.to_string().contains(place), "{query} does not name {place}: {error}");
    }
}

#[tokio::test]
async fn names_of_prototypes_reach_no_prototype() {
    let peer = Peer::start().await;
    let body = r#"{"constructor":{"prototype":{"x":1}},"name":"Eve"}"#;
    let answer = peer.post("/people", body).send().await.unwrap();
    let created: Value = answer.json().await.unwrap();
    assert_eq!(created["name"], "Eve");
    for path in [PEOPLE, "/people", "/echo"] {
        let error = feathers_error(peer.post(path, r#"{"a":{"__proto__":{"admin":true}}}"#), 400, "BadRequest").await;
        assert_eq!(error["data"][0]["instancePath"], "/a/__proto__", "{path}: {error}");
    }
    let found = peer.request(Method::GET, "/echo?__proto__[x]=1&a[__proto__][y]=2&b=3").send().await.unwrap();
    let echo: Value = found.json().await.unwrap();
    assert_eq!(echo["params"]["query"]["b"], "3");
    assert_eq!(echo["params"]["query"].get("x"), None);
    for path in ["/__proto__", "/constructor", "/toString", "/hasOwnProperty"] {
        feathers_error(peer.request(Method::GET, path), 404, "NotFound").await;
    }
    for method in ["constructor", "__proto__", "toString", "setup", "on"] {
        let request = peer.post("/todos", "{}").header("x-service-method", method);
        feathers_error(request, 405, "MethodNotAllowed").await;
    }
}

#[tokio::test]
async fn ids_with_nul_or_invalid_utf8_are_400s() {
    let peer = Peer::start().await;
    for method in [Method::GET, Method::DELETE] {
        for path in ["/people/%00", "/people/a%00b", "/echo/a%00b", "/people-typed/1%00"] {
            feathers_error(peer.request(method.clone(), path), 400, "BadRequest").await;
        }
        feathers_error(peer.request(method.clone(), "/people/%ff%fe"), 400, "BadRequest").await;
    }
    peer.serves_on().await;
}

#[tokio::test]
async fn unknown_services_and_methods_are_404_and_405() {
    let peer = Peer::start().await;
    for path in ["/nope", "/nope/1", "/echo/1/2/3", "/", "/users/5", "/..", "/people%2ftyped"] {
        feathers_error(peer.request(Method::GET, path), 404, "NotFound").await;
    }
    for method in [Method::PUT, Method::DELETE, Method::TRACE, Method::from_bytes(b"PROPFIND").unwrap()] {
        feathers_error(peer.request(method, "/findonly/1"), 405, "MethodNotAllowed").await;
    }
    feathers_error(peer.post("/findonly", "{}").header("x-service-method", "nope"), 405, "MethodNotAllowed").await;
}

#[tokio::test]
async fn a_panic_is_a_500_and_harms_nobody_else() {
    let peer = Peer::start().await;
    for _ in 0..20 {
        let error = feathers_error(peer.request(Method::GET, "/errors/panic"), 500, "GeneralError").await;
        assert!(!error.to_string().contains("as it was asked"), "the cause stays in the log: {error}");
    }
    peer.serves_on().await;
}

#[tokio::test]
async fn a_client_that_vanishes_in_mid_request_harms_nobody() {
    let peer = Peer::start().await;
    let address = peer.url().replace("http://", "");
    for _ in 0..20 {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let head =
            "POST /people-typed HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
        stream.write_all(format!("{head}{{\"name\":\"ha").as_bytes()).await.unwrap();
        drop(stream);
    }
    peer.serves_on().await;
    assert_eq!(peer.records("people-typed").await, json!([]));
}

#[tokio::test]
async fn what_is_no_http_gets_an_error_and_a_closed_connection() {
    let peer = Peer::start().await;
    let address = peer.url().replace("http://", "");
    for bytes in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..], b"HELO\r\n\r\n", b"GET /\xff HTTP/9.9\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A reset is as good as an end.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&answer));
    }
    peer.serves_on().await;
}
