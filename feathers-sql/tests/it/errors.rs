//! Errors: clients learn what they can do about one, and nothing of the database.

use feathers_core::{Crud, Query, Store, StoreContext};
use feathers_sql::{Database, SqlStore};
use feathers_testing::{Person, PersonData, PersonPatch};

use crate::{File, new_file};

async fn people(sql: &str) -> (File, Crud<SqlStore<Person>>) {
    let file = new_file();
    let people = Database::connect(&file.url()).await.unwrap().store::<Person>().await.unwrap();
    file.open().execute_batch(sql).unwrap();
    (file, people)
}

fn person(name: &str) -> PersonData {
    PersonData { name: name.into(), ..PersonData::default() }
}

#[tokio::test]
async fn broken_rules_are_the_clients_fault() {
    for (sql, code, message) in [
        ("CREATE UNIQUE INDEX u ON person (name)", 409, "A record with this 'name' exists already"),
        ("CREATE UNIQUE INDEX u ON person (lower(name))", 409, "A record like this exists already"),
        (
            "CREATE TRIGGER t BEFORE INSERT ON person BEGIN SELECT RAISE(ABORT, 'secret'); END",
            400,
            "The data breaks a rule of the database",
        ),
        (
            "CREATE TABLE parent (id TEXT PRIMARY KEY); ALTER TABLE person ADD COLUMN parent TEXT DEFAULT NULL REFERENCES parent (id);
             CREATE TRIGGER t AFTER INSERT ON person BEGIN UPDATE person SET parent = 'x' WHERE id = new.id; END",
            400,
            "A record that belongs to this one is missing, or still there",
        ),
    ] {
        let (_file, people) = people(sql).await;
        let store = people.store();
        let _the_first_may_work = store.create(vec![person("Ann")], &StoreContext::NONE).await;
        let error = store.create(vec![person("Ann")], &StoreContext::NONE).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (code, message), "{sql}");
        assert!(error.source().is_some(), "the log gets the cause");
        assert_eq!((error.data(), error.errors()), (None, None));
    }
}

#[tokio::test]
async fn a_patch_that_breaks_a_rule_changes_nothing() {
    let (_file, people) = people("CREATE UNIQUE INDEX u ON person (name)").await;
    let store = people.store();
    store.create(vec![person("Ann"), person("Bob")], &StoreContext::NONE).await.unwrap();
    let before = store.find(&Query::default(), &StoreContext::NONE).await.unwrap().records;
    let patch = PersonPatch { name: Some("Eve".into()), ..PersonPatch::default() };
    assert_eq!(store.patch(None, patch, &Query::default(), &StoreContext::NONE).await.unwrap_err().code(), 409);
    assert_eq!(store.find(&Query::default(), &StoreContext::NONE).await.unwrap().records, before);
}

#[tokio::test]
async fn what_others_broke_is_no_ones_business() {
    let (file, people) = people("INSERT INTO person VALUES (1, 'Ann', 1, 1, 1, NULL, 'no JSON')").await;
    let broken = people.store().get(&1.into(), &Query::default(), &StoreContext::NONE).await.unwrap_err();
    file.open().execute_batch("DROP TABLE person").unwrap();
    let missing = people.store().find(&Query::default(), &StoreContext::NONE).await.unwrap_err();
    for (error, cause) in [(broken, "info"), (missing, "no such table")] {
        assert_eq!((error.code(), error.message()), (500, "Internal server error"));
        assert!(error.source().unwrap().to_string().contains(cause), "{error:?}");
    }
}
