//! Ids: which are made, how they are found, and which order they give.

use std::sync::Arc;

use feathers_core::{Counter, Id, Query, Store, StoreContext};

use super::{ids, ok, person};
use crate::{Note, NoteData, NotePatch, Person, PersonData};

const NONE: StoreContext<'_> = StoreContext::NONE;

fn with_id(id: i64) -> PersonData {
    PersonData { id: Some(id), ..person("given", 1) }
}

fn note(id: Option<&str>) -> NoteData {
    NoteData { id: id.map(Into::into), text: "text".into() }
}

fn names(notes: &[Arc<Note>]) -> Vec<&str> {
    notes.iter().map(|note| &*note.id).collect()
}

/// The first number is 1, and each is larger than all before.
pub async fn numbers_start_at_one<S: Store<Record = Person>>(store: &Arc<S>) {
    assert_eq!(ids(&ok(store.create(vec![person("a", 1), person("b", 1)], &NONE).await)), [1, 2]);
    assert_eq!(ids(&ok(store.create(vec![with_id(10), person("c", 1)], &NONE).await)), [10, 11]);
    assert_eq!(ids(&ok(store.create(vec![with_id(5)], &NONE).await)), [5]);
    assert_eq!(ids(&ok(store.create(vec![person("d", 1)], &NONE).await)), [12]);
}

/// The id of a removed record is not given to another one.
pub async fn numbers_are_not_used_twice<S: Store<Record = Person>>(store: &Arc<S>) {
    ok(store.create(vec![person("a", 1), person("b", 1)], &NONE).await);
    ok(store.remove(Some(&2.into()), &Query::default(), &NONE).await);
    assert_eq!(ids(&ok(store.create(vec![person("c", 1)], &NONE).await)), [3]);
    ok(store.remove(None, &Query::default(), &NONE).await);
    assert_eq!(ids(&ok(store.create(vec![person("d", 1)], &NONE).await)), [4]);
    // A create that fails uses up nothing.
    assert!(store.create(vec![person("e", 1), with_id(4)], &NONE).await.is_err());
    assert_eq!(ids(&ok(store.create(vec![person("f", 1)], &NONE).await)), [5]);
}

/// A number that JavaScript cannot tell from its neighbours is a 400, and harms no other create.
pub async fn numbers_that_clients_cannot_tell_apart_are_refused<S: Store<Record = Person>>(store: &Arc<S>) {
    for number in [i64::MAX, 1 << 53, -(1 << 53), i64::MIN] {
        let Err(error) = store.create(vec![person("a", 1), with_id(number)], &NONE).await else { panic!("{number}") };
        let message = format!("'{number}' is no valid id: a number must be within ±9007199254740991");
        assert_eq!((error.code(), error.message()), (400, &*message));
        assert_eq!(ok(store.get(&number.into(), &Query::default(), &NONE).await), None);
    }
    assert_eq!(ids(&ok(store.create(vec![person("b", 1)], &NONE).await)), [1]);
}

/// The largest numbers may be chosen; those that the store makes go on below them, and pass over what is taken.
pub async fn large_numbers_harm_no_later_create<S: Store<Record = Person>>(store: &Arc<S>) {
    const LARGEST: i64 = Id::MAX_INT;
    const HALF: i64 = Counter::FOLLOWS;
    ok(store.create(vec![with_id(LARGEST), with_id(-LARGEST), with_id(HALF)], &NONE).await);
    assert_eq!(ids(&ok(store.create(vec![person("a", 1), person("b", 1)], &NONE).await)), [1, 2]);
    assert_eq!(ids(&ok(store.create(vec![with_id(HALF - 1), person("c", 1)], &NONE).await)), [HALF - 1, HALF + 1]);
    assert_eq!(ids(&ok(store.create(vec![person("d", 1)], &NONE).await)), [HALF + 2]);
    ok(store.remove(Some(&(HALF + 2).into()), &Query::default(), &NONE).await);
    assert_eq!(ids(&ok(store.create(vec![person("e", 1)], &NONE).await)), [HALF + 3]);
}

