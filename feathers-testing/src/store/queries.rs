//! Queries: which records match, in which order, and which page of them.

use std::sync::Arc;

use feathers_core::{Comparison, FieldPath, FieldValue, Filter, PerKey, Query, Record, Store, StoreContext};
use serde_json::{Value, json};

use super::{ids, ok, person, query, with};
use crate::{Person, PersonData};

async fn seed<S: Store<Record = Person>>(store: &S) {
    let with = |name, age, score, active, nickname: Option<&str>, info| PersonData {
        score,
        active,
        nickname: nickname.map(Into::into),
        info,
        ..person(name, age)
    };
    let people = vec![
        with("Ann", 30, 1.5, true, Some("A"), json!({ "city": "Rome", "tags": ["x", "y"], "n": 1 })),
        with("Bob", 20, 2.0, false, None, Value::Null),
        with("Cid", 30, -1.0, true, Some("C"), json!([1, "x", null])),
        with("dan", 40, 0.0, false, None, json!({ "city": "Oslo", "n": 2.5 })),
        with("Éva", 20, 2.5, true, Some(""), json!(7)),
    ];
    ok(store.create(people, &StoreContext::NONE).await);
}

async fn check<S: Store<Record = Person>>(store: &Arc<S>, cases: Vec<(Value, &[i64])>) {
    seed(&**store).await;
    for (raw, expected) in cases {
        let found = ok(store.find(&query::<Person>(raw.clone()), &StoreContext::NONE).await);
        assert_eq!(ids(&found.records), expected, "{raw}");
        assert_eq!(found.total, None, "{raw}: nobody asked for the total");
        let mut wanted = query::<Person>(raw.clone());
        (wanted.count, wanted.limit, wanted.skip) = (true, Some(0), 0);
        let counted = ok(store.find(&wanted, &StoreContext::NONE).await);
        (wanted.count, wanted.limit) = (false, None);
        let all = ok(store.find(&wanted, &StoreContext::NONE).await);
        assert_eq!(counted.total, Some(all.records.len() as u64), "{raw}: the total");
        assert!(counted.records.is_empty(), "{raw}: a limit of 0");
    }
}

/// Every operator on every type.
pub async fn operators<S: Store<Record = Person>>(store: &Arc<S>) {
    let cases: Vec<(Value, &[i64])> = vec![
        (json!({}), &[1, 2, 3, 4, 5]),
        (json!({ "id": 3 }), &[3]),
        (json!({ "name": "Ann" }), &[1]),
        (json!({ "name": "ann" }), &[]),
        (json!({ "name": "Éva" }), &[5]),
        (json!({ "age": 30 }), &[1, 3]),
        (json!({ "score": 2 }), &[2]),
        (json!({ "score": 2.5 }), &[5]),
        (json!({ "active": true }), &[1, 3, 5]),
        (json!({ "active": false, "age": 20 }), &[2]),
        (json!({ "age": { "$ne": 30 } }), &[2, 4, 5]),
        (json!({ "active": { "$ne": true } }), &[2, 4]),
        (json!({ "age": { "$lt": 30 } }), &[2, 5]),
        (json!({ "age": { "$lte": 30 } }), &[1, 2, 3, 5]),
        (json!({ "age": { "$gt": 30 } }), &[4]),
        (json!({ "age": { "$gte": 30 } }), &[1, 3, 4]),
        (json!({ "age": { "$gt": 20, "$lt": 40 } }), &[1, 3]),
        (json!({ "score": { "$gt": 0 } }), &[1, 2, 5]),
        (json!({ "score": { "$lt": 1.5 } }), &[3, 4]),
        // By code points: upper case before lower case before accents.
        (json!({ "name": { "$gt": "Z" } }), &[4, 5]),
        (json!({ "name": { "$lte": "Bob" } }), &[1, 2]),
        (json!({ "active": { "$lt": true } }), &[2, 4]),
        (json!({ "age": { "$in": [20, 40, 99] } }), &[2, 4, 5]),
        (json!({ "name": { "$in": ["Cid", "Cid", "nobody"] } }), &[3]),
        (json!({ "age": { "$in": [] } }), &[]),
        (json!({ "age": { "$nin": [20, 40] } }), &[1, 3]),
        (json!({ "age": { "$nin": [] } }), &[1, 2, 3, 4, 5]),
        (json!({ "name": { "$in": ["Ann", "Bob", "Cid"], "$nin": ["Bob"], "$ne": "Ann" } }), &[3]),
    ];
    check(store, cases).await;
}

