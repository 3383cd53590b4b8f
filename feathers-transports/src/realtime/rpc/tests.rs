//! Messages that are read and refused, and written.

use proptest::prelude::*;

use super::*;

fn codes(text: &str) -> Result<Vec<String>, i32> {
    let parsed = parse(text).map_err(|fault| fault.code)?;
    let method = |one: Result<Incoming<'_>, Fault>| one.and_then(|one| one.method().map(Cow::into_owned));
    parsed.into_iter().map(|one| method(one).map_err(|fault| fault.code)).collect()
}

#[test]
fn messages() {
    assert_eq!(codes(r#"{"jsonrpc":"2.0","id":1,"method":"find"}"#), Ok(vec!["find".to_owned()]));
    assert_eq!(
        codes(r#"[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","id":null,"method":"b"}]"#).map(|list| list.len()),
        Ok(2)
    );
    for text in ["", "{", "[", "nonsense", "{\"jsonrpc\":\"2.0\",", "\u{1}"] {
        assert_eq!(codes(text), Err(PARSE_ERROR), "{text:?}");
    }
    for text in [
        "[]",
        "1",
        "null",
        "[1]",
        r#"[["2.0",1,"find"]]"#,
        "{}",
        r#"{"jsonrpc":"2.0","jsonrpc":"2.0","method":"a"}"#,
        r#"{"jsonrpc":2.0,"method":"a"}"#,
        r#"{"jsonrpc":"1.0","method":"a"}"#,
        r#"{"jsonrpc":"2.0","method":1}"#,
        r#"{"jsonrpc":"2.0","id":{},"method":"a"}"#,
        r#"{"jsonrpc":"2.0","id":true,"method":"a"}"#,
    ] {
        assert_eq!(codes(text), Err(INVALID_REQUEST), "{text:?}");
    }
    let many = format!("[{}]", vec![r#"{"jsonrpc":"2.0","method":"a"}"#; BATCH + 1].join(","));
    assert_eq!(codes(&many), Err(INVALID_REQUEST));
}

#[test]
fn null_is_an_id() {
    let id = |text: &str| request(text).map(|one| one.id.map(|id| id.get().to_owned()));
    assert_eq!(id(r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#), Ok(Some("null".to_owned())));
    assert_eq!(id(r#"{"jsonrpc":"2.0","method":"a"}"#), Ok(None));
    // An answer can be matched also when the rest is wrong.
    assert_eq!(id(r#"{"jsonrpc":1,"id":"x","method":{}}"#), Ok(Some("\"x\"".to_owned())));
}

#[test]
fn a_batch_is_answered_request_by_request() {
    let parsed = parse(r#"[1,{"jsonrpc":"2.0","id":1,"method":"a"},{"id":2}]"#).unwrap_or_default();
    let codes: Vec<_> = parsed
        .iter()
        .map(|one| one.as_ref().map_err(|fault| fault.code).and_then(|one| one.method().map_err(|fault| fault.code)))
        .collect();
    assert_eq!(codes, [Err(INVALID_REQUEST), Ok("a".into()), Err(INVALID_REQUEST)]);
}

#[test]
fn arguments_by_name_and_by_position() {
    let read = |method: &str, params: &str| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
        let arguments = request(&text).and_then(|one| arguments(&Method::named(method), one.text()));
        arguments.ok().map(|arguments| {
            let data = arguments.data.map(|data| data.get().to_owned());
            (arguments.path, arguments.id, data, arguments.query.map(Value::Object))
        })
    };
    let path = Some("todos".to_owned());
    let query = Some(serde_json::json!({ "a": 1 }));
    assert_eq!(read("find", r#"["todos",{"a":1}]"#), Some((path.clone(), None, None, query.clone())));
    assert_eq!(
        read("patch", r#"["todos",7,{"b":2},{"a":1}]"#),
        Some((path.clone(), Some(7.into()), Some(r#"{"b":2}"#.to_owned()), query.clone()))
    );
    assert_eq!(
        read("patch", r#"{"path":"todos","id":7,"data":{"b":2},"query":{"a":1}}"#),
        Some((path.clone(), Some(7.into()), Some(r#"{"b":2}"#.to_owned()), query))
    );
    assert_eq!(read("find", r#"["todos",{},1]"#), None);
    assert_eq!(read("find", r#"{"path":"todos","nope":1}"#), None);
    assert_eq!(read("find", "3"), None);
}

/// Reads everything that there is to read in a message.
fn read_all(text: &str) {
    for one in parse(text).into_iter().flatten().flatten() {
        let _ = one.own_params::<Hello>();
        let _ = one.own_params::<Cancel>();
        if let Ok(method) = one.method() {
            let _ = arguments(&Method::named(&method), one.text());
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_a_client_sends_panics(text in any::<String>()) {
        read_all(&text);
    }

    /// Pieces of messages in any order, so that the deep branches are reached too.
    #[test]
    fn what_looks_like_a_message_never_panics(pieces in proptest::collection::vec(piece(), 0..12)) {
        read_all(&pieces.concat());
    }

    #[test]
    fn a_request_is_read_as_it_was_written(id in any::<i64>(), method in any::<String>(), path in any::<String>()) {
        let text = serde_json::json!({
            "jsonrpc": "2.0", "id": id, "method": method, "params": { "path": path }
        });
        let text = text.to_string();
        let one = request(&text).map_err(|fault| TestCaseError::fail(fault.message))?;
        prop_assert_eq!(one.id.as_ref().map(|id| id.get().to_owned()), Some(id.to_string()));
        prop_assert_eq!(one.method().map(Cow::into_owned), Ok(method.clone()));
        let arguments = arguments(&Method::named(&method), one.text());
        let arguments = arguments.map_err(|fault| TestCaseError::fail(fault.message))?;
        prop_assert_eq!(arguments.path, Some(path));
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(
        &[
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            " ",
            "null",
            "true",
            "1",
            "-1e999",
            "\"2.0\"",
            "\"jsonrpc\"",
            "\"id\"",
            "\"method\"",
            "\"params\"",
            "\"path\"",
            "\"data\"",
            "\"query\"",
            "\"since\"",
            "\"\\ud800\"",
            "\"jsonrpc\":\"2.0\",\"method\":\"patch\",\"params\":",
            "{\"jsonrpc\":\"2.0\",",
            "ä",
        ][..],
    )
}
