//! Data is coerced to the types of its fields, and mistakes in it are reported.

use std::collections::HashMap;
use std::num::NonZeroU8;

use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::fit;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    name: String,
    #[serde(default)]
    count: u8,
    price: Option<f64>,
    paid: Option<bool>,
    #[serde(default)]
    tags: Vec<i64>,
    address: Option<Address>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    sizes: HashMap<i32, (u8, u8)>,
    key: Option<Uuid>,
    twice: Option<NonZeroU8>,
    any: Option<Value>,
    either: Option<Either>,
    large: Option<u64>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Address {
    street: String,
    zip: u32,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    #[default]
    Plain,
    Gift {
        to: String,
    },
    Many(Vec<Address>),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i64),
    List(Vec<bool>),
}

/// Returns the fields and the messages of the mistakes.
fn mistakes(value: &Value, form: bool) -> Vec<(String, String)> {
    let error = fit::<Order>(value, form).expect_err("it does not fit");
    assert_eq!((error.code(), error.message()), (400, "validation failed"));
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let items = error.data().and_then(Value::as_array).cloned().unwrap_or_default();
    assert!(items.iter().all(|item| item.as_object().is_some_and(|item| item.len() == 5)), "{items:?}");
    items.iter().map(|item| (text(item, "instancePath"), text(item, "message"))).collect()
}

#[track_caller]
fn check(value: &Value, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(at, words)| ((*at).to_owned(), (*words).to_owned())).collect();
    assert_eq!(mistakes(value, false), expected, "{value}");
}

#[test]
fn whole_numbers_may_be_written_with_a_fraction_of_none() {
    let value: Value = serde_json::from_str(
        r#"{"name":"a","count":3e1,"price":3,"tags":[1.0,-2e2],"address":{"street":"b","zip":9.0},
            "sizes":{"-1":[1.0,2]},"twice":1.0,"any":30.0,"either":5.0}"#,
    )
    .expect("JSON");
    let order = fit::<Order>(&value, false).expect("it fits");
    let expected = Order {
        name: "a".into(),
        count: 30,
        price: Some(3.0),
        tags: vec![1, -200],
        address: Some(Address { street: "b".into(), zip: 9 }),
        sizes: HashMap::from([(-1, (1, 2))]),
        twice: NonZeroU8::new(1),
        any: Some(json!(30)),
        either: Some(Either::Number(5)),
        ..Order::default()
    };
    assert_eq!(order, expected);
}

#[test]
fn every_mistake_is_named_with_its_place_and_no_type() {
    check(&json!({ "name": 1 }), &[("/name", "must be string")]);
    check(&json!([]), &[("", "must be array")]);
    check(&json!("x"), &[("", "must be object")]);
    check(
        &json!({ "count": 300, "price": "x", "paid": "yes", "tags": [1, "x", 2.5, null], "extra": 1, "more": 2 }),
        &[
            ("/count", "must be <= 255"),
            ("/price", "must be number"),
            ("/paid", "must be boolean"),
            ("/tags/1", "must be integer"),
            ("/tags/2", "must be integer"),
            ("/tags/3", "must be integer"),
            ("", "must NOT have additional properties"),
            ("", "must NOT have additional properties"),
            ("", "must have required property 'name'"),
        ],
    );
    check(
        &json!({ "name": "a", "address": { "zip": -1 }, "sizes": { "x": [1, 2], "1": [1, 256], "2": [1] } }),
        &[
            ("/address/zip", "must be >= 0"),
            ("/address", "must have required property 'street'"),
            ("/sizes", "must be integer"),
        ],
    );
    check(&json!({ "name": "a", "twice": 0, "large": -1 }), &[("/twice", "must NOT be 0"), ("/large", "must be >= 0")]);
    check(&json!({ "name": "a", "large": 1e30 }), &[("/large", "must be <= 18446744073709551615")]);
    check(
        &json!({ "name": "a", "tags": [9_223_372_036_854_775_808_u64] }),
        &[("/tags/0", "must be <= 9223372036854775807")],
    );
    check(&json!({ "name": "a", "sizes": { "1": [1] } }), &[("/sizes/1", "must be array")]);
    check(&json!({ "name": "a", "sizes": { "1": [1, 2, 3] } }), &[("/sizes/1", "must NOT have more than 2 items")]);
    check(&json!({ "name": "a", "kind": "odd" }), &[("/kind", "must be equal to one of the allowed values")]);
    check(&json!({ "name": "a", "kind": 5 }), &[("/kind", "must be a string or an object")]);
    check(&json!({ "name": "a", "kind": { "gift": {} } }), &[("/kind/gift", "must have required property 'to'")]);
    check(
        &json!({ "name": 1, "kind": { "many": [{ "street": "a", "zip": "b" }, { "street": 1, "zip": 1 }] } }),
        &[
            ("/name", "must be string"),
            ("/kind/many/0/zip", "must be integer"),
            ("/kind/many/1/street", "must be string"),
        ],
    );
    check(&json!({ "name": "a", "either": {} }), &[("/either", "must be in one of its forms")]);
    let [(place, words)] = &mistakes(&json!({ "name": "a", "key": "x" }), false)[..] else { panic!("one mistake") };
    assert!(place == "/key" && words.contains("UUID"), "{words}");
}

#[test]
fn a_form_fills_numbers_and_booleans() {
    let value = json!({
        "name": "7", "count": "30", "price": " 2.5", "paid": "on", "tags": ["1", "2e1"], "twice": "", "large": "3.0",
        "address": { "street": "", "zip": "10115" }, "key": "", "any": "5",
    });
    let expected = Order {
        name: "7".into(),
        count: 30,
        price: Some(2.5),
        paid: Some(true),
        tags: vec![1, 20],
        address: Some(Address { street: String::new(), zip: 10_115 }),
        any: Some(json!("5")),
        large: Some(3),
        ..Order::default()
    };
    assert_eq!(fit::<Order>(&value, true).expect("it fits"), expected);
    let wrong = json!({ "count": "", "price": "x", "paid": "yes" });
    let expected = [
        ("/count", "must be integer"),
        ("/price", "must be number"),
        ("/paid", "must be boolean"),
        ("", "must have required property 'name'"),
    ];
    assert_eq!(mistakes(&wrong, true), expected.map(|(at, words)| (at.to_owned(), words.to_owned())));
    // Without a form, a text is a text.
    check(&json!({ "name": "a", "count": "30" }), &[("/count", "must be integer")]);
}

#[test]
fn the_search_for_mistakes_ends() {
    let many: Vec<Value> = (0..10_000).map(|n| json!({ "n": n })).collect();
    assert_eq!(mistakes(&json!({ "name": "a", "tags": many }), false).len(), super::MISTAKES);
    let large: Vec<Value> = (0..400_000).map(|_| json!("x")).collect();
    assert!(mistakes(&json!({ "name": "a", "any": large, "tags": ["x", "y", "z", "x", "y"] }), false).len() < 5);
}
