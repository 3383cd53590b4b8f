//! The query string parser: the vectors of `qs`, its limits, and hostile input.

use std::fmt::Write as _;

use feathers_core::query::qs;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn parsed(query: &str) -> Value {
    Value::Object(qs::parse(query).unwrap())
}

/// What `qs` with `allowPrototypes` makes of each query string; the differences are meant and have a reason each.
#[test]
fn parses_as_qs_does() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../data/qs-vectors.json")).unwrap();
    let differences: Vec<Value> = serde_json::from_str(include_str!("../data/qs-differences.json")).unwrap();
    assert_eq!(vectors.len(), 115);
    let mut different = 0;
    for vector in &vectors {
        let query = vector["query"].as_str().unwrap();
        let expected = match differences.iter().find(|difference| difference["query"] == query) {
            Some(difference) => {
                different += 1;
                assert!(!difference["reason"].as_str().unwrap().is_empty());
                assert_ne!(difference["value"], vector["value"], "{query} is no difference");
                difference
            }
            None => vector,
        };
        assert_eq!(parsed(query), expected["value"], "{query}");
    }
    assert_eq!(different, differences.len(), "a difference names no vector");
}

#[track_caller]
fn refused(query: &str, message: &str) {
    let error = qs::parse(query).unwrap_err();
    assert_eq!((error.code(), error.message()), (400, message));
}

#[test]
fn refuses_what_is_beyond_the_limits() {
    let list = |count: usize| {
        (0..count).fold(String::new(), |mut query, index| {
            write!(query, "a[]={index}&").unwrap();
            query
        })
    };
    assert_eq!(parsed(&list(999))["a"].as_array().unwrap().len(), 999);
    refused(&list(1_000), "Query has an array of 1000 elements or more");
    refused(&"a=1&".repeat(1_000), "Query has an array of 1000 elements or more");
    assert_eq!(parsed("a[999]=x"), json!({ "a": ["x"] }));
    refused("a[1000]=x", "Query has an array index of 1000 or more");
    refused("a[99999999999999999999999]=x", "Query has an array index of 1000 or more");
    refused("a[999]=x&a=y", "Query has an array index of 1000 or more");

    let parameters = |count: usize| {
        (0..count).fold(String::new(), |mut query, index| {
            write!(query, "p{index}=&").unwrap();
            query
        })
    };
    assert_eq!(qs::parse(&parameters(5_000)).unwrap().len(), 5_000);
    refused(&parameters(5_001), "Query has more than 5000 parameters");

    let nested = |depth: usize| format!("a{}=1", "[b]".repeat(depth));
    assert!(parsed(&nested(20))["a"].to_string().contains('1'));
    refused(&nested(21), "Query is nested deeper than 20 levels at 'a'");
    refused(&nested(100_000), "Query is nested deeper than 20 levels at 'a'");
}

/// Each of these made some query parser slow or large.
#[test]
fn survives_hostile_input() {
    for query in [
        "[".repeat(200_000),
        "]".repeat(200_000),
        "[]".repeat(200_000) + "=",
        "&".repeat(200_000),
        "=".repeat(200_000),
        "%".repeat(200_000),
        "a[".repeat(100_000),
        "%5B".repeat(100_000),
        "a[b=".repeat(100_000),
    ] {
        match qs::parse(&query) {
            Ok(query) => assert!(query.len() <= 1),
            Err(error) => assert_eq!(error.code(), 400),
        }
    }
    // Sparse arrays cost what is in them, not what is between.
    let sparse = (0..5_000).fold(String::new(), |mut query, index| {
        write!(query, "p{index}[999][999][999][999]=x&").unwrap();
        query
    });
    let query = qs::parse(&sparse).unwrap();
    assert_eq!(query.len(), 5_000);
    assert_eq!(query["p7"], json!([[[["x"]]]]));
}

#[test]
fn writes_as_the_client_does() {
    let written = |query: Value| qs::stringify(query.as_object().unwrap());
    assert_eq!(
        written(json!({ "$limit": 10, "a": null, "b": true, "c": 1.0, "d": 1.5 })),
        "%24limit=10&a=&b=true&c=1&d=1.5"
    );
    assert_eq!(written(json!({ "a": [], "b": {}, "c": { "$in": [] } })), "");
    assert_eq!(written(json!({ "a": ["x", null] })), "a%5B0%5D=x&a%5B1%5D=");
    assert_eq!(written(json!({ "a": [[1, 2], [3]] })), "a%5B0%5D%5B0%5D=1&a%5B0%5D%5B1%5D=2&a%5B1%5D%5B0%5D=3");
    assert_eq!(written(json!({ "a": "\u{e9}&= ~" })), "a=%C3%A9%26%3D%20~");
}

/// Names that mean nothing but themselves: no brackets, no array index, no prototype name.
fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z$_.][a-zA-Z0-9$_. &=%+\u{e4}]{0,6}", Just("$or".to_owned()), Just("a]b".replace(']', "="))]
        .prop_filter("an inherited name", |name| !["constructor", "valueOf", "toString"].contains(&&**name))
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = ".{0,12}".prop_map(Value::from);
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..5).prop_map(Value::from),
            prop::collection::vec((name(), inner), 1..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn parsing_undoes_writing(fields in prop::collection::vec((name(), tree()), 0..6)) {
        let query: Map<String, Value> = fields.into_iter().collect();
        prop_assert_eq!(qs::parse(&qs::stringify(&query)).unwrap(), query);
    }

    #[test]
    fn never_panics(query in "([ab=&]|\\[|\\]|\\[0\\]|\\[\\]|%5B|%5d|%|\\PC){0,60}") {
        if let Err(error) = qs::parse(&query) {
            prop_assert_eq!(error.code(), 400);
        }
    }

    #[test]
    fn never_panics_on_brackets(parts in prop::collection::vec(prop::sample::select(vec![
        "a", "b", "[0]", "[1]", "[]", "[a]", "[b]", "=", "=x", "&", "&a", "&a[0]=", "&a[b]=1", "[999]", "[[", "]]",
    ]), 0..40)) {
        if let Err(error) = qs::parse(&parts.concat()) {
            prop_assert_eq!(error.code(), 400);
        }
    }
}
