//! Commits: events get as many places as records have changed, in the order of the commits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use feathers_core::private::CommitProbe;
use feathers_core::{Commit, Error, Id, Image, Query, Result, Store, StoreContext};
use serde_json::{Value, json};

use super::{code, ids, ok, patch, person, query};
use crate::{Person, PersonData};

fn of(commit: &Commit) -> StoreContext<'_> {
    StoreContext::NONE.with_commit(commit)
}

/// One place per changed record; none for a write that fails or changes nothing.
pub async fn places_are_counted<S: Store<Record = Person>>(store: &Arc<S>) {
    let probe = CommitProbe::default();
    let none = Query::default;
    ok(store.create(vec![person("a", 1)], &of(&probe.commit())).await);
    assert_eq!(probe.freed(), 1, "create");
    ok(store.create(vec![person("b", 1), person("c", 2)], &of(&probe.commit())).await);
    assert_eq!(probe.freed(), 3, "create of two");
    ok(store.update(&1.into(), person("d", 1), &none(), &of(&probe.commit())).await);
    assert_eq!(probe.freed(), 4, "update");
    ok(store.patch(Some(&1.into()), patch(json!({ "name": "e" })), &none(), &of(&probe.commit())).await);
    assert_eq!(probe.freed(), 5, "patch");
    ok(store
        .patch(None, patch(json!({ "name": "f" })), &query::<Person>(json!({ "age": 1 })), &of(&probe.commit()))
        .await);
    assert_eq!(probe.freed(), 7, "patch of two");
    ok(store.patch(None, patch(json!({})), &query::<Person>(json!({ "info": null })), &of(&probe.commit())).await);
    assert_eq!(probe.freed(), 10, "patch of three with nothing");

    let taken = vec![person("g", 1), PersonData { id: Some(1), ..person("h", 1) }];
    assert!(store.create(taken, &of(&probe.commit())).await.is_err());
    ok(store.create(Vec::new(), &of(&probe.commit())).await);
    ok(store.update(&9.into(), person("i", 1), &none(), &of(&probe.commit())).await);
    ok(store
        .patch(None, patch(json!({ "age": 1 })), &query::<Person>(json!({ "age": 9 })), &of(&probe.commit()))
        .await);
    ok(store.remove(Some(&9.into()), &none(), &of(&probe.commit())).await);
    assert_eq!(probe.freed(), 10, "nothing has changed");

    ok(store.remove(Some(&3.into()), &none(), &of(&probe.commit())).await);
    assert_eq!(probe.freed(), 11, "remove");
    ok(store.remove(None, &none(), &of(&probe.commit())).await);
    assert_eq!(probe.freed(), 13, "remove of two");
}

