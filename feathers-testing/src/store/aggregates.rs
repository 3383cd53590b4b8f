//! Aggregates: counts, sums, smallest and largest values, in groups.

use std::sync::Arc;

use feathers_core::{Aggregate, AggregateRow, FieldValue, Query, Store, StoreContext};
use serde_json::{Value, json};

use super::{code, ok, person, query};
use crate::{Person, PersonData};

async fn rows<S: Store<Record = Person>>(store: &Arc<S>, aggregate: Aggregate, matching: Value) -> Vec<AggregateRow> {
    let query = query::<Person>(matching);
    let found = ok(store.aggregate(&aggregate, &query, &StoreContext::NONE).await);
    // Every store agrees with what is computed of the records that it finds.
    let expected = ok(aggregate.over_find(&**store, &query, &StoreContext::NONE).await);
    assert_eq!(found, expected, "{aggregate:?} of {:?}", query.filter);
    found
}

/// Returns the rows as JSON: the group, then the values.
async fn found<S: Store<Record = Person>>(store: &Arc<S>, aggregate: Aggregate, matching: Value) -> Vec<Value> {
    let json = |row: &AggregateRow| row.group.iter().chain(&row.values).map(FieldValue::to_json).collect();
    rows(store, aggregate, matching).await.iter().map(json).collect()
}

async fn seed<S: Store<Record = Person>>(store: &Arc<S>) {
    let with = |name, age, score, active, nickname: Option<&str>| PersonData {
        score,
        active,
        nickname: nickname.map(Into::into),
        info: json!({ "n": age }),
        ..person(name, age)
    };
    let people = vec![
        with("Ann", 30, 1.5, true, Some("A")),
        with("Bob", 20, -2.25, false, None),
        with("Cid", 30, 0.0, true, Some("C")),
        with("dan", -40, -0.0, false, None),
        with("Éva", 20, 2.5, true, Some("")),
    ];
    ok(store.create(people, &StoreContext::NONE).await);
}

/// Sums, extremes and counts of all and of those that match.
pub async fn totals_are_of_what_matches<S: Store<Record = Person>>(store: &Arc<S>) {
    seed(store).await;
    let all = || Aggregate::new().count().sum(["age", "score"]).min(["age", "name"]).max(["score", "name", "active"]);
    let expected = json!([5, 60, 1.75, -40, "Ann", 2.5, "Éva", true]);
    assert_eq!(found(store, all(), json!({})).await, [expected]);
    let expected = json!([2, 50, -0.75, 20, "Ann", 1.5, "Bob", true]);
    assert_eq!(found(store, all(), json!({ "name": { "$in": ["Ann", "Bob"] } })).await, [expected]);
    // Where the database cannot decide alone.
    let expected = json!([2, 60, 1.5, 30, "Ann", 1.5, "Cid", true]);
    assert_eq!(found(store, all(), json!({ "info.n": 30 })).await, [expected]);
    // Limit, skip and sort do not count.
    let paged = json!({ "$limit": 1, "$skip": 1, "$sort": { "age": 1 } });
    assert_eq!(found(store, Aggregate::new().count(), paged).await, [json!([5])]);
}

/// No records, no values.
pub async fn totals_of_nothing<S: Store<Record = Person>>(store: &Arc<S>) {
    let all = || Aggregate::new().count().sum(["age", "score"]).min("age").max("name");
    let nothing = json!([0, 0, 0.0, null, null]);
    assert_eq!(found(store, all(), json!({})).await, std::slice::from_ref(&nothing));
    assert_eq!(found(store, all().group_by("name"), json!({})).await, [Value::Null; 0]);
    seed(store).await;
    assert_eq!(found(store, all(), json!({ "age": 7 })).await, [nothing]);
    // Only nulls.
    let nicknames = || Aggregate::new().count().min("nickname").max("nickname");
    assert_eq!(found(store, nicknames(), json!({ "nickname": null })).await, [json!([2, null, null])]);
    assert_eq!(found(store, nicknames(), json!({})).await, [json!([5, "", "C"])]);
}

