//! Commits: events get as many places as records have changed, in the order of the commits.

use std::sync::Arc;

use feathers_core::private::CommitProbe;
use feathers_core::{Commit, Query, Store, StoreContext};
use serde_json::json;

use super::{ids, ok, patch, person, query};
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
