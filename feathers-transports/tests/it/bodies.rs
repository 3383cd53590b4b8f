//! What data a body is.

use serde_json::{Value, json};

use crate::services::standard;
use crate::support::{get, post, send, serve};

#[tokio::test]
async fn the_content_type_decides_what_a_body_is() {
    let server = serve(standard).await;
    let rows: [(&str, &str, Value); 17] = [
        ("application/json", r#"{"a":1}"#, json!({ "a": 1 })),
        ("application/json; charset=utf-8", r#" [{"a":1}] "#, json!([{ "a": 1 }])),
        ("Application/JSON", r#"{"a":1}"#, json!({ "a": 1 })),
        ("application/vnd.api+json", r#"{"a":1}"#, json!({ "a": 1 })),
        ("application/merge-patch+json;x=y", r#"{"a":null}"#, json!({ "a": null })),
        ("application/json", "", json!({})),
        ("application/json", r#"{"__proto__":{"x":1},"a":1}"#, json!({ "__proto__": { "x": 1 }, "a": 1 })),
        ("application/x-www-form-urlencoded", "a=1&b[c]=2&d[]=3", json!({ "a": "1", "b": { "c": "2" }, "d": ["3"] })),
        ("application/x-www-form-urlencoded; charset=utf-8", "", json!({})),
        ("text/plain", "hello", json!("hello")),
        ("text/plain; charset=utf-8", "", json!("")),
        ("text/plain", r#"{"a":1}"#, json!(r#"{"a":1}"#)),
        ("", r#"{"a":1}"#, Value::Null),
        ("application/xml", "<a/>", Value::Null),
        ("application/jsonx", r#"{"a":1}"#, Value::Null),
        ("multipart/form-data; boundary=x", "--x--", Value::Null),
        ("nonsense", "x", Value::Null),
    ];
    for (content_type, body, expected) in rows {
        let answer = send(&server, "POST", "/echo", &[("content-type", content_type)], body).await;
        assert_eq!((answer.status, &answer.json()["data"]), (201, &expected), "{content_type} {body}");
    }
    let nothing = send(&server, "POST", "/echo", &[], "").await;
    assert_eq!((nothing.status, &nothing.json()["data"]), (201, &Value::Null));
}

#[tokio::test]
async fn json_that_is_no_object_or_array_is_refused() {
    let server = serve(standard).await;
    for body in ["42", "\"str\"", "null", "true", " -1"] {
        let answer = post(&server, "/echo", body).await;
        answer.assert_error(400, "BadRequest", "invalid JSON, only supports object and array");
    }
}

#[tokio::test]
async fn malformed_json_is_refused_and_the_place_named() {
    let server = serve(standard).await;
    let rows = [
        (r#"{"a":"#, "Invalid JSON: EOF while parsing a value at line 1 column 5"),
        ("{\n\"a\": nope}", "Invalid JSON: expected ident at line 2 column 7"),
        (r#"{"a":1}{"b":2}"#, "Invalid JSON: trailing characters at line 1 column 8"),
        ("   ", "Invalid JSON: EOF while parsing a value at line 1 column 3"),
        ("[1,]", "Invalid JSON: expected value at line 1 column 4"),
        ("nope", "Invalid JSON: expected ident at line 1 column 2"),
    ];
    for (body, message) in rows {
        post(&server, "/echo", body).await.assert_error(400, "BadRequest", message);
    }
}

#[tokio::test]
async fn bodies_of_methods_without_data_are_not_read() {
    let server = serve(standard).await;
    for (method, path) in [("GET", "/echo/1"), ("GET", "/echo"), ("DELETE", "/echo/1"), ("HEAD", "/echo")] {
        let answer = send(&server, method, path, &[("content-type", "application/json")], r#"{"a":"#).await;
        assert_eq!(answer.status, 200, "{method} {path}");
    }
    assert_eq!(get(&server, "/echo").await.status, 200);
}

#[tokio::test]
async fn bodies_that_come_in_pieces_are_put_together() {
    let server = serve(standard).await;
    let pieces = ["{\"a\":", "\"", "bcd", "\"", "}"].map(|piece| Ok::<_, std::io::Error>(piece.to_owned()));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let answer = send(&server, "POST", "/echo", &[("content-type", "application/json")], body).await;
    assert_eq!(answer.json()["data"], json!({ "a": "bcd" }));
}
