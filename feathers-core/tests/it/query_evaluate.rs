//! Filters and the order of sorts: the rules of `MongoDB`, and the laws of an order.

use std::cmp::Ordering;

use feathers_core::query::compare;
use feathers_core::{FieldRef, Query, QueryOptions, Schema};
use proptest::prelude::*;
use serde_json::{Value, json};

fn matches(query: &Value, record: &Value) -> bool {
    let schema = Schema::open("id");
    let query = Query::parse(query.as_object().unwrap(), &schema, &QueryOptions::default(), true).unwrap();
    query.filter.matches(&|path| record.get(path.name()).map_or(FieldRef::Null, |value| path.descend(value)))
}

#[test]
fn arrays_match_as_a_whole_or_by_an_element() {
    let record = json!({ "list": [1, "a", [2], { "x": 1 }], "empty": [] });
    for (query, expected) in [
        (json!({ "list": 1 }), true),
        (json!({ "list": [2] }), true),
        (json!({ "list": [1, "a", [2], { "x": 1.0 }] }), true),
        (json!({ "list": { "x": 1 } }), true),
        (json!({ "list": 2 }), false),
        (json!({ "list": { "$in": ["a", "b"] } }), true),
        (json!({ "list": { "$nin": ["a", "b"] } }), false),
        (json!({ "list": { "$ne": 1 } }), false),
        (json!({ "list": { "$ne": 2 } }), true),
        (json!({ "list": { "$gt": 0 } }), true),
        (json!({ "list": { "$gt": 1 } }), false),
        (json!({ "empty": null }), false),
        (json!({ "empty": [] }), true),
        (json!({ "empty": { "$ne": 1 } }), true),
    ] {
        assert_eq!(matches(&query, &record), expected, "{query}");
    }
}

#[test]
fn types_are_strict_and_null_is_missing() {
    let record = json!({ "n": 1, "t": "1", "nul": null, "b": true, "big": 9_007_199_254_740_993_i64 });
    for (query, expected) in [
        (json!({ "n": "1" }), false),
        (json!({ "n": 1.0 }), true),
        (json!({ "n": true }), false),
        (json!({ "t": { "$gt": 0 } }), false),
        (json!({ "t": { "$gte": "1" } }), true),
        (json!({ "b": { "$gt": false } }), true),
        (json!({ "nul": null, "missing": null }), true),
        (json!({ "nul": { "$ne": 1 } }), true),
        (json!({ "missing": { "$in": [null] } }), true),
        (json!({ "nul": { "$gte": null } }), false),
        (json!({ "nul": { "$lt": 1 } }), false),
        // Floats cannot tell these two apart.
        (json!({ "big": 9_007_199_254_740_992_i64 }), false),
        (json!({ "big": { "$gt": 9_007_199_254_740_992.0 } }), true),
        (json!({ "n": { "$lt": 1e300, "$gt": -1e300 } }), true),
        (json!({ "n": { "$lt": 1.5, "$gt": 0.5 } }), true),
    ] {
        assert_eq!(matches(&query, &record), expected, "{query}");
    }
}

#[test]
fn sorts_by_type_first() {
    let sorted = [
        json!(null),
        json!(-1.5),
        json!(0),
        json!(2.5),
        json!(3),
        json!(""),
        json!("a"),
        json!("b"),
        json!(false),
        json!(true),
        json!([]),
        json!([1]),
        json!([1, 2]),
        json!([2]),
        json!({}),
        json!({ "a": 1 }),
        json!({ "a": 1, "b": 1 }),
        json!({ "a": 2 }),
    ];
    for (i, a) in sorted.iter().enumerate() {
        for (j, b) in sorted.iter().enumerate() {
            assert_eq!(compare(&FieldRef::from_json(a), &FieldRef::from_json(b)), i.cmp(&j), "{a} and {b}");
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5_i64..5).prop_map(Value::from),
        (-1e19..1e19).prop_map(Value::from),
        (-5_i32..5).prop_map(|number| Value::from(f64::from(number) / 2.0)),
        "[ab]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[ab]", inner), 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn comparing_is_an_order(a in value(), b in value(), c in value()) {
        let order = |a: &Value, b: &Value| compare(&FieldRef::from_json(a), &FieldRef::from_json(b));
        prop_assert_eq!(order(&a, &a), Ordering::Equal);
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        if order(&a, &b).is_le() && order(&b, &c).is_le() {
            prop_assert!(order(&a, &c).is_le());
        }
    }

    #[test]
    fn equality_agrees_with_the_order(a in value(), b in value()) {
        prop_assume!(!a.is_array());
        let same = compare(&FieldRef::from_json(&a), &FieldRef::from_json(&b)) == Ordering::Equal;
        prop_assert_eq!(matches(&json!({ "f": { "$in": [b] } }), &json!({ "f": a })), same);
    }

    #[test]
    fn parsing_never_panics(query in value()) {
        if let Some(query) = query.as_object() {
            let parsed = Query::parse(query, &Schema::open("id"), &QueryOptions::default(), true);
            prop_assert!(parsed.map_or_else(|error| error.code() == 400, |_| true));
        }
    }
}
