//! What data a body is.

use serde_json::{Value, json};

use crate::services::standard;
use crate::support::{get, post, send, serve};

#[tokio::test]
async fn the_content_type_decides_what_a_body_is() {
    let server = serve(standard).await;
    let rows: [(&str, &str, Value); 14] = [
        ("application/json", r#"{"a":1}"#, json!({ "a": 1 })),
        ("application/json; charset=utf-8", r#" [{"a":1}] "#, json!([{ "a": 1 }])),
        ("Application/JSON", r#"{"a":1}"#, json!({ "a": 1 })),
        ("application/vnd.api+json", r#"{"a":1}"#, json!({ "a": 1 })),
        ("application/merge-patch+json;x=y", r#"{"a":null}"#, json!({ "a": null })),
        ("application/json", "", json!({})),
        ("application/json", "\u{feff}{\"a\":1}", json!({ "a": 1 })),
        ("application/json", "\u{feff}", json!({})),
        ("application/x-www-form-urlencoded", "\u{feff}a=1&constructor=2", json!({ "a": "1", "constructor": "2" })),
        ("application/x-www-form-urlencoded", "a=1&b[c]=2&d[]=3", json!({ "a": "1", "b": { "c": "2" }, "d": ["3"] })),
        ("application/x-www-form-urlencoded; charset=utf-8", "", json!({})),
        ("text/plain", "hello", json!("hello")),
        ("text/plain; charset=utf-8", "", json!("")),
        ("text/plain", r#"{"a":1}"#, json!(r#"{"a":1}"#)),
    ];
    for (content_type, body, expected) in rows {
        let answer = send(&server, "POST", "/echo", &[("content-type", content_type)], body).await;
        assert_eq!((answer.status, &answer.json()["data"]), (201, &expected), "{content_type} {body}");
    }
    let nothing = send(&server, "POST", "/echo", &[], "").await;
    assert_eq!((nothing.status, &nothing.json()["data"]), (201, &Value::Null));
}

#[tokio::test]
async fn a_body_of_another_type_is_a_415_that_names_the_types() {
    const TYPES: &str = "application/json, application/x-www-form-urlencoded, text/plain";
    let server = serve(standard).await;
    for content_type in
        ["", "application/xml", "text/xml", "application/jsonx", "multipart/form-data; boundary=x", "nonsense"]
    {
        for method in ["POST", "PUT", "PATCH"] {
            let path = if method == "POST" { "/echo" } else { "/echo/1" };
            let headers = [("content-type", content_type)];
            let answer = send(&server, method, path, &headers, "<a/>").await;
            answer.assert_error(415, "BadRequest", &format!("the body must be {TYPES}"));
            assert_eq!(answer.header("accept-post"), Some(TYPES), "{content_type}");
            let empty = send(&server, method, path, &headers, "").await;
            assert!(empty.status < 300, "{method} {content_type} without a body: {empty:?}");
            let pieces = futures_util::stream::iter([Ok::<_, std::io::Error>("<a/>")]);
            let answer = send(&server, method, path, &headers, reqwest::Body::wrap_stream(pieces)).await;
            assert_eq!(answer.status, 415, "{method} {content_type} in pieces");
        }
    }
}

async fn compressed(coding: &str, text: &[u8]) -> Vec<u8> {
    use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder};
    use tokio::io::AsyncReadExt;
    let mut out = Vec::new();
    let written = match coding {
        "br" => BrotliEncoder::with_quality(text, async_compression::Level::Fastest).read_to_end(&mut out).await,
        "deflate" => ZlibEncoder::new(text).read_to_end(&mut out).await,
        _ => GzipEncoder::new(text).read_to_end(&mut out).await,
    };
    written.unwrap();
    out
}

#[tokio::test]
async fn compressed_bodies_are_inflated_under_the_limit() {
    let server = serve(standard).await;
    let json = |coding| [("content-type", "application/json"), ("content-encoding", coding)];
    let small = format!(r#"{{"a":"{}"}}"#, "x".repeat(100_000));
    let bomb = format!(r#"{{"a":"{}"}}"#, "x".repeat(20 << 20));
    for coding in ["gzip", "x-gzip", "GZIP", "deflate", "br"] {
        let name = coding.to_ascii_lowercase();
        let body = compressed(&name, small.as_bytes()).await;
        assert!(body.len() < 1_000);
        let answer = send(&server, "POST", "/echo", &json(coding), body.clone()).await;
        assert_eq!(answer.json()["data"]["a"].as_str().map(str::len), Some(100_000), "{coding}");
        let pieces: Vec<_> = body.chunks(7).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
        let pieces = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        assert_eq!(send(&server, "POST", "/echo", &json(coding), pieces).await.status, 201, "{coding} in pieces");

        let answer = send(&server, "POST", "/echo", &json(coding), compressed(&name, bomb.as_bytes()).await).await;
        answer.assert_error(413, "BadRequest", "request entity too large");
        let answer = send(&server, "POST", "/echo", &json(coding), body[..body.len() / 2].to_vec()).await;
        assert_eq!(answer.status, 400, "{coding} cut off: {answer:?}");
        let answer = send(&server, "POST", "/echo", &json(coding), "plain".to_owned()).await;
        assert_eq!(answer.status, 400, "{coding} that is none: {answer:?}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded"), ("content-encoding", "gzip")];
    let answer = send(&server, "POST", "/echo", &form, compressed("gzip", b"a=1").await).await;
    assert_eq!(answer.json()["data"], json!({ "a": "1" }));
    let plain = send(&server, "POST", "/echo", &json("identity"), r#"{"a":1}"#.to_owned()).await;
    assert_eq!(plain.status, 201);
    for coding in ["zstd", "compress", "gzip, br"] {
        let answer = send(&server, "POST", "/echo", &json(coding), r#"{"a":1}"#.to_owned()).await;
        answer.assert_error(415, "BadRequest", "the body must be gzip, deflate, br");
        assert_eq!(answer.header("accept-encoding"), Some("gzip, deflate, br"));
    }
}

#[tokio::test]
async fn what_no_data_may_hold_is_a_400_that_names_the_place() {
    let server = serve(standard).await;
    for (content_type, body, place) in [
        ("application/json", r#"{"a":{"__proto__":{"x":1}}}"#, "/a/__proto__"),
        ("application/json", r#"{"a":["\ud83d"]}"#, "/a/0"),
        ("application/json", r#"{"a":{"b":1e999}}"#, "/a/b"),
        ("application/x-www-form-urlencoded", "a[__proto__][x]=1", "/a/__proto__"),
    ] {
        let answer = send(&server, "POST", "/echo", &[("content-type", content_type)], body).await;
        answer.assert_error(400, "BadRequest", "validation failed");
        assert_eq!(answer.json()["data"][0]["instancePath"], place, "{body}");
    }
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
