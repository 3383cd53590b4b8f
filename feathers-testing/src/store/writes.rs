//! Writes: what is stored, what is returned, and that nothing is stored by half.

use std::sync::Arc;

use feathers_core::{Id, Query, Store, StoreContext};
use serde_json::json;

use super::{code, ids, ok, patch, person, query};
use crate::{Note, NoteData, NotePatch, Person, PersonData};

const NONE: StoreContext<'_> = StoreContext::NONE;

async fn all<S: Store<Record = Person>>(store: &Arc<S>) -> Vec<Person> {
    let found = ok(store.find(&Query::default(), &NONE).await);
    found.records.iter().map(|person| Person::clone(person)).collect()
}

async fn three<S: Store<Record = Person>>(store: &Arc<S>) {
    ok(store.create(vec![person("Ann", 30), person("Bob", 20), person("Cid", 30)], &NONE).await);
}

/// What was created is returned and read back as it was given, in the order given.
pub async fn create_returns_what_is_stored<S: Store<Record = Person>>(store: &Arc<S>) {
    let info = json!({ "deep": [1, 1.5, -0.1, 1e300, null, { "a": "b\u{0}c" }], "": true, "max": u64::MAX });
    let mut data = vec![
        PersonData {
            score: 0.1 + 0.2,
            active: true,
            nickname: Some("x".into()),
            info,
            ..person("a\u{0}b😀", i64::MAX)
        },
        PersonData { score: -1.5e-300, info: json!("text"), ..person("", i64::MIN) },
    ];
    data.extend(
        [json!(null), json!(true), json!(1), json!(1.0), json!([]), json!({})]
            .map(|info| PersonData { info, ..person("json", 0) }),
    );
    let created = ok(store.create(data.clone(), &NONE).await);
    assert_eq!(created.len(), data.len());
    for (data, created) in data.iter().zip(&created) {
        let PersonData { id: _, name, age, score, active, nickname, info } = data.clone();
        assert_eq!(**created, Person { id: created.id, name, age, score, active, nickname, info });
        let read = ok(store.get(&created.id.into(), &Query::default(), &NONE).await);
        assert_eq!(read.as_ref(), Some(created));
    }
    let stored = all(store).await;
    assert_eq!(stored, created.iter().map(|person| Person::clone(person)).collect::<Vec<_>>());
    assert_eq!(ok(store.create(Vec::new(), &NONE).await), Vec::new());
}

/// An id that exists is a 409; then none of the records is stored.
pub async fn create_is_all_or_nothing<S: Store<Record = Person>>(store: &Arc<S>) {
    let with_id = |id| PersonData { id: Some(id), ..person("given", 1) };
    let created = ok(store.create(vec![with_id(7), person("made", 1)], &NONE).await);
    assert_eq!(ids(&created), [7, 8]);
    let before = all(store).await;

    for data in [vec![with_id(7)], vec![person("first", 1), with_id(50), with_id(7)], vec![with_id(5), with_id(5)]] {
        let error = store.create(data.clone(), &NONE).await;
        let Err(error) = error else { panic!("{data:?} was created") };
        let id = data.last().and_then(|data| data.id).unwrap_or_default();
        assert_eq!((error.code(), error.message()), (409, &*format!("A record with id '{id}' exists already")));
        assert_eq!(all(store).await, before);
    }
    assert_eq!(ids(&ok(store.create(vec![with_id(-3)], &NONE).await)), [-3]);
}

/// `update` replaces everything but the id, if the record exists and matches.
pub async fn update_replaces<S: Store<Record = Person>>(store: &Arc<S>) {
    three(store).await;
    let data = PersonData { id: Some(99), nickname: Some("new".into()), ..person("Zoe", 50) };
    let updated = ok(store.update(&2.into(), data.clone(), &query::<Person>(json!({ "age": 20 })), &NONE).await);
    let expected = Person { id: 2, name: "Zoe".into(), age: 50, nickname: Some("new".into()), ..Person::default() };
    assert_eq!(updated.as_deref(), Some(&expected));
    assert_eq!(ok(store.get(&2.into(), &Query::default(), &NONE).await).as_deref(), Some(&expected));

    let before = all(store).await;
    for (id, filter) in
        [(2, json!({ "age": 20 })), (2, json!({ "info.city": "Rome" })), (99, json!({})), (4, json!({}))]
    {
        let updated = store.update(&id.into(), data.clone(), &query::<Person>(filter), &NONE).await;
        assert_eq!(ok(updated), None, "{id}");
    }
    assert_eq!(ok(store.update(&"x".into(), data, &Query::default(), &NONE).await), None);
    assert_eq!(all(store).await, before);
}

/// `update` keeps the fields that clients may not set.
pub async fn update_keeps_what_clients_may_not_set<S: Store<Record = Note>>(store: &Arc<S>) {
    let data = |text: &str| NoteData { id: Some("a".into()), text: text.into() };
    ok(store.create(vec![data("one")], &NONE).await);
    let seen = NotePatch { seen: Some(3), ..NotePatch::default() };
    ok(store.patch(Some(&"a".into()), seen, &Query::default(), &NONE).await);
    let updated = ok(store.update(&"a".into(), data("two"), &Query::default(), &NONE).await);
    assert_eq!(updated.as_deref(), Some(&Note { id: "a".into(), text: "two".into(), seen: 3 }));
    assert_eq!(ok(store.get(&"a".into(), &Query::default(), &NONE).await), updated);
}

