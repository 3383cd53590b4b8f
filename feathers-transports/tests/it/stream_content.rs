//! The content of a stream of events: the data that was sent, whatever it holds, and nothing else.

use feathers_core::{App, Document, Memory, Payload};
use feathers_testing::event_source::{self, Message};
use feathers_testing::sse::Events;
use feathers_transports::Realtime;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// What ends lines, begins fields, or has a meaning somewhere else.
const PIECES: &[&str] = &[
    "\r", "\n", "\r\n", "\n\n", "\0", "\u{85}", "\u{2028}", "\u{2029}", "\u{feff}", "data: x", "id: x", "event: x",
    "retry: 1", ":", " ", "{", "}", "\"", "\\", "\u{1b}", "\u{7f}", "é", "a",
];

fn hostile() -> impl Strategy<Value = String> {
    vec(select(PIECES), 0..6).prop_map(|pieces| pieces.concat())
}

/// Records with such texts in all places.
fn record() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![hostile().prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(json!(true))];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((hostile(), inner), 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    vec((hostile(), value), 1..4).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// Returns the messages of a stream up to the event `end`.
async fn messages(events: &mut Events) -> Vec<Message> {
    let mut bytes = Vec::new();
    loop {
        bytes.extend_from_slice(&events.chunk().await.unwrap());
        let messages = event_source::read(&bytes);
        if messages.last().is_some_and(|last| last.data.contains("\"the end\"")) {
            return messages;
        }
    }
}

async fn check_streams(path: &str, event: &str, record: &Value, line_end: &str) {
    let mut app = App::new();
    let mount = app.service(path, Memory::<Document>::new());
    mount.events([event, "end"]).publish(|_, app| app.channel("everybody"));
    app.on_connect(|connection, app| app.channel("everybody").join(connection));
    let server = crate::realtime_support::inside(app, Realtime::new()).await;
    let mut streams = [server.sse("").await, server.sse("&names=1").await];
    let service = server.handle.service(path).unwrap();
    // A service may write its JSON with any space between the tokens.
    let text = serde_json::to_string_pretty(record).unwrap().replace('\n', line_end);
    service.emit(event, Payload::from_valid_json(text.into()));
    let cursor = server.handle.log().head().to_string();
    service.emit("end", json!("the end"));
    let name: String = format!("{path} {event}").chars().filter(|char| !char.is_control()).collect();
    let envelope = json!({ "path": path, "event": event, "data": record });
    for (stream, (kind, data)) in streams.iter_mut().zip([("message", &envelope), (&*name, record)]) {
        let [ready, message, _end] = &messages(stream).await[..] else { panic!("more than was sent, or less") };
        assert_eq!(ready.kind, "ready");
        assert_eq!((&*message.kind, &message.last_id), (kind, &cursor));
        assert_eq!(&serde_json::from_str::<Value>(&message.data).unwrap(), data);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn s28_a_stream_has_the_events_that_were_sent_and_nothing_else(
        path in hostile(), event in hostile(), record in record(), line_end in select(vec!["\n", "\r", "\r\n", "\n\n"])
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // No service is mounted under a path with a NUL.
        let path = path.replace('\0', "");
        runtime.block_on(check_streams(&format!("p{path}"), &format!("e{event}"), &record, line_end));
    }
}
