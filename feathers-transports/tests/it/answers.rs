//! How replies and errors look over HTTP.

use serde_json::json;

use crate::services::standard;
use crate::support::{get, post, send, serve};

const JSON: Option<&str> = Some("application/json; charset=utf-8");

#[tokio::test]
async fn every_value_but_null_is_sent_as_json() {
    let server = serve(standard).await;
    for value in ["0", "1", "false", "true", "\"\"", "\"hello\"", "[]", "{}", "1.5", "12345678901234567890"] {
        let answer = post(&server, "/values", &format!(r#"{{"result":{value}}}"#)).await;
        assert_eq!((answer.status, &*answer.text, answer.header("content-type")), (201, value, JSON));
    }
    assert_eq!(get(&server, "/values/0").await.text, "0");
    for answer in [post(&server, "/values", r#"{"result":null}"#).await, get(&server, "/values/null").await] {
        assert_eq!((answer.status, &*answer.text, answer.header("content-type")), (204, "", None));
    }
}

#[tokio::test]
async fn hooks_shape_status_headers_and_location() {
    let server = serve(standard).await;
    // Path and query, status, body, location.
    let rows = [
        ("GET", "/http/1?status=206", 206, r#"{"id":"1"}"#, None),
        ("POST", "/http?status=202", 202, r#"{"id":"1"}"#, None),
        ("POST", "/http?location=/foo", 303, r#"{"id":"1"}"#, Some("/foo")),
        ("GET", "/http/1?location=/foo&status=301", 301, r#"{"id":"1"}"#, Some("/foo")),
        ("GET", "/http/1?location=/foo%20bar/%C3%A9", 303, r#"{"id":"1"}"#, Some("/foo%20bar/%C3%A9")),
        ("GET", "/http/1?dispatch={\"safe\":1}", 200, r#"{"safe":1}"#, None),
        ("GET", "/http/1?dispatch=null", 204, "", None),
        ("POST", "/http?dispatch=null", 204, "", None),
        ("GET", "/http/1?status=204", 204, "", None),
    ];
    for (method, path, status, text, location) in rows {
        let answer = send(&server, method, path, &[], "").await;
        assert_eq!((answer.status, &*answer.text, answer.header("location")), (status, text, location), "{path}");
    }
    for status in ["7", "1000", "101"] {
        let answer = get(&server, &format!("/http/1?status={status}")).await;
        answer.assert_error(500, "GeneralError", "Internal server error");
    }
}

#[tokio::test]
async fn headers_of_hooks_are_joined_but_for_cookies() {
    let server = serve(standard).await;
    let answer =
        get(&server, "/http/1?headers=foo:first;bar:second;bar:third;set-cookie:a=1;set-cookie:b=2;content-length:3")
            .await;
    assert_eq!((answer.header("foo"), answer.header("bar")), (Some("first"), Some("second, third")));
    let cookies: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
    assert_eq!(answer.text, r#"{"id":"1"}"#);
    let typed = get(&server, "/http/1?headers=content-type:application/vnd.api%2Bjson").await;
    assert_eq!(typed.header("content-type"), Some("application/vnd.api+json"));
}

#[tokio::test]
async fn errors_are_feathers_json_and_keep_their_secrets() {
    let server = serve(standard).await;
    get(&server, "/errors/foreign").await.assert_error(500, "GeneralError", "Internal server error");
    let bad = get(&server, "/errors/bad").await;
    assert_eq!(bad.status, 400);
    assert_eq!(
        bad.text,
        r#"{"name":"BadRequest","message":"bad","code":400,"className":"bad-request","data":{"foo":"bar"},"errors":{"email":"invalid"}}"#
    );
    assert_eq!(get(&server, "/errors/list").await.json()["data"], json!([1, 2]));
    get(&server, "/errors/forbidden").await.assert_error(403, "Forbidden", "no");
    get(&server, "/errors/teapot").await.assert_error(418, "BadRequest", "odd");
    assert_eq!(get(&server, "/errors/impossible").await.status, 500);
}

#[tokio::test]
async fn accept_does_not_change_the_answer() {
    let server = serve(standard).await;
    for accept in ["text/html", "*/*", "application/xml"] {
        let answer = send(&server, "GET", "/errors/bad", &[("accept", accept)], "").await;
        assert_eq!((answer.status, answer.header("content-type")), (400, JSON));
    }
}

#[tokio::test]
async fn every_answer_of_a_service_says_where_the_log_stood_before() {
    let server = serve(|app| {
        standard(app);
        app.publish(|_event, app| app.channel("everyone"));
    })
    .await;
    let cursor = || server.handle().log().head().to_string();
    let before = cursor();
    let answer = post(&server, "/echo", "{}").await;
    assert_eq!(answer.header("event-cursor"), Some(&*before));
    assert_ne!(before, cursor());
    let now = cursor();
    for path in ["/echo", "/errors/bad", "/errors/panic", "/findonly/1", "/http/1?dispatch=null"] {
        assert_eq!(get(&server, path).await.header("event-cursor"), Some(&*now), "{path}");
    }
    assert_eq!(get(&server, "/nope").await.header("event-cursor"), None);
}
