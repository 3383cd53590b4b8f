//! A transport of a user's own, built on what is public.

mod ndjson;

use std::time::Duration;

use feathers_core::{Headers, Method};
use feathers_transports::{Running, Server};
use futures_util::StreamExt;
use serde_json::{Value, json};

use self::ndjson::Ndjson;
use crate::realtime_support::{app, kept, notes, send, tick, until_connections};
use crate::support::raw;

async fn serve() -> Running {
    serve_with(|server| server).await
}

async fn serve_with(options: impl FnOnce(Server) -> Server) -> Running {
    let mut app = app();
    app.retention(kept(100));
    notes(&mut app, "whose").before("find", async |ctx: &mut feathers_core::Context| {
        let provider = ctx.params.provider.map(feathers_core::Provider::name);
        let number = ctx.params.connection.as_ref().map(feathers_core::Connection::number);
        ctx.result = Some(json!({ "provider": provider, "connection": number }).into());
        Ok(())
    });
    notes(&mut app, "hidden").methods([Method::Find]);
    options(Server::new(app)).transport(Ndjson).bind("127.0.0.1:0").start().await.unwrap()
}

/// A client that listens.
struct Listener {
    response: std::pin::Pin<Box<dyn futures_util::Stream<Item = Vec<u8>> + Send>>,
    text: String,
}

impl Listener {
    async fn open(server: &Running, query: &str) -> Self {
        let response = send(server, "GET", &format!("/ndjson{query}"), &[]).await;
        assert_eq!(response.status(), 200);
        let response = Box::pin(response.bytes_stream().map(|chunk| chunk.unwrap().to_vec()));
        Self { response, text: String::new() }
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((line, rest)) = self.text.split_once('\n') {
                let (line, next) = (serde_json::from_str(line).unwrap(), self.text.len() - rest.len());
                self.text.drain(..next);
                return Some(line);
            }
            let chunk = self.response.next().await?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

/// Makes calls and returns the answers.
async fn call(server: &Running, secret: &str, lines: &[Value]) -> Vec<Value> {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let body = lines.join("\n");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http.post(format!("{}/ndjson", server.url())).header("x-connection-token", secret).body(body);
    let text = request.send().await.unwrap().text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn it_takes_calls_and_delivers_events() {
    let server = serve().await;
    assert!(server.transports().contains(&"ndjson"));
    let mut listener = Listener::open(&server, "").await;
    let first = listener.next().await.unwrap();
    let secret = first["connectionToken"].as_str().unwrap();
    let answers = call(
        &server,
        secret,
        &[
            json!({ "call": 1, "path": "notes", "method": "create", "data": { "text": "a" } }),
            json!({ "call": 2, "path": "notes", "method": "patch", "id": 1, "data": { "text": "b" } }),
            json!({ "call": 3, "path": "notes", "method": "find", "query": { "text": "b" } }),
            json!({ "call": 4, "path": "whose", "method": "find" }),
            json!({ "call": 5, "path": "notes", "method": "get", "id": 9 }),
            json!({ "call": 6, "path": "hidden", "method": "create", "data": {} }),
            json!({ "call": 7, "path": "nothing", "method": "find" }),
            json!({ "call": 8, "provider": "" }),
        ],
    )
    .await;
    let connection = server.handle().connection(secret, &Headers::default()).await.unwrap().unwrap().number();
    assert_eq!(answers[0], json!({ "call": 1, "result": { "text": "a", "id": 1 } }));
    assert_eq!(answers[1]["result"]["text"], "b");
    assert_eq!(answers[2]["result"], json!([{ "text": "b", "id": 1 }]));
    assert_eq!(answers[3]["result"], json!({ "provider": "ndjson", "connection": connection }));
    let codes: Vec<_> = answers[4..].iter().map(|answer| answer["error"]["code"].as_u64().unwrap()).collect();
    assert_eq!(codes, [404, 405, 404, 400]);
    for (event, text) in [("created", "a"), ("patched", "b")] {
        let line = listener.next().await.unwrap();
        assert_eq!(
            (&line["path"], &line["event"], &line["data"]["text"]),
            (&json!("notes"), &json!(event), &json!(text))
        );
        assert!(line["cursor"].is_string());
    }
}

#[tokio::test]
async fn it_keeps_the_promises_of_every_transport() {
    let server = serve().await;
    let mut listener = Listener::open(&server, "").await;
    let cursor = listener.next().await.unwrap()["cursor"].as_str().unwrap().to_owned();
    drop(listener);
    until_connections(server.handle(), 0).await;
    tick(server.handle(), 1..=50);
    let mut listener = Listener::open(&server, &format!("?since={cursor}")).await;
    assert_eq!(listener.next().await.unwrap()["recovered"], true);
    for n in 1..=50 {
        assert_eq!(listener.next().await.unwrap()["data"]["n"], n);
    }
    tick(server.handle(), 51..=500);
    let mut late = Listener::open(&server, &format!("?since={cursor}")).await;
    assert_eq!(late.next().await.unwrap()["recovered"], false);
    assert_eq!(late.next().await.unwrap()["reset"]["reason"], "trimmed");
    assert_eq!(send(&server, "GET", "/ndjson?since=rubbish", &[]).await.status(), 400);
    server.stop().await.unwrap();
    assert_eq!(late.next().await, None);
}

#[tokio::test]
async fn a_body_that_trickles_is_a_408() {
    let server = serve_with(|server| server.request_timeout(Duration::from_millis(50))).await;
    let answer = raw(&server, b"POST /ndjson HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n{").await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"name\":\"Timeout\""), "{answer}");
    assert_eq!(call(&server, "", &[json!({ "call": 1, "path": "notes", "method": "find" })]).await[0]["call"], 1);
}
