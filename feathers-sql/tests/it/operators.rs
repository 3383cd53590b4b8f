//! The operators of this store: patterns for texts.

use feathers_core::{App, Params, Provider, Query, QueryOptions, Record, Store, StoreContext};
use feathers_sql::Database;
use feathers_testing::{Person, PersonData, PersonPatch};
use serde_json::{Value, json};

fn query(raw: &Value) -> Query {
    let mut options = QueryOptions::default();
    options.operators.extend(["$like", "$notlike", "$ilike", "$regex"].map(Into::into));
    Query::parse(raw.as_object().unwrap(), &Person::schema(), &options, false).unwrap()
}

#[tokio::test]
async fn patterns_match_texts() {
    let people = Database::connect("sqlite::memory:").await.unwrap().store::<Person>().await.unwrap();
    let store = people.store();
    let person = |name: &str, nickname: Option<&str>| PersonData {
        name: name.into(),
        nickname: nickname.map(Into::into),
        info: json!({ "city": name }),
        ..PersonData::default()
    };
    let data =
        vec![person("Anna", Some("an_a")), person("ANNE", None), person("Ärne", Some("100%")), person("Bob", None)];
    store.create(data, &StoreContext::NONE).await.unwrap();
    for (raw, expected) in [
        (json!({ "name": { "$like": "An%" } }), &[1][..]),
        (json!({ "name": { "$like": "%n%" } }), &[1, 3]),
        (json!({ "name": { "$like": "_nna" } }), &[1]),
        (json!({ "name": { "$like": "" } }), &[]),
        (json!({ "name": { "$ilike": "an%" } }), &[1, 2]),
        (json!({ "name": { "$ilike": "ä%" } }), &[3]),
        (json!({ "name": { "$notlike": "%n%" } }), &[2, 4]),
        (json!({ "nickname": { "$notlike": "an%" } }), &[2, 3, 4]),
        (json!({ "info.city": { "$like": "B%" } }), &[4]),
        (json!({ "$or": [{ "name": { "$like": "B%" } }, { "id": 2 }], "$sort": { "id": -1 } }), &[4, 2]),
        (json!({ "name": { "$ilike": "%n%" }, "$limit": 1, "$skip": 1 }), &[2]),
        (json!({ "name": { "$like": "' OR 1=1 --" } }), &[]),
    ] {
        let found = store.find(&query(&raw), &StoreContext::NONE).await.unwrap().records;
        assert_eq!(found.iter().map(|person| person.id).collect::<Vec<_>>(), expected, "{raw}");
    }
    let b = query(&json!({ "name": { "$like": "B%" } }));
    assert!(store.get(&4.into(), &b, &StoreContext::NONE).await.unwrap().is_some());
    assert!(store.get(&1.into(), &b, &StoreContext::NONE).await.unwrap().is_none());
    let patch = || PersonPatch { age: Some(9), ..PersonPatch::default() };
    let patched = store.patch(None, patch(), &b, &StoreContext::NONE).await.unwrap();
    assert_eq!(patched.iter().map(|person| (person.id, person.age)).collect::<Vec<_>>(), [(4, 9)]);
    assert!(store.patch(Some(&1.into()), patch(), &b, &StoreContext::NONE).await.unwrap().is_empty());
    assert_eq!(store.remove(None, &b, &StoreContext::NONE).await.unwrap().len(), 1);

    for (raw, expected) in [
        (json!({ "name": { "$like": 5 } }), "Invalid query: '$like' of 'name' must be a text"),
        (
            json!({ "$or": [{ "name": { "$regex": "x" } }] }),
            "Invalid query parameter $regex: the database does not know it",
        ),
    ] {
        let error = store.find(&query(&raw), &StoreContext::NONE).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, expected));
    }
}

#[tokio::test]
async fn what_the_store_does_not_know_stops_the_start_and_what_it_knows_is_told() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let mut app = App::new();
    app.service("people", db.store::<Person>().await.unwrap().operators(["$like", "$regex"]));
    let expected = "service 'people': it allows '$regex', but its store knows '$ilike', '$like', '$notlike'";
    assert_eq!(app.start().await.err().unwrap().message(), expected);

    let mut app = App::new();
    app.service("people", db.store::<Person>().await.unwrap().operators(["$like"]));
    let people = app.start().await.unwrap().service("people").unwrap();
    let mut params = Params::query(json!({ "name": { "$ilike": "a%" } }));
    params.provider = Some(Provider::REST);
    let error = people.find(params).await.unwrap_err();
    let items = error.data().unwrap().as_array().unwrap();
    let told = "the service does not allow $ilike; `.operators([\"$ilike\"])` on it does";
    assert!(items.iter().any(|item| item["message"] == told && item["instancePath"] == "/name"), "{error:?}");
    assert_eq!(people.find(json!({ "name": { "$like": "a%" } })).await.unwrap().value().unwrap(), &json!([]));
}