/// Does a write for a commit that wants images, and checks that they show the records as they were and as they are.
async fn check_images<S: Store<Record = Person>>(
    store: &Arc<S>,
    what: &str,
    write: impl AsyncFnOnce(&StoreContext<'_>) -> Vec<Arc<Person>>,
) {
    let all = async || -> BTreeMap<i64, Person> {
        let found = ok(store.find(&Query::default(), &StoreContext::NONE).await).records;
        found.iter().map(|person| (person.id, Person::clone(person))).collect()
    };
    let before = all().await;
    let commit = Commit::recording();
    let changed = ids(&write(&of(&commit)).await);
    let after = all().await;

    let seen: Vec<_> = commit
        .changes()
        .iter()
        .map(|change| {
            let person = |image: Option<&Image>| image.and_then(Image::record::<Person>).cloned();
            (change.id(), person(change.before()), person(change.after()))
        })
        .collect();
    let expected: Vec<_> =
        changed.iter().map(|id| (Some(Id::Int(*id)), before.get(id).cloned(), after.get(id).cloned())).collect();
    assert_eq!(seen, expected, "{what}");
    let touched = before.keys().chain(after.keys()).filter(|id| before.get(id) != after.get(id)).collect::<Vec<_>>();
    assert!(touched.iter().all(|id| changed.contains(id)), "{what}: {touched:?} have changed");
}

/// A commit that wants images gets each record as it was before and as it is after the change; others cost nothing.
pub async fn images_are_of_before_and_after<S: Store<Record = Person>>(store: &Arc<S>) {
    let by = |filter: Value| query::<Person>(filter);
    let young = || patch(json!({ "age": 5 }));
    check_images(store, "create", async |context| {
        ok(store.create((1..=3).map(|age| person("a", age)).collect(), context).await)
    })
    .await;
    check_images(store, "create with an id", async |context| {
        ok(store.create(vec![PersonData { id: Some(9), info: json!({ "n": 1 }), ..person("b", 4) }], context).await)
    })
    .await;
    for (what, filter) in [("update", json!({})), ("update that matches", json!({ "name": "c" }))] {
        check_images(store, what, async |context| {
            ok(store.update(&2.into(), person("c", 7), &by(filter), context).await).into_iter().collect()
        })
        .await;
    }
    for (what, id, change, filter) in [
        ("patch", Some(1), young(), json!({})),
        ("patch that matches", Some(1), patch(json!({ "age": 6 })), json!({ "age": 5 })),
        ("patch that matches inside JSON", Some(9), patch(json!({ "name": "d" })), json!({ "info.n": 1 })),
        ("patch of all", None, patch(json!({ "nickname": "x" })), json!({})),
        ("patch of some", None, patch(json!({ "age": 8 })), json!({ "age": { "$gt": 5 } })),
        ("patch that matches no more", None, patch(json!({ "age": 1 })), json!({ "age": 8 })),
        ("patch of some inside JSON", None, patch(json!({ "info": { "n": 2 } })), json!({ "info.n": 1 })),
        ("patch with nothing", None, patch(json!({})), json!({ "age": 1 })),
        ("patch of nothing", None, young(), json!({ "age": 99 })),
        ("patch of none", Some(99), young(), json!({})),
    ] {
        check_images(store, what, async |context| {
            ok(store.patch(id.map(Id::Int).as_ref(), change, &by(filter), context).await)
        })
        .await;
    }
    for (what, id, filter) in [
        ("remove", Some(1), json!({})),
        ("remove inside JSON", None, json!({ "info.n": 2 })),
        ("remove of none", None, json!({ "age": 99 })),
        ("remove of all", None, json!({})),
    ] {
        check_images(store, what, async |context| {
            ok(store.remove(id.map(Id::Int).as_ref(), &by(filter), context).await)
        })
        .await;
    }

    ok(store.create(vec![PersonData { id: Some(20), ..person("e", 1) }], &StoreContext::NONE).await);
    check_images(store, "create of an id that is taken", async |context| {
        let taken = vec![person("f", 1), PersonData { id: Some(20), ..person("f", 1) }];
        assert!(store.create(taken, context).await.is_err());
        Vec::new()
    })
    .await;
    let probe = CommitProbe::default().commit();
    ok(store.patch(None, young(), &Query::default(), &of(&probe)).await);
    assert!(!probe.wants_images() && probe.changes().is_empty(), "nothing is kept that is not wanted");
}

/// Does a write that its commit refuses, and checks that the commit was asked with what would change, and nothing did.
async fn check_refusal<S: Store<Record = Person>>(
    store: &Arc<S>,
    what: &str,
    expected: &[(Option<i64>, Option<i64>)],
    write: impl AsyncFnOnce(&StoreContext<'_>) -> Result<()>,
) {
    let all = async || ok(store.find(&Query::default(), &StoreContext::NONE).await).records;
    let before = all().await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let probe = CommitProbe::default();
    let seen = asked.clone();
    let commit = probe.checked_commit(move |changes| {
        let age = |image: Option<&Image>| image.and_then(Image::record::<Person>).map(|person| person.age);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(changes.iter().map(|change| (age(change.before()), age(change.after()))));
        Err(Error::forbidden("not this one"))
    });
    assert_eq!(code(write(&of(&commit)).await), 403, "{what}");
    drop(commit);
    assert_eq!(*asked.lock().unwrap_or_else(PoisonError::into_inner), expected, "{what}");
    assert_eq!((all().await, probe.freed()), (before, 0), "{what}");
}

/// A store that checks commits stores nothing of a write that the commit refuses, and asks once with all of it.
pub async fn a_commit_can_refuse_a_write<S: Store<Record = Person>>(store: &Arc<S>) {
    if !store.checks_commits() {
        return;
    }
    let all = Query::default;
    ok(store.create((1..=3).map(|age| person("a", age)).collect(), &StoreContext::NONE).await);
    check_refusal(store, "create", &[(None, Some(7)), (None, Some(8))], async |context| {
        store.create(vec![person("b", 7), person("c", 8)], context).await.map(drop)
    })
    .await;
    check_refusal(store, "update", &[(Some(2), Some(9))], async |context| {
        store.update(&2.into(), person("d", 9), &all(), context).await.map(drop)
    })
    .await;
    check_refusal(store, "patch", &[(Some(2), Some(9))], async |context| {
        store.patch(Some(&2.into()), patch(json!({ "age": 9 })), &all(), context).await.map(drop)
    })
    .await;
    check_refusal(store, "patch that matches", &[(Some(2), Some(9))], async |context| {
        let matching = query::<Person>(json!({ "info": null }));
        store.patch(Some(&2.into()), patch(json!({ "age": 9 })), &matching, context).await.map(drop)
    })
    .await;
    let each = [(Some(1), Some(9)), (Some(2), Some(9)), (Some(3), Some(9))];
    check_refusal(store, "patch of all", &each, async |context| {
        store.patch(None, patch(json!({ "age": 9 })), &all(), context).await.map(drop)
    })
    .await;
    check_refusal(store, "remove", &[(Some(1), None)], async |context| {
        store.remove(Some(&1.into()), &all(), context).await.map(drop)
    })
    .await;
    check_refusal(store, "remove of some", &[(Some(2), None), (Some(3), None)], async |context| {
        store.remove(None, &query::<Person>(json!({ "age": { "$gt": 1 } })), context).await.map(drop)
    })
    .await;
    // The numbers of what was refused are free.
    assert_eq!(ids(&ok(store.create(vec![person("e", 1)], &StoreContext::NONE).await)), [4]);

    let probe = CommitProbe::default();
    let allowed = probe.checked_commit(|_| Ok(()));
    ok(store.patch(Some(&1.into()), patch(json!({ "age": 5 })), &all(), &of(&allowed)).await);
    drop(allowed);
    assert_eq!(probe.freed(), 1, "what is not refused is stored");
    // As many records as a store leaves its workers for.
    ok(store.create((0..7_000).map(|age| person("f", age + 10)).collect(), &StoreContext::NONE).await);
    let many: Vec<_> = (0..7_000).map(|age| (Some(age + 10), Some(3))).collect();
    check_refusal(store, "patch of many", &many, async |context| {
        store.patch(None, patch(json!({ "age": 3 })), &query::<Person>(json!({ "name": "f" })), context).await.map(drop)
    })
    .await;
    let many: Vec<_> = (0..7_000).map(|age| (Some(age + 10), None)).collect();
    check_refusal(store, "remove of many", &many, async |context| {
        store.remove(None, &query::<Person>(json!({ "name": "f" })), context).await.map(drop)
    })
    .await;
}

/// Places are taken by the store itself, in the order in which changes become visible, also under contention.
pub async fn places_are_in_the_order_of_commits<S: Store<Record = Person>>(store: &Arc<S>) {
    let probe = Arc::new(CommitProbe::default());
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (store, commit) = (store.clone(), probe.commit());
            tokio::spawn(async move { (ok(store.create(vec![person("a", 1)], &of(&commit)).await)[0].id, commit) })
        })
        .collect();
    let mut commits = Vec::new();
    for task in tasks {
        commits.push(task.await.unwrap_or_else(|error| panic!("{error}")));
    }
    // Ids rise with the commits. Freed in their order, the places must come free one by one.
    commits.sort_by_key(|(id, _)| *id);
    for (index, (id, commit)) in commits.into_iter().enumerate() {
        drop(commit);
        assert_eq!(probe.freed(), index as u64 + 1, "the place of record {id}");
    }
}