/// `null` and a missing value are the same; what is not equal includes them; nothing is larger or smaller.
pub async fn null_and_missing<S: Store<Record = Person>>(store: &Arc<S>) {
    let cases: Vec<(Value, &[i64])> = vec![
        (json!({ "nickname": null }), &[2, 4]),
        (json!({ "nickname": "" }), &[5]),
        (json!({ "nickname": { "$ne": null } }), &[1, 3, 5]),
        (json!({ "nickname": { "$ne": "A" } }), &[2, 3, 4, 5]),
        (json!({ "nickname": { "$in": ["A", null] } }), &[1, 2, 4]),
        (json!({ "nickname": { "$in": [null] } }), &[2, 4]),
        (json!({ "nickname": { "$nin": ["A"] } }), &[2, 3, 4, 5]),
        (json!({ "nickname": { "$nin": ["A", null] } }), &[3, 5]),
        (json!({ "nickname": { "$nin": [null] } }), &[1, 3, 5]),
        (json!({ "nickname": { "$nin": [] } }), &[1, 2, 3, 4, 5]),
        (json!({ "nickname": { "$lt": "B" } }), &[1, 5]),
        (json!({ "nickname": { "$gte": "" } }), &[1, 3, 5]),
        (json!({ "nickname": { "$ne": "A" }, "active": true }), &[3, 5]),
    ];
    check(store, cases).await;
}

/// JSON fields match as a whole, by an element, or by a path.
pub async fn inside_json<S: Store<Record = Person>>(store: &Arc<S>) {
    let cases: Vec<(Value, &[i64])> = vec![
        (json!({ "info": 7 }), &[5]),
        (json!({ "info": { "$gt": 0 } }), &[3, 5]),
        (json!({ "info": "x" }), &[3]),
        (json!({ "info": null }), &[2, 3]),
        (json!({ "info": { "$ne": 7 } }), &[1, 2, 3, 4]),
        (json!({ "info.city": "Rome" }), &[1]),
        (json!({ "info.city": null }), &[2, 3, 5]),
        (json!({ "info.city": { "$ne": "Rome" } }), &[2, 3, 4, 5]),
        (json!({ "info.city": { "$in": ["Rome", "Oslo"] } }), &[1, 4]),
        (json!({ "info.n": { "$gte": 1 } }), &[1, 4]),
        (json!({ "info.n": 1 }), &[1]),
        (json!({ "info.tags": "y" }), &[1]),
        (json!({ "info.tags.0": "x" }), &[1]),
        (json!({ "info.tags.0": "y" }), &[]),
        (json!({ "info.1": "x" }), &[3]),
        (json!({ "age": 30, "info.city": { "$ne": null } }), &[1]),
        (json!({ "$or": [{ "age": 40 }, { "info.city": "Rome" }] }), &[1, 4]),
        (json!({ "info.city": { "$ne": null }, "$limit": 1, "$skip": 1 }), &[4]),
        (json!({ "$sort": { "info.n": -1 }, "$limit": 2 }), &[4, 1]),
        (json!({ "$sort": { "active": 1, "info.city": -1 } }), &[4, 2, 1, 3, 5]),
    ];
    check(store, cases).await;
}

/// `$or` and `$and`, also inside each other.
pub async fn combinations<S: Store<Record = Person>>(store: &Arc<S>) {
    let many: Vec<Value> = (0..1_500).map(|age| json!({ "age": age })).collect();
    let cases: Vec<(Value, &[i64])> = vec![
        (json!({ "$or": [{ "name": "Ann" }, { "age": 20 }] }), &[1, 2, 5]),
        (json!({ "$or": [{ "name": "Ann" }, { "age": 20 }], "active": true }), &[1, 5]),
        (json!({ "$and": [{ "age": 30 }, { "active": true }, { "name": { "$ne": "Ann" } }] }), &[3]),
        (
            json!({ "$and": [{ "$or": [{ "age": 30 }, { "age": 40 }] }, { "$or": [{ "active": false }, { "id": 1 }] }] }),
            &[1, 4],
        ),
        (json!({ "$or": [{ "age": { "$in": [] } }, { "nickname": null }] }), &[2, 4]),
        (json!({ "$or": [{ "age": { "$nin": [] } }, { "name": "nobody" }], "id": { "$gt": 3 } }), &[4, 5]),
        // More than a database may take in one statement.
        (json!({ "$or": many }), &[1, 2, 3, 4, 5]),
        (json!({ "age": { "$in": (0..40).collect::<Vec<_>>() } }), &[1, 2, 3, 5]),
    ];
    check(store, cases).await;
}

