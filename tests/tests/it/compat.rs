//! `docs/compatibility.md` tells the truth: every row is there, and every test that it names exists.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use feathers::app::Descriptor;
use feathers::prelude::*;
use feathers_tests::client::SocketClient;

use crate::tidy::{report, root};

/// How many features FeathersJS has by our count.
const ROWS: usize = 125;

/// One row of a table.
struct Row<'a> {
    number: usize,
    status: &'a str,
    tests: &'a str,
}

fn rows(text: &str) -> Vec<Row<'_>> {
    let row = |line| {
        let cells: Vec<&str> = str::strip_prefix(line, "| ")?.strip_suffix('|')?.split(" | ").map(str::trim).collect();
        let number = cells.first()?.parse().ok()?;
        let [_, _, status, tests] = cells[..] else { panic!("row {number} has {} cells", cells.len()) };
        Some(Row { number, status, tests })
    };
    text.lines().filter_map(row).collect()
}

/// Returns the first word of a status.
fn kind(status: &str) -> &str {
    status.split(':').next().unwrap_or_default()
}

fn document() -> String {
    fs::read_to_string(root().join("docs/compatibility.md")).unwrap()
}

#[test]
fn every_feature_has_a_row_with_a_status() {
    let text = document();
    let rows = rows(&text);
    let numbers: Vec<usize> = rows.iter().map(|row| row.number).collect();
    assert_eq!(numbers, (1..=ROWS).collect::<Vec<_>>());

    let mut findings = Vec::new();
    let mut counts = HashMap::new();
    for Row { number, status, tests } in &rows {
        *counts.entry(kind(status)).or_insert(0) += 1;
        let reason = status.split_once(": ").is_some_and(|(_, reason)| !reason.is_empty());
        let fits = match kind(status) {
            "works" => !reason && tests.contains("::"),
            "different" => reason && tests.contains("::"),
            "later" => reason,
            _ => false,
        };
        if !fits {
            findings.push(format!("row {number}: `{status}` needs a reason, a test, or another word"));
        }
    }
    let count = |word: &str| counts.get(word).copied().unwrap_or(0);
    let sentence = format!(
        "The numbers today: {} work, {} are different, {} come later.",
        count("works"),
        count("different"),
        count("later")
    );
    if !text.contains(&sentence) {
        findings.push(format!("the page should say: {sentence}"));
    }
    report(&findings);
}

#[test]
fn every_test_that_is_named_exists() {
    let text = document();
    let named: Vec<(&str, &str)> =
        text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once("::")).collect();
    assert!(named.len() > ROWS, "the tests are not found any more");

    let mut sources = HashMap::new();
    let mut findings = Vec::new();
    for (file, test) in named {
        let source = sources.entry(file).or_insert_with(|| fs::read_to_string(root().join(file)).unwrap_or_default());
        let found = if Path::new(file).extension().is_some_and(|extension| extension == "rs") {
            source.contains(&format!("fn {test}(")) || source.contains(&format!("fn {test}<"))
        } else {
            ["'", "`"].iter().any(|quote| source.contains(&format!("{quote}{test}{quote}")))
        };
        if !found {
            findings.push(format!("{file} has no test '{test}'"));
        }
    }
    report(&findings);
}

/// Answers with its own path.
struct Top;

#[async_trait]
impl Service for Top {
    type Record = ();

    fn descriptor(&self) -> Descriptor {
        Descriptor::new(feathers::Method::STANDARD)
    }

    async fn call(&self, request: Request<'_>) -> Result<Payload> {
        Ok(json!({ "id": request.id, "path": request.path }).into())
    }
}

/// FeathersJS calls the service at the root `/`, so its clients listen to `/ created`.
#[tokio::test]
async fn the_events_of_a_service_at_the_root_are_named_as_the_official_client_names_them() {
    let mut app = App::new();
    app.service("/", Memory::<Document>::new());
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    app.publish(|event, app| {
        assert_eq!(&*event.path, "/");
        app.channel("everybody")
    });
    let server = Server::new(app).bind("127.0.0.1:0").start().await.unwrap();
    let realtime = format!("{}/realtime", server.url());
    let ask = async |query: String| reqwest::get(format!("{realtime}?{query}")).await.unwrap();
    let place: serde_json::Value = ask("wait=0".to_owned()).await.json().await.unwrap();
    let since = place["cursor"].as_str().unwrap();
    let mut socket = SocketClient::connect(&server.url()).await;
    socket.call(&json!(["create", "/", { "n": 1 }])).await;
    let record = json!({ "n": 1, "id": 1 });
    assert_eq!(socket.event().await[..2], [json!("/ created"), record.clone()]);

    let poll: serde_json::Value = ask(format!("wait=0&since={since}")).await.json().await.unwrap();
    let event = &poll["events"][0];
    assert_eq!((&event["path"], &event["event"], &event["data"]), (&json!("/"), &json!("created"), &record));
    for (query, line) in [("", r#"data: {"path":"/","event":"created","#), ("&names=1", "event: / created\n")] {
        let mut stream = ask(format!("transport=sse&since={since}{query}")).await;
        let mut text = String::new();
        while !text.contains(line) {
            text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
        }
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_service_at_the_root_is_reached_over_every_transport() {
    let mut app = App::new();
    app.service("/", Top);
    app.service("other", Top);
    let server = Server::new(app).bind("127.0.0.1:0").start().await.unwrap();

    for (path, answer) in [
        ("/", json!({ "id": null, "path": "" })),
        ("/7", json!({ "id": "7", "path": "" })),
        ("/other", json!({ "id": null, "path": "other" })),
        ("/other/7", json!({ "id": "7", "path": "other" })),
    ] {
        let response = reqwest::get(format!("{}{path}", server.url())).await.unwrap();
        assert_eq!(response.json::<serde_json::Value>().await.unwrap(), answer, "{path}");
    }
    let mut socket = SocketClient::connect(&server.url()).await;
    for path in ["", "/"] {
        let answer = socket.call(&json!(["get", path, 7])).await;
        assert_eq!(answer, [json!(null), json!({ "id": 7, "path": "" })]);
    }
    server.stop().await.unwrap();
}
