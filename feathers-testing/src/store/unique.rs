//! Constraints: what no two records have the same, whatever is written at the same time.

use std::sync::Arc;

use feathers_core::{Error, Query, Result, Store, StoreContext};
use serde_json::{Value, json};

use super::{ok, query};
use crate::{Account, AccountDraft, AccountPatchDraft};

const NONE: StoreContext<'_> = StoreContext::NONE;

fn patch(patch: Value) -> AccountPatchDraft {
    serde_json::from_value(patch).unwrap_or_else(|error| panic!("{error}"))
}

async fn all<S: Store<Record = Account>>(store: &Arc<S>) -> Vec<Account> {
    let found = ok(store.find(&Query::default(), &NONE).await);
    found.records.iter().map(|account| Account::clone(account)).collect()
}

/// Makes two accounts, which have everything that is unique.
async fn two<S: Store<Record = Account>>(store: &Arc<S>) -> Vec<Account> {
    let ann = AccountDraft { phone: Some(1.5), team: Some(1), name: "Ann".into(), ..AccountDraft::of("ann@x.org") };
    let bob = AccountDraft { phone: Some(-0.0), team: Some(2), name: "Bob".into(), ..AccountDraft::of("bob@x.org") };
    ok(store.create(vec![ann, bob], &NONE).await);
    all(store).await
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> Error {
    match result {
        Ok(result) => panic!("expected an error, got {result:?}"),
        Err(error) => error,
    }
}

/// Fails unless it is the 409 that names these fields.
fn taken<T: std::fmt::Debug>(result: Result<T>, fields: &[&str]) {
    let error = refused(result);
    let names = fields.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(" and ");
    let message = format!("A record with this {names} exists already");
    assert_eq!((error.code(), error.message()), (409, &*message));
    let items: Vec<_> = error.data().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().to_vec();
    assert_eq!(items.len(), fields.len(), "{items:?}");
    for (item, name) in items.iter().zip(fields) {
        assert_eq!(item["instancePath"], format!("/{name}"));
        assert_eq!((&item["keyword"], &item["params"]), (&json!("unique"), &json!({ "fields": fields })));
    }
}

/// A value that another record has is a 409 that names the field, in every write, and nothing is changed.
pub async fn a_value_is_there_once<S: Store<Record = Account>>(store: &Arc<S>) {
    let before = two(store).await;
    let email = |email: &str| AccountDraft { name: "x".into(), ..AccountDraft::of(email) };
    let phone = |phone| AccountDraft { phone: Some(phone), ..AccountDraft::of("new@x.org") };
    taken(store.create(vec![email("ann@x.org")], &NONE).await, &["email"]);
    taken(store.create(vec![phone(1.5)], &NONE).await, &["phone"]);
    taken(store.create(vec![phone(0.0)], &NONE).await, &["phone"]);
    taken(store.update(&2.into(), email("ann@x.org"), &Query::default(), &NONE).await, &["email"]);
    taken(store.patch(Some(&2.into()), patch(json!({ "phone": 1.5 })), &Query::default(), &NONE).await, &["phone"]);
    let match_bob = query::<Account>(json!({ "name": "Bob" }));
    taken(store.patch(None, patch(json!({ "email": "ann@x.org" })), &match_bob, &NONE).await, &["email"]);
    assert_eq!(all(store).await, before);
}

/// A record keeps its own values in a write, and a value is free once no record has it.
pub async fn a_value_is_free_again<S: Store<Record = Account>>(store: &Arc<S>) {
    two(store).await;
    let own = AccountDraft { phone: Some(1.5), ..AccountDraft::of("ann@x.org") };
    ok(store.update(&1.into(), own, &Query::default(), &NONE).await);
    ok(store.patch(Some(&1.into()), patch(json!({ "email": "ANN@x.org" })), &Query::default(), &NONE).await);
    ok(store.patch(Some(&1.into()), patch(json!({ "phone": null })), &Query::default(), &NONE).await);
    ok(store.patch(Some(&2.into()), patch(json!({ "phone": 1.5 })), &Query::default(), &NONE).await);
    ok(store.update(&1.into(), AccountDraft::of("new@x.org"), &Query::default(), &NONE).await);
    ok(store.create(vec![AccountDraft { name: "y".into(), ..AccountDraft::of("ann@x.org") }], &NONE).await);
    taken(store.create(vec![AccountDraft::of("bob@x.org")], &NONE).await, &["email"]);
    ok(store.remove(Some(&2.into()), &Query::default(), &NONE).await);
    ok(store.create(vec![AccountDraft::of("bob@x.org")], &NONE).await);
    ok(store.remove(None, &Query::default(), &NONE).await);
    two(store).await;
}

/// Fields that are unique together may each be there twice.
pub async fn fields_are_unique_together<S: Store<Record = Account>>(store: &Arc<S>) {
    two(store).await;
    let in_team = |team, name: &str| AccountDraft {
        team: Some(team),
        name: name.into(),
        ..AccountDraft::of(&format!("{name}@{team}"))
    };
    ok(store.create(vec![in_team(2, "Ann"), in_team(1, "Bob")], &NONE).await);
    taken(store.create(vec![in_team(1, "Ann")], &NONE).await, &["team", "name"]);
    taken(store.patch(Some(&3.into()), patch(json!({ "team": 1 })), &Query::default(), &NONE).await, &["team", "name"]);
    ok(store.patch(Some(&3.into()), patch(json!({ "team": 3 })), &Query::default(), &NONE).await);
    ok(store.create(vec![AccountDraft { email: "other".into(), ..in_team(2, "ann") }], &NONE).await);
}

/// Texts that differ in case alone are the same, beyond ASCII, too; what is stored is what was written.
pub async fn case_is_ignored_where_it_is_said<S: Store<Record = Account>>(store: &Arc<S>) {
    for (first, same) in [
        ("Ann@X.org", "aNN@x.ORG"),
        ("Ärger", "äRGER"),
        ("Straße", "STRASSE"),
        ("ẞ", "ß"),
        ("ΟΔΟΣ", "οδος"),
        ("Жук", "жУК"),
        ("İstanbul", "i\u{307}stanbul"),
    ] {
        let created = ok(store.create(vec![AccountDraft::of(first)], &NONE).await);
        assert_eq!(created[0].email, first);
        let other = AccountDraft { name: format!("other {first}"), ..AccountDraft::of(same) };
        taken(store.create(vec![other], &NONE).await, &["email"]);
    }
    // In Turkish these are other letters; an accent of its own is another text.
    for (first, other) in [("I1", "ı1"), ("i2", "İ2"), ("\u{e4}3", "a\u{308}3"), ("a4", "a4 ")] {
        let two = [first, other].map(AccountDraft::of).to_vec();
        ok(store.create(two, &NONE).await);
    }
    let exact = ok(store.find(&query::<Account>(json!({ "email": "ärger" })), &NONE).await);
    assert_eq!(exact.records.len(), 0, "a query compares texts as they are");
}

/// Records without a value are not compared, also where only one of several fields has none.
pub async fn nulls_are_not_compared<S: Store<Record = Account>>(store: &Arc<S>) {
    let without = |email: &str| AccountDraft { name: "same".into(), ..AccountDraft::of(email) };
    ok(store.create(vec![without("a"), without("b")], &NONE).await);
    ok(store.create(vec![without("c")], &NONE).await);
    let cleared = ok(store.patch(None, patch(json!({ "phone": null, "team": null })), &Query::default(), &NONE).await);
    assert_eq!(cleared.len(), 3);
}

/// Of several new or changed records, one with a value that is there already means that none is stored.
pub async fn several_are_all_or_nothing<S: Store<Record = Account>>(store: &Arc<S>) {
    let before = two(store).await;
    taken(store.create(["c", "d", "BOB@x.org"].map(AccountDraft::of).to_vec(), &NONE).await, &["email"]);
    taken(store.create(["c", "d", "C"].map(AccountDraft::of).to_vec(), &NONE).await, &["email"]);
    taken(store.patch(None, patch(json!({ "phone": 9.5 })), &Query::default(), &NONE).await, &["phone"]);
    assert_eq!(all(store).await, before);
    ok(store.create(["c", "d"].map(AccountDraft::of).to_vec(), &NONE).await);
}

/// Of many that write the same value at once, one succeeds and the others are 409s.
pub async fn one_of_many_at_once_succeeds<S: Store<Record = Account>>(store: &Arc<S>) {
    let before = two(store).await.len();
    for round in 0..20 {
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let (store, email) = (store.clone(), format!("same{round}"));
                let name = format!("{round} {number}");
                tokio::spawn(async move {
                    store.create(vec![AccountDraft { name, ..AccountDraft::of(&email) }], &NONE).await
                })
            })
            .collect();
        let mut created = 0;
        for task in tasks {
            match task.await.unwrap_or_else(|error| panic!("{error}")) {
                Ok(_) => created += 1,
                Err(error) => taken::<()>(Err(error), &["email"]),
            }
        }
        assert_eq!(created, 1);
    }
    assert_eq!(all(store).await.len(), before + 20);
}
