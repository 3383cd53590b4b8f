//! What the server makes of records, as clients see it over REST and Socket.IO: computed fields and versions.

use feathers::prelude::*;
use feathers::transports::{Cors, Running};
use feathers_tests::client::SocketClient;
use reqwest::{Method, Response, StatusCode};
use serde_json::Value;

/// A page with a title that is made of its text.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Page {
    #[service(id)]
    id: i64,
    #[service(version)]
    version: i64,
    text: String,
    #[service(computed = |page| page.text.to_uppercase())]
    title: String,
}

/// A record without a version.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Plain {
    #[service(id)]
    id: i64,
    text: String,
}

/// A service that says nothing of its records.
struct Echo;

#[service]
impl Echo {
    async fn get(&self, id: i64, params: &Params) -> Result<Value> {
        Ok(json!({ "id": id, "version": 7, "match": params.headers.value("if-match") }))
    }
}

struct Peer {
    running: Running,
    http: reqwest::Client,
}

impl Peer {
    async fn start() -> Self {
        let mut app = App::new();
        app.service("pages", Memory::<Page>::new().multi(true));
        app.service("plain", Memory::<Plain>::new());
        app.service("echo", Echo);
        app.publish(|_, app| app.channel("all"));
        app.on_connect(|connection, app| app.channel("all").join(connection));
        Self { running: Server::new(app).bind("127.0.0.1:0").start().await.unwrap(), http: reqwest::Client::new() }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Value) -> Response {
        let mut request = self.http.request(method, format!("{}{path}", self.running.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        request.send().await.unwrap()
    }

    async fn code(&self, method: Method, path: &str, if_match: &str, body: Value) -> u16 {
        self.send(method, path, &[("if-match", if_match)], body).await.status().as_u16()
    }
}

fn tag(response: &Response) -> Option<&str> {
    response.headers().get("etag").map(|tag| tag.to_str().unwrap())
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}

#[tokio::test]
async fn clients_see_select_and_cannot_compare_computed_fields() {
    let peer = Peer::start().await;
    let mut socket = SocketClient::connect(&peer.running.url()).await;
    let page = json!({ "id": 1, "version": 1, "text": "milk", "title": "MILK" });
    assert_eq!(json(peer.send(Method::POST, "/pages", &[], json!({ "text": "milk" })).await).await, page);
    assert_eq!(socket.event().await[..2], [json!("pages created"), page.clone()]);
    assert_eq!(socket.call(&json!(["get", "pages", 1, {}])).await, [Value::Null, page.clone()]);
    assert_eq!(json(peer.send(Method::GET, "/pages", &[], Value::Null).await).await, json!([page]));

    let selected = json!([{ "id": 1, "title": "MILK" }]);
    assert_eq!(json(peer.send(Method::GET, "/pages?$select[]=title", &[], Value::Null).await).await, selected);
    assert_eq!(socket.call(&json!(["find", "pages", { "$select": ["title"] }])).await, [Value::Null, selected]);
    for (path, query) in
        [("title=MILK", json!({ "title": "MILK" })), ("$sort[title]=1", json!({ "$sort": { "title": 1 } }))]
    {
        let rest = json(peer.send(Method::GET, &format!("/pages?{path}"), &[], Value::Null).await).await;
        let over_socket = socket.call(&json!(["find", "pages", query])).await;
        assert_eq!((&rest["code"], &over_socket[0]), (&json!(400), &rest));
        assert!(rest["data"][0]["instancePath"].as_str().unwrap().ends_with("/title"), "{rest}");
    }
}

#[tokio::test]
async fn a_tag_names_the_version_and_if_match_asks_for_it() {
    let peer = Peer::start().await;
    let created = peer.send(Method::POST, "/pages", &[], json!({ "text": "a" })).await;
    assert_eq!((created.status(), tag(&created)), (StatusCode::CREATED, Some("\"1\"")));
    let read = peer.send(Method::GET, "/pages/1", &[("if-match", "\"1\"")], Value::Null).await;
    assert_eq!((read.status(), tag(&read)), (StatusCode::OK, Some("\"1\"")));
    let patched = peer.send(Method::PATCH, "/pages/1", &[("if-match", "\"0\", \"1\"")], json!({ "text": "b" })).await;
    assert_eq!((patched.status(), tag(&patched)), (StatusCode::OK, Some("\"2\"")));
    let replaced = peer.send(Method::PUT, "/pages/1", &[("if-match", "*")], json!({ "text": "c" })).await;
    assert_eq!((replaced.status(), tag(&replaced)), (StatusCode::OK, Some("\"3\"")));

    for stale in ["\"1\"", "W/\"3\"", "\"03\"", "\"three\"", "\"1\", W/\"3\""] {
        for (method, body) in [
            (Method::PATCH, json!({ "text": "x" })),
            (Method::PUT, json!({ "text": "x" })),
            (Method::DELETE, Value::Null),
            (Method::GET, Value::Null),
        ] {
            assert_eq!(peer.code(method.clone(), "/pages/1", stale, body).await, 412, "{method} {stale}");
        }
    }
    let refused = peer.send(Method::PATCH, "/pages/1", &[("if-match", "\"1\"")], json!({ "text": "x" })).await;
    assert_eq!(json(refused).await["className"], "precondition-failed");
    assert_eq!(peer.code(Method::PATCH, "/pages/1", "3", json!({ "text": "x" })).await, 400, "no tag");
    assert_eq!(peer.code(Method::PATCH, "/pages/1?$version=3", "\"3\"", json!({ "text": "x" })).await, 400, "both");
    assert_eq!(peer.code(Method::PATCH, "/pages/9", "*", json!({ "text": "x" })).await, 404);
    assert_eq!(peer.code(Method::PATCH, "/pages", "\"3\"", json!({ "text": "x" })).await, 412, "a list has no version");
    assert_eq!(peer.code(Method::POST, "/pages", "\"3\"", json!({ "text": "x" })).await, 412);
    let pages = peer.send(Method::GET, "/pages", &[], Value::Null).await;
    assert_eq!(tag(&pages), None);
    assert_eq!(json(pages).await, json!([{ "id": 1, "version": 3, "text": "c", "title": "C" }]));
    assert_eq!(tag(&peer.send(Method::GET, "/pages/1?$select[]=text", &[], Value::Null).await), None);
    assert_eq!(peer.code(Method::DELETE, "/pages/1", "\"3\"", Value::Null).await, 200);
}

#[tokio::test]
async fn a_socket_names_the_version_in_its_query() {
    let peer = Peer::start().await;
    let mut socket = SocketClient::connect(&peer.running.url()).await;
    socket.call(&json!(["create", "pages", { "text": "a" }, {}])).await;
    let stale = socket.call(&json!(["patch", "pages", 1, { "text": "x" }, { "$version": 2 }])).await;
    assert_eq!((&stale[0]["code"], &stale[0]["name"]), (&json!(412), &json!("PreconditionFailed")));
    let right = socket.call(&json!(["patch", "pages", 1, { "text": "b" }, { "$version": 1 }])).await;
    assert_eq!(right[1]["version"], 2);
    assert_eq!(peer.send(Method::PATCH, "/pages/1?$version=1", &[], json!({ "text": "x" })).await.status(), 412);
    assert_eq!(peer.send(Method::PATCH, "/pages/1?$version=2", &[], json!({ "text": "c" })).await.status(), 200);
}

#[tokio::test]
async fn where_there_is_no_version_no_tag_matches() {
    let peer = Peer::start().await;
    let created = peer.send(Method::POST, "/plain", &[], json!({ "text": "a" })).await;
    assert_eq!((created.status(), tag(&created)), (StatusCode::CREATED, None));
    assert_eq!(peer.code(Method::PATCH, "/plain/1", "\"1\"", json!({ "text": "x" })).await, 412);
    assert_eq!(peer.code(Method::PATCH, "/plain/1", "*", json!({ "text": "b" })).await, 200);
    assert_eq!(peer.send(Method::GET, "/plain/1?$version=1", &[], Value::Null).await.status(), 400, "an unknown word");
    // A service of methods reads the header itself.
    let echo = peer.send(Method::GET, "/echo/1", &[("if-match", "\"7\"")], Value::Null).await;
    assert_eq!(tag(&echo), None);
    assert_eq!(json(echo).await["match"], "\"7\"");
}

#[tokio::test]
async fn pages_of_other_sites_may_send_the_version_and_read_the_tag() {
    let mut app = App::new();
    app.service("pages", Memory::<Page>::new());
    let running =
        Server::new(app).bind("127.0.0.1:0").cors(Cors::origins(["https://example.com"])).start().await.unwrap();
    let http = reqwest::Client::new();
    let preflight = http
        .request(Method::OPTIONS, format!("{}/pages/1", running.url()))
        .header("origin", "https://example.com")
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "if-match")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.headers()["access-control-allow-headers"], "if-match");
    let answer =
        http.get(format!("{}/pages", running.url())).header("origin", "https://example.com").send().await.unwrap();
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap().to_lowercase();
    assert!(exposed.split(',').any(|name| name.trim() == "etag"), "{exposed}");
}