/// Writers at the same time: every record is stored, every id is new, every change of a field is kept.
pub async fn concurrent_writers_lose_nothing<S: Store<Record = Person>>(store: &Arc<S>) {
    const TASKS: i64 = 16;
    const EACH: i64 = 10;
    let shared = ok(store.create(vec![person("shared", 0)], &StoreContext::NONE).await)[0].id;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for step in 0..EACH {
                    let own =
                        ok(store.create(vec![person(&format!("{task}-{step}"), step)], &StoreContext::NONE).await)[0]
                            .id;
                    let change =
                        if task == 0 { json!({ "age": step }) } else { json!({ "nickname": format!("{task}") }) };
                    ok(store.patch(Some(&shared.into()), patch(change), &Query::default(), &StoreContext::NONE).await);
                    let read = ok(store.get(&own.into(), &Query::default(), &StoreContext::NONE).await);
                    assert_eq!(read.map(|person| person.age), Some(step), "a writer reads what it wrote");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap_or_else(|error| panic!("{error}"));
    }
    let found = ok(store.find(&Query::default(), &StoreContext::NONE).await).records;
    assert_eq!(ids(&found), (1..=TASKS * EACH + 1).collect::<Vec<_>>());
    let mut names: Vec<_> = found.iter().map(|person| person.name.clone()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), found.len());
    assert_eq!(found[0].age, EACH - 1);
    assert!(found[0].nickname.is_some());
}