/// `patch` changes what it names, of one record or of all that match, in the store's own order.
pub async fn patch_changes_what_is_named<S: Store<Record = Person>>(store: &Arc<S>) {
    three(store).await;
    let mut expected = all(store).await;
    let one = ok(store
        .patch(Some(&1.into()), patch(json!({ "nickname": "x", "info": { "a": 1 } })), &Query::default(), &NONE)
        .await);
    expected[0].nickname = Some("x".into());
    expected[0].info = json!({ "a": 1 });
    assert_eq!(one.iter().map(|person| Person::clone(person)).collect::<Vec<_>>(), expected[..1]);
    assert_eq!(all(store).await, expected);

    let many = ok(store
        .patch(
            None,
            patch(json!({ "age": 31, "id": 99 })),
            &query::<Person>(json!({ "age": 30, "$sort": { "id": -1 }, "$limit": 1 })),
            &NONE,
        )
        .await);
    assert_eq!(ids(&many), [1, 3], "neither sort nor limit count");
    (expected[0].age, expected[2].age) = (31, 31);
    assert_eq!(all(store).await, expected);

    let inside = ok(store
        .patch(None, patch(json!({ "nickname": null, "info": null })), &query::<Person>(json!({ "info.a": 1 })), &NONE)
        .await);
    expected[0].nickname = None;
    expected[0].info = json!(null);
    assert_eq!(ids(&inside), [1]);
    assert_eq!(all(store).await, expected);

    let nothing = ok(store.patch(None, patch(json!({})), &query::<Person>(json!({ "age": 31 })), &NONE).await);
    assert_eq!(ids(&nothing), [1, 3], "a patch of nothing returns what matches");
    for (id, filter) in
        [(Some(Id::from(2)), json!({ "age": 1 })), (Some("x".into()), json!({})), (None, json!({ "age": 1 }))]
    {
        let patched = store.patch(id.as_ref(), patch(json!({ "age": 5 })), &query::<Person>(filter), &NONE).await;
        assert_eq!(ok(patched), Vec::new(), "{id:?}");
    }
    assert_eq!(all(store).await, expected);
}

/// A record that no longer matches after the change is changed and returned.
pub async fn patch_tests_before_it_changes<S: Store<Record = Person>>(store: &Arc<S>) {
    three(store).await;
    let patched =
        ok(store.patch(None, patch(json!({ "age": 20 })), &query::<Person>(json!({ "age": 30 })), &NONE).await);
    assert_eq!(patched.iter().map(|person| (person.id, person.age)).collect::<Vec<_>>(), [(1, 20), (3, 20)]);
    let patched = ok(store
        .patch(Some(&2.into()), patch(json!({ "age": 9 })), &query::<Person>(json!({ "age": 20 })), &NONE)
        .await);
    assert_eq!(patched.iter().map(|person| (person.id, person.age)).collect::<Vec<_>>(), [(2, 9)]);
}

/// `remove` returns the records as they were, of one or of all that match, in the store's own order.
pub async fn remove_returns_what_was_there<S: Store<Record = Person>>(store: &Arc<S>) {
    three(store).await;
    let before = all(store).await;
    assert_eq!(ok(store.remove(Some(&2.into()), &query::<Person>(json!({ "age": 1 })), &NONE).await), Vec::new());
    assert_eq!(ok(store.remove(Some(&"x".into()), &Query::default(), &NONE).await), Vec::new());
    assert_eq!(all(store).await, before);

    let removed = ok(store.remove(None, &query::<Person>(json!({ "age": 30, "$limit": 1, "$skip": 1 })), &NONE).await);
    assert_eq!(
        removed.iter().map(|person| Person::clone(person)).collect::<Vec<_>>(),
        [before[0].clone(), before[2].clone()]
    );
    assert_eq!(ids(&ok(store.remove(Some(&2.into()), &query::<Person>(json!({ "info": null })), &NONE).await)), [2]);
    assert_eq!(all(store).await, Vec::new());
    assert_eq!(ok(store.get(&2.into(), &Query::default(), &NONE).await), None);
    assert_eq!(ok(store.remove(None, &Query::default(), &NONE).await), Vec::new());
}

/// A number that JSON cannot express is a 400, and nothing is changed.
pub async fn numbers_must_be_finite<S: Store<Record = Person>>(store: &Arc<S>) {
    three(store).await;
    let before = all(store).await;
    for score in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let data = || PersonData { score, ..person("x", 1) };
        assert_eq!(code(store.create(vec![person("y", 1), data()], &NONE).await), 400);
        assert_eq!(code(store.update(&1.into(), data(), &Query::default(), &NONE).await), 400);
        let patch = crate::PersonPatch { score: Some(score), ..Default::default() };
        assert_eq!(code(store.patch(None, patch, &Query::default(), &NONE).await), 400);
    }
    assert_eq!(all(store).await, before);
}

/// Text that means something to a database is only text.
pub async fn texts_are_only_texts<S: Store<Record = Person>>(store: &Arc<S>) {
    let texts = ["'; DROP TABLE person; --", "\" OR 1=1", "%", "?1", "\\", "\u{0}", "null", "1"];
    for text in texts {
        let data = PersonData { nickname: Some(text.into()), info: json!({ text: text }), ..person(text, 1) };
        let created = ok(store.create(vec![data], &NONE).await);
        let found =
            ok(store.find(&query::<Person>(json!({ "name": text, "nickname": { "$in": [text] } })), &NONE).await);
        assert_eq!(found.records, created, "{text:?}");
        assert_eq!(ok(store.get(&text.into(), &Query::default(), &NONE).await).is_some(), text == "1", "{text:?}");
        let patched = patch(json!({ "name": format!("{text}{text}") }));
        assert_eq!(ok(store.patch(None, patched, &query::<Person>(json!({ "name": text })), &NONE).await).len(), 1);
    }
    assert_eq!(all(store).await.len(), texts.len());
}