/// A number is found by itself and by the usual way to write it, and by nothing else.
pub async fn numbers_are_found_by_their_text<S: Store<Record = Person>>(store: &Arc<S>) {
    ok(store.create(vec![with_id(7), with_id(-7), with_id(0)], &NONE).await);
    for (id, expected) in [
        (Id::from(7), Some(7)),
        ("7".into(), Some(7)),
        ("-7".into(), Some(-7)),
        ("0".into(), Some(0)),
        ("07".into(), None),
        ("+7".into(), None),
        (" 7".into(), None),
        ("7.0".into(), None),
        ("7e0".into(), None),
        ("".into(), None),
        ("x".into(), None),
        ("9223372036854775808".into(), None),
    ] {
        let found = ok(store.get(&id, &Query::default(), &NONE).await);
        assert_eq!(found.map(|person| person.id), expected, "{id:?}");
    }
}

/// The store's own order is by id, whenever a record was created.
pub async fn numbers_give_the_order<S: Store<Record = Person>>(store: &Arc<S>) {
    ok(store.create(vec![with_id(20), with_id(-1), with_id(10)], &NONE).await);
    let ordered = [-1, 10, 20];
    assert_eq!(ids(&ok(store.find(&Query::default(), &NONE).await).records), ordered);
    let patch = crate::PersonPatch { age: Some(2), ..Default::default() };
    assert_eq!(ids(&ok(store.patch(None, patch, &Query::default(), &NONE).await)), ordered);
    assert_eq!(ids(&ok(store.remove(None, &Query::default(), &NONE).await)), ordered);
}

/// Texts are UUIDs of version 7.
pub async fn texts_are_made_in_order<S: Store<Record = Note>>(store: &Arc<S>) {
    let created = ok(store.create(vec![note(None), note(None)], &NONE).await);
    for note in &created {
        let uuid: uuid::Uuid = note.id.parse().unwrap_or_else(|error| panic!("{}: {error}", note.id));
        assert_eq!((uuid.get_version_num(), uuid.to_string()), (7, note.id.clone()));
        assert_eq!(ok(store.get(&(&*note.id).into(), &Query::default(), &NONE).await).as_ref(), Some(note));
    }
    assert_ne!(created[0].id, created[1].id);
}

/// A text is found exactly as it is; a number is found as its text.
pub async fn texts_are_found_as_they_are<S: Store<Record = Note>>(store: &Arc<S>) {
    let texts = ["7", "07", "A", "a", "", " ", "'; DROP TABLE note; --", "é", "e\u{301}", "😀"];
    ok(store.create(texts.map(|text| note(Some(text))).into(), &NONE).await);
    for text in texts {
        let found = ok(store.get(&text.into(), &Query::default(), &NONE).await);
        assert_eq!(found.map(|note| note.id.clone()).as_deref(), Some(text));
    }
    assert_eq!(
        ok(store.get(&Id::Int(7), &Query::default(), &NONE).await).map(|note| note.id.clone()).as_deref(),
        Some("7")
    );
    assert_eq!(ok(store.get(&"aa".into(), &Query::default(), &NONE).await), None);
    let Err(error) = store.create(vec![note(Some("b")), note(Some("a"))], &NONE).await else { panic!("created twice") };
    assert_eq!((error.code(), error.message()), (409, "A record with id 'a' exists already"));
    assert_eq!(ok(store.get(&"b".into(), &Query::default(), &NONE).await), None);
}

/// The store's own order is the order of creation.
pub async fn texts_are_in_the_order_of_creation<S: Store<Record = Note>>(store: &Arc<S>) {
    for id in ["b", "c", "a", "10", "9"] {
        ok(store.create(vec![note(Some(id))], &NONE).await);
    }
    assert_eq!(names(&ok(store.find(&Query::default(), &NONE).await).records), ["b", "c", "a", "10", "9"]);
    let text = || NotePatch { text: Some("new".into()), ..NotePatch::default() };
    ok(store.patch(Some(&"c".into()), text(), &Query::default(), &NONE).await);
    ok(store.remove(Some(&"a".into()), &Query::default(), &NONE).await);
    ok(store.create(vec![note(Some("a"))], &NONE).await);
    let ordered = ["b", "c", "10", "9", "a"];
    assert_eq!(names(&ok(store.find(&Query::default(), &NONE).await).records), ordered);
    assert_eq!(names(&ok(store.patch(None, text(), &Query::default(), &NONE).await)), ordered);
    assert_eq!(names(&ok(store.remove(None, &Query::default(), &NONE).await)), ordered);
}