/// Groups come in the order of their values, null first.
pub async fn groups_are_in_order<S: Store<Record = Person>>(store: &Arc<S>) {
    seed(store).await;
    let by = |field: &str| Aggregate::new().count().sum("age").group_by(field);
    assert_eq!(
        found(store, by("age"), json!({})).await,
        [json!([-40, 1, -40]), json!([20, 2, 40]), json!([30, 2, 60])]
    );
    let by_nickname = [json!([null, 2, -20]), json!(["", 1, 20]), json!(["A", 1, 30]), json!(["C", 1, 30])];
    assert_eq!(found(store, by("nickname"), json!({})).await, by_nickname);
    assert_eq!(found(store, by("active"), json!({})).await, [json!([false, 2, -20]), json!([true, 3, 80])]);
    // Texts by their code points, and the two zeros as one.
    let names = found(store, Aggregate::new().group_by("name"), json!({})).await;
    assert_eq!(names, [json!(["Ann"]), json!(["Bob"]), json!(["Cid"]), json!(["dan"]), json!(["Éva"])]);
    let scores = found(store, Aggregate::new().count().group_by("score"), json!({})).await;
    assert_eq!(scores, [json!([-2.25, 1]), json!([0.0, 2]), json!([1.5, 1]), json!([2.5, 1])]);
    let both = Aggregate::new().count().group_by(["age", "active"]);
    let expected = [json!([-40, false, 1]), json!([20, false, 1]), json!([20, true, 1]), json!([30, true, 2])];
    assert_eq!(found(store, both, json!({})).await, expected);
}

/// A sum that no number can hold is an error, and not on the way to one that fits.
pub async fn sums_do_not_overflow<S: Store<Record = Person>>(store: &Arc<S>) {
    let ages = [i64::MAX, i64::MAX, i64::MIN, i64::MIN, 2];
    let people = ages.iter().map(|age| person("a", *age)).chain([person("b", i64::MAX), person("b", 1)]);
    ok(store.create(people.collect(), &StoreContext::NONE).await);
    let sum = || Aggregate::new().sum("age");
    assert_eq!(found(store, sum(), json!({ "name": "a" })).await, [json!([0])]);
    let too_large = store.aggregate(&sum(), &query::<Person>(json!({ "name": "b" })), &StoreContext::NONE).await;
    assert_eq!(code(too_large), 400);

    let with = |score| PersonData { score, ..person("f", 0) };
    ok(store.create(vec![with(f64::MAX), with(f64::MAX)], &StoreContext::NONE).await);
    let floats = Aggregate::new().sum("score");
    assert_eq!(
        code(store.aggregate(&floats, &query::<Person>(json!({ "name": "f" })), &StoreContext::NONE).await),
        400
    );
}

/// What cannot be computed is an error that names the field.
pub async fn fields_that_cannot_be_computed<S: Store<Record = Person>>(store: &Arc<S>) {
    seed(store).await;
    for wrong in [
        Aggregate::new().sum("name"),
        Aggregate::new().sum("active"),
        Aggregate::new().min("info"),
        Aggregate::new().max("info.n"),
        Aggregate::new().count().group_by("info"),
        Aggregate::new().group_by("nowhere"),
    ] {
        assert_eq!(code(store.aggregate(&wrong, &Query::default(), &StoreContext::NONE).await), 400, "{wrong:?}");
    }
    let all = Query::default();
    assert_eq!(ok(store.count(&all, &StoreContext::NONE).await), 5);
    assert_eq!(ok(store.sum("age", &all, &StoreContext::NONE).await), FieldValue::Int(60));
    assert_eq!(ok(store.min("age", &all, &StoreContext::NONE).await), FieldValue::Int(-40));
    assert_eq!(ok(store.max("name", &all, &StoreContext::NONE).await), FieldValue::Text("Éva".into()));
}
