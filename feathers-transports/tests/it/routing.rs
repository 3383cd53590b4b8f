//! Which call a request is.

use feathers_core::{Context, Document, Error, Memory, Method};
use serde_json::{Value, json};

use crate::services::standard;
use crate::support::{Answer, send, serve};

async fn check(server: &feathers_transports::Running, row: (&str, &str, &str), status: u16, expected: Value) {
    let (method, path, custom) = row;
    let headers = [("content-type", "application/json"), ("x-service-method", custom)];
    let answer = send(server, method, path, &headers, r#"{"a":1}"#).await;
    assert_eq!((answer.status, answer.json()), (status, expected), "{row:?}");
}

fn called(mut call: Value) -> Value {
    call["params"] = json!({ "query": {}, "route": {}, "provider": "rest" });
    call
}

#[tokio::test]
async fn verbs_map_to_methods() {
    let server = serve(standard).await;
    let data = json!({ "a": 1 });
    let rows = [
        (("GET", "/echo", ""), 200, json!({ "method": "find" })),
        (("GET", "/echo/1", ""), 200, json!({ "method": "get", "id": "1" })),
        (("POST", "/echo", ""), 201, json!({ "method": "create", "data": data })),
        (("POST", "/echo/55", ""), 201, json!({ "method": "create", "data": data })),
        (("PUT", "/echo/1", ""), 200, json!({ "method": "update", "id": "1", "data": data })),
        (("PUT", "/echo", ""), 200, json!({ "method": "update", "id": null, "data": data })),
        (("PATCH", "/echo/1", ""), 200, json!({ "method": "patch", "id": "1", "data": data })),
        (("PATCH", "/echo", ""), 200, json!({ "method": "patch", "id": null, "data": data })),
        (("DELETE", "/echo/1", ""), 200, json!({ "method": "remove", "id": "1" })),
        (("DELETE", "/echo", ""), 200, json!({ "method": "remove", "id": null })),
        (("POST", "/echo", "custom"), 200, json!({ "method": "custom", "data": data })),
        (("POST", "/echo/9", "custom"), 200, json!({ "method": "custom", "data": data })),
        (("PUT", "/echo/9", "custom"), 200, json!({ "method": "update", "id": "9", "data": data })),
        (("GET", "/echo/9", "custom"), 200, json!({ "method": "get", "id": "9" })),
        (("GET", "/echo/null", ""), 200, json!({ "method": "get", "id": "null" })),
        (("GET", "/echo/", ""), 200, json!({ "method": "find" })),
        (("GET", "//echo//", ""), 200, json!({ "method": "find" })),
        (("GET", "/echo/a%20b", ""), 200, json!({ "method": "get", "id": "a b" })),
        (("GET", "/echo/a%2Fb", ""), 200, json!({ "method": "get", "id": "a/b" })),
        (("GET", "/echo/%C3%A9", ""), 200, json!({ "method": "get", "id": "é" })),
        (("GET", "/echo/%zz", ""), 200, json!({ "method": "get", "id": "%zz" })),
        (("GET", "/hidden", ""), 200, json!({ "method": "find" })),
    ];
    for (row, status, expected) in rows {
        check(&server, row, status, called(expected)).await;
    }
}

#[tokio::test]
async fn placeholders_and_queries_reach_the_params() {
    let server = serve(standard).await;
    let params = |query: Value, route: Value| json!({ "query": query, "route": route, "provider": "rest" });
    let user = json!({ "userId": "a b" });
    let rows = [
        (
            ("GET", "/users/a%20b/messages/22", ""),
            json!({ "method": "get", "id": "22", "params": params(json!({}), user.clone()) }),
        ),
        (
            ("GET", "/users/a%20b/messages?x=1", ""),
            json!({ "method": "find", "params": params(json!({ "x": "1" }), user) }),
        ),
        (("GET", "/users/0", ""), json!({ "method": "get", "id": "0", "params": params(json!({}), json!({})) })),
        (
            ("DELETE", "/echo?a[$in][]=1&a[$in][]=2&%24limit=5", ""),
            json!({
                "method": "remove", "id": null,
                "params": params(json!({ "a": { "$in": ["1", "2"] }, "$limit": "5" }), json!({})),
            }),
        ),
        (("GET", "/echo?", ""), json!({ "method": "find", "params": params(json!({}), json!({})) })),
    ];
    for (row, expected) in rows {
        check(&server, row, 200, expected).await;
    }
}

#[tokio::test]
async fn what_is_not_served_is_refused_in_feathers_words() {
    let server = serve(standard).await;
    let unsupported = |method: &str| format!("Method `{method}` is not supported by this endpoint.");
    let rows = [
        (("POST", "/echo", "nope"), unsupported("nope")),
        (("POST", "/echo", "create"), unsupported("create")),
        (("POST", "/echo", "find"), unsupported("find")),
        (("GET", "/echo", "find"), unsupported("find")),
        (("PUT", "/echo/1", "create"), unsupported("update")),
        (("POST", "/echo", "setup"), unsupported("setup")),
        (("POST", "/echo", "Custom"), unsupported("Custom")),
        (("POST", "/hidden", "custom"), unsupported("custom")),
        (("GET", "/hidden/1", ""), unsupported("get")),
        (("GET", "/findonly/1", ""), unsupported("get")),
        (("POST", "/findonly", ""), unsupported("create")),
        (("PROPFIND", "/echo", ""), "Method PROPFIND not allowed".to_owned()),
        (("TRACE", "/echo/1", ""), "Method TRACE not allowed".to_owned()),
    ];
    for ((method, path, custom), message) in rows {
        let headers = [("content-type", "application/json"), ("x-service-method", custom)];
        let answer = send(&server, method, path, &headers, "{}").await;
        answer.assert_error(405, "MethodNotAllowed", &message);
        assert!(answer.header("allow").is_some(), "{method} {path}");
    }
    for (method, path) in [
        ("GET", "/nope"),
        ("POST", "/nope"),
        ("GET", "/echo/1/2"),
        ("GET", "/echo//1"),
        ("GET", "/Echo"),
        ("OPTIONS", "/nope"),
        ("GET", "/"),
    ] {
        let answer = send(&server, method, path, &[], "").await;
        answer.assert_error(404, "NotFound", &format!("Path {path} not found"));
    }
    send(&server, "GET", "/nope?secret=1", &[], "").await.assert_error(404, "NotFound", "Path /nope not found");
}

#[tokio::test]
async fn a_request_names_one_custom_method() {
    let server = serve(standard).await;
    for second in ["custom", "other", ""] {
        let headers =
            [("content-type", "application/json"), ("x-service-method", "custom"), ("x-service-method", second)];
        let answer = send(&server, "POST", "/echo", &headers, "{}").await;
        answer.assert_error(405, "MethodNotAllowed", "The header X-Service-Method names one method.");
        assert_eq!(answer.header("allow"), Some("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
}

#[tokio::test]
async fn allow_says_whether_several_records_may_be_changed() {
    let server = serve(|app| {
        standard(app);
        app.service("one", Memory::<Document>::new());
        app.service("patches", Memory::<Document>::new().multi([Method::Patch]));
        app.service("many", Memory::<Document>::new().multi(true));
        // Where only the call itself can decide.
        app.service("by-hand", Memory::<Document>::new())
            .before("patch", async |_: &mut Context| Err(Error::method_not_allowed("Can not patch multiple entries")));
    })
    .await;
    let (one, all) = ("GET, HEAD, POST, OPTIONS", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    let json = [("content-type", "application/json")];
    for (path, method, body, status, allow) in [
        ("/one", "OPTIONS", "", 204, one),
        ("/one", "PATCH", "{}", 405, one),
        ("/one", "DELETE", "", 405, one),
        ("/one", "POST", "[{},{}]", 405, one),
        ("/one/1", "OPTIONS", "", 204, all),
        ("/patches", "OPTIONS", "", 204, "GET, HEAD, POST, PATCH, OPTIONS"),
        ("/patches", "DELETE", "", 405, "GET, HEAD, POST, PATCH, OPTIONS"),
        ("/many", "OPTIONS", "", 204, "GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
        ("/by-hand/1", "PATCH", "{}", 405, "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    ] {
        let answer = send(&server, method, path, &json, body).await;
        assert_eq!((answer.status, answer.header("allow")), (status, Some(allow)), "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn allow_lists_the_verbs_of_the_path() {
    let server = serve(standard).await;
    let all = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    for (path, allow) in [
        ("/echo", all),
        ("/echo/1", all),
        ("/findonly", "GET, HEAD, OPTIONS"),
        ("/findonly/1", "OPTIONS"),
        ("/values", "POST, OPTIONS"),
        ("/values/1", "GET, HEAD, POST, OPTIONS"),
    ] {
        let answer = send(&server, "OPTIONS", path, &[], "").await;
        assert_eq!((answer.status, answer.header("allow"), &*answer.text), (204, Some(allow), ""), "{path}");
        let refused: Answer = send(&server, "PROPFIND", path, &[], "").await;
        assert_eq!((refused.status, refused.header("allow")), (405, Some(allow)), "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = serve(standard).await;
    for path in ["/echo", "/echo/1", "/nope", "/findonly/1"] {
        let get = send(&server, "GET", path, &[], "").await;
        let head = send(&server, "HEAD", path, &[], "").await;
        assert_eq!((head.status, &*head.text), (get.status, ""), "{path}");
        assert_eq!(head.header("content-length"), Some(&*get.text.len().to_string()), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
    }
}