/// Values are compared by their type, also where a database would convert them.
pub async fn types_do_not_mix<S: Store<Record = Person>>(store: &Arc<S>) {
    seed(&**store).await;
    let schema = Person::schema();
    let cases: Vec<(&str, Comparison, &[i64])> = vec![
        ("age", Comparison::Equal(FieldValue::Text("30".into())), &[]),
        ("age", Comparison::NotEqual(FieldValue::Text("30".into())), &[1, 2, 3, 4, 5]),
        ("age", Comparison::Greater(FieldValue::Text("0".into())), &[]),
        ("age", Comparison::Equal(FieldValue::Float(30.0)), &[1, 3]),
        ("age", Comparison::Equal(FieldValue::Float(30.5)), &[]),
        ("age", Comparison::Less(FieldValue::Float(20.5)), &[2, 5]),
        ("age", Comparison::Less(FieldValue::Float(f64::INFINITY)), &[1, 2, 3, 4, 5]),
        ("age", Comparison::Less(FieldValue::Float(f64::NAN)), &[]),
        ("age", Comparison::NotEqual(FieldValue::Float(f64::NAN)), &[1, 2, 3, 4, 5]),
        ("age", Comparison::In(vec![FieldValue::Text("30".into()), FieldValue::Float(20.0)]), &[2, 5]),
        ("age", Comparison::NotIn(vec![FieldValue::Text("30".into())]), &[1, 2, 3, 4, 5]),
        ("age", Comparison::Less(FieldValue::Null), &[]),
        ("nickname", Comparison::LessOrEqual(FieldValue::Null), &[]),
        ("active", Comparison::Equal(FieldValue::Int(1)), &[]),
        ("active", Comparison::NotEqual(FieldValue::Int(1)), &[1, 2, 3, 4, 5]),
        ("score", Comparison::Equal(FieldValue::Int(2)), &[2]),
        ("score", Comparison::Equal(FieldValue::Bool(false)), &[]),
        ("name", Comparison::Equal(FieldValue::Int(1)), &[]),
        ("name", Comparison::Equal(FieldValue::Json(json!(["Ann"]))), &[]),
        ("name.first", Comparison::Equal(FieldValue::Null), &[1, 2, 3, 4, 5]),
        ("name.first", Comparison::Equal(FieldValue::Text("Ann".into())), &[]),
        ("unknown", Comparison::NotEqual(FieldValue::Int(1)), &[1, 2, 3, 4, 5]),
        ("id", Comparison::Equal(FieldValue::Text("1".into())), &[]),
    ];
    for (path, comparison, expected) in cases {
        let filter = Filter::Field(FieldPath::new(path, &schema), comparison);
        let found =
            ok(store.find(&with(Query::default(), |query| query.filter = filter.clone()), &StoreContext::NONE).await);
        assert_eq!(ids(&found.records), expected, "{filter:?}");
    }
}

/// Several fields and both directions; `null` comes first, and what is alike stays in the store's own order.
pub async fn sorting<S: Store<Record = Person>>(store: &Arc<S>) {
    let cases: Vec<(Value, &[i64])> = vec![
        (json!({ "$sort": { "name": 1 } }), &[1, 2, 3, 4, 5]),
        (json!({ "$sort": { "name": -1 } }), &[5, 4, 3, 2, 1]),
        (json!({ "$sort": { "age": 1 } }), &[2, 5, 1, 3, 4]),
        (json!({ "$sort": { "age": -1 } }), &[4, 1, 3, 2, 5]),
        (json!({ "$sort": { "age": 1, "name": -1 } }), &[5, 2, 3, 1, 4]),
        (json!({ "$sort": { "score": 1 } }), &[3, 4, 1, 2, 5]),
        (json!({ "$sort": { "nickname": 1 } }), &[2, 4, 5, 1, 3]),
        (json!({ "$sort": { "nickname": -1 } }), &[3, 1, 5, 2, 4]),
        (json!({ "$sort": { "active": 1, "id": -1 } }), &[4, 2, 5, 3, 1]),
        // Numbers, arrays, objects: as in Feathers.
        (json!({ "$sort": { "info": 1 } }), &[2, 5, 3, 4, 1]),
        (json!({ "age": { "$gt": 20 }, "$sort": { "score": -1 } }), &[1, 4, 3]),
    ];
    check(store, cases).await;
}

