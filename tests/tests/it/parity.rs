//! Parity: every case gives the same result and the same events inside the server, over REST and over Socket.IO.
//!
//! The cases are data, in `tests/golden/parity.json`, and run in order on three peers, one for each way. What they
//! give is recorded, so that a change of all three at once shows too.

mod qs;
mod ways;

use std::fmt::Write;

use feathers_tests::client::SocketClient;
use feathers_tests::peer;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::ways::{Internal, Rest, Socket, Way};

/// One call.
#[derive(Debug, Deserialize)]
struct Case {
    call: String,
    path: String,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    data: Value,
    #[serde(default)]
    query: Map<String, Value>,
}

impl Case {
    /// Names the case as a short text that a reader can find in the file.
    fn title(&self) -> String {
        let mut title = format!("{} {}", self.call, self.path);
        for (name, part) in [("id", &self.id), ("data", &self.data), ("query", &self.query.clone().into())] {
            if !part.is_null() && part != &json!({}) {
                let _ = write!(title, " {name}={part}");
            }
        }
        title
    }
}

/// The outcome of a call: the result or the error, and the events that all clients got.
#[derive(Clone, Debug, PartialEq)]
struct Outcome {
    answer: Result<Value, Value>,
    events: Vec<Vec<Value>>,
}

/// Runs all cases one way and says what came of them.
async fn run(cases: &[Case], way: &mut dyn Way, url: &str) -> Vec<Outcome> {
    let mut listener = SocketClient::connect(url).await;
    let mut outcomes = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let answer = way.call(case).await;
        // An event that only this call causes marks the end of the events of the case.
        let mark = json!({ "mark": number });
        listener.call(&json!(["create", "ev", mark])).await;
        let mut events = Vec::new();
        loop {
            let mut event = listener.event().await;
            // The cursor differs from peer to peer.
            event.truncate(2);
            if event[1] == mark {
                break;
            }
            events.push(event.into_iter().map(same_for_all).collect());
        }
        outcomes.push(Outcome { answer: answer.map(same_for_all).map_err(same_error), events });
    }
    outcomes
}

/// Removes from an echo what identifies the ways on purpose.
fn same_for_all(mut value: Value) -> Value {
    if let Some(params) = value.get_mut("params").and_then(Value::as_object_mut) {
        for field in ["provider", "headers", "hasConnection"] {
            params.remove(field);
        }
    }
    if let Some(provider) = value.get_mut("provider") {
        *provider = "any".into();
    }
    value
}

/// Takes the message out of the two errors that each way words as its original does.
fn same_error(mut error: Value) -> Value {
    let message = error["message"].as_str().unwrap_or_default();
    let own_words = match error["name"].as_str() {
        Some("NotFound") => !message.starts_with("No record"),
        Some("MethodNotAllowed") => !message.starts_with("Can not"),
        _ => false,
    };
    if own_words {
        error["message"] = "in the words of each way".into();
    }
    error
}

#[tokio::test]
async fn every_way_gives_the_same() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../golden/parity.json")).unwrap();
    assert!(cases.len() >= 150);

    let peers = [peer::start().await, peer::start().await, peer::start().await];
    let urls = [peers[0].url(), peers[1].url(), peers[2].url()];
    let inside = run(&cases, &mut Internal::new(peers[0].handle().clone()), &urls[0]).await;
    let rest = run(&cases, &mut Rest::new(urls[1].clone()), &urls[1]).await;
    let socket = run(&cases, &mut Socket::new(&urls[2]).await, &urls[2]).await;

    let mut findings = String::new();
    let mut recorded = String::new();
    for (index, case) in cases.iter().enumerate() {
        let title = case.title();
        let outcome = &inside[index];
        for (way, other) in [("REST", &rest[index]), ("Socket.IO", &socket[index])] {
            if other != outcome {
                let _ = write!(findings, "\n{title}\n  inside: {outcome:?}\n  {way}: {other:?}");
            }
        }
        let answer = match &outcome.answer {
            Ok(result) => result.to_string(),
            Err(error) => format!("failed: {error}"),
        };
        let _ = writeln!(recorded, "{title}\n    {answer}");
        for event in &outcome.events {
            let _ = writeln!(recorded, "    {}", Value::from(event.clone()));
        }
    }
    assert!(findings.is_empty(), "{findings}");
    insta::assert_snapshot!("parity", recorded);
    for peer in peers {
        peer.stop().await.unwrap();
    }
}