/// Limits and skips, with and without a sort.
pub async fn paging<S: Store<Record = Person>>(store: &Arc<S>) {
    let cases: Vec<(Value, &[i64])> = vec![
        (json!({ "$limit": 2 }), &[1, 2]),
        (json!({ "$limit": 2, "$skip": 1 }), &[2, 3]),
        (json!({ "$skip": 3 }), &[4, 5]),
        (json!({ "$skip": 9 }), &[]),
        (json!({ "$limit": 0 }), &[]),
        (json!({ "$limit": 9_007_199_254_740_991_i64, "$skip": 4 }), &[5]),
        (json!({ "age": 30, "$limit": 1 }), &[1]),
        (json!({ "age": 30, "$limit": 1, "$skip": 1 }), &[3]),
        (json!({ "$sort": { "age": -1 }, "$limit": 2 }), &[4, 1]),
        (json!({ "$sort": { "age": -1 }, "$limit": 2, "$skip": 2 }), &[3, 2]),
    ];
    check(store, cases).await;

    let largest = with(Query::default(), |query| {
        (query.limit, query.skip, query.count) = (Some(u64::MAX), u64::MAX, true);
    });
    let found = ok(store.find(&largest, &StoreContext::NONE).await);
    assert_eq!((found.records.len(), found.total), (0, Some(5)));
    let page = with(query::<Person>(json!({ "$sort": { "age": 1 } })), |query| {
        (query.count, query.limit, query.skip) = (true, Some(2), 4);
    });
    let found = ok(store.find(&page, &StoreContext::NONE).await);
    assert_eq!((ids(&found.records), found.total), (vec![4], Some(5)));
}

/// A few records for each value of a field, in the order of the query, and how many there are of each.
pub async fn a_few_per_key<S: Store<Record = Person>>(store: &Arc<S>) {
    seed(&**store).await;
    let many: Vec<i64> = (0..20).chain([20, 30]).collect();
    // For each value the ids in their order and the number of all.
    let cases: Vec<(Value, &str, u64, Value)> = vec![
        (json!({}), "age", 1, json!({ "20": [[2], 2], "30": [[1], 2], "40": [[4], 1] })),
        (json!({ "$sort": { "name": -1 } }), "age", 1, json!({ "20": [[5], 2], "30": [[3], 2], "40": [[4], 1] })),
        (
            json!({ "$sort": { "active": 1 } }),
            "age",
            9,
            json!({ "20": [[2, 5], 2], "30": [[1, 3], 2], "40": [[4], 1] }),
        ),
        (json!({ "age": { "$in": [20, 30] }, "active": true }), "age", 9, json!({ "20": [[5], 1], "30": [[1, 3], 2] })),
        (
            json!({ "age": { "$in": many }, "name": { "$ne": "Cid" } }),
            "age",
            9,
            json!({ "20": [[2, 5], 2], "30": [[1], 1] }),
        ),
        (json!({}), "nickname", 2, json!({ "": [[5], 1], "A": [[1], 1], "C": [[3], 1] })),
        // What a database leaves to the rules that all stores share.
        (json!({ "info.city": { "$ne": null } }), "age", 9, json!({ "30": [[1], 1], "40": [[4], 1] })),
        (json!({ "$sort": { "info": 1 } }), "age", 1, json!({ "20": [[2], 2], "30": [[3], 2], "40": [[4], 1] })),
        // The page of the query does not count.
        (json!({ "$limit": 1, "$skip": 2 }), "age", 1, json!({ "20": [[2], 2], "30": [[1], 2], "40": [[4], 1] })),
    ];
    let (schema, context) = (Person::schema(), StoreContext::NONE);
    for (raw, field, limit, expected) in cases {
        let path = FieldPath::new(field, &schema);
        let key = |value: FieldValue| match value {
            FieldValue::Text(text) => text.to_string(),
            other => other.to_json().to_string(),
        };
        let per_key = PerKey::new(path.clone(), limit).total(true);
        let found = ok(store.find_per_key(&query::<Person>(raw.clone()), &per_key, &context).await);
        let mut told = serde_json::Map::new();
        for (value, total) in found.totals {
            let value = key(value);
            let own = found.records.iter().filter(|person| key(person.lookup(&path).into_owned()) == value);
            let own: Vec<i64> = own.map(|person| person.id).collect();
            told.insert(value, json!([own, total]));
        }
        assert_eq!(Value::from(told), expected, "{raw} by {field}");
        let without = PerKey::new(path, limit).most(2);
        let few = ok(store.find_per_key(&query::<Person>(raw.clone()), &without, &context).await);
        assert_eq!(few.records.len(), found.records.len().min(2), "{raw} by {field}");
        assert!(few.totals.is_empty(), "{raw}: nobody asked for the totals");
    }
}
