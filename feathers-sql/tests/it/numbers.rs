//! The numbers of new records: in a database that was closed, that others write to, and that holds the largest ones.

use feathers_core::{Counter, Id, Query, Store, StoreContext};
use feathers_sql::{Database, SqlStore};
use feathers_testing::{Person, PersonData};
use std::sync::Arc;

use crate::{File, new_file};

const NONE: StoreContext<'_> = StoreContext::NONE;

/// A table as an earlier version has made it, and one of another program.
const TABLES: [&str; 2] = ["AUTOINCREMENT", ""];

fn table(words: &str) -> String {
    format!(
        "CREATE TABLE person (id INTEGER NOT NULL PRIMARY KEY {words}, name TEXT NOT NULL, age INTEGER NOT NULL,
            score REAL NOT NULL, active INTEGER NOT NULL, nickname TEXT, info TEXT) STRICT;"
    )
}

async fn open(file: &File) -> Arc<SqlStore<Person>> {
    Database::connect(&file.url()).await.unwrap().store::<Person>().await.unwrap().store().clone()
}

async fn create(store: &SqlStore<Person>) -> i64 {
    store.create(vec![PersonData::default()], &NONE).await.unwrap()[0].id
}

async fn remove(store: &SqlStore<Person>, id: i64) {
    assert_eq!(store.remove(Some(&id.into()), &Query::default(), &NONE).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_number_of_a_removed_record_is_not_given_again_after_a_restart() {
    let fresh = new_file();
    let others = TABLES.map(|words| {
        let file = new_file();
        file.open().execute_batch(&table(words)).unwrap();
        file
    });
    for file in [&fresh].into_iter().chain(&others) {
        for last in [3, 6] {
            let store = open(file).await;
            for number in last - 2..=last {
                assert_eq!(create(&store).await, number);
            }
            remove(&store, last).await;
            store.close().await.unwrap();
        }
    }
    // Numbers that an earlier version has given count too.
    let old = new_file();
    let sql = table("AUTOINCREMENT")
        + "INSERT INTO person VALUES (41, '', 0, 0, 0, NULL, NULL), (1, '', 0, 0, 0, NULL, NULL);
           DELETE FROM person WHERE id = 41";
    old.open().execute_batch(&sql).unwrap();
    assert_eq!(create(&*open(&old).await).await, 42);
}

#[tokio::test]
async fn a_database_that_holds_the_largest_numbers_goes_on() {
    for words in TABLES {
        let file = new_file();
        let rows = [5, 1 << 53, i64::MAX, Id::MAX_INT, i64::MIN].map(|id| format!("({id}, '', 0, 0, 0, NULL, NULL)"));
        file.open().execute_batch(&format!("{} INSERT INTO person VALUES {}", table(words), rows.join(","))).unwrap();
        for expected in [6, 7] {
            let store = open(&file).await;
            assert_eq!(create(&store).await, expected, "{words}");
            store.close().await.unwrap();
        }
        let store = open(&file).await;
        assert!(store.get(&i64::MAX.into(), &Query::default(), &NONE).await.unwrap().is_some());
        remove(&store, i64::MAX).await;
        assert_eq!(create(&store).await, 8, "{words}");
    }
}

#[tokio::test]
async fn what_others_add_is_passed_over() {
    let file = new_file();
    let store = open(&file).await;
    assert_eq!(create(&store).await, 1);
    let others = file.open();
    let add = |id: i64| {
        others.execute("INSERT INTO person VALUES (?, '', 0, 0, 0, NULL, NULL)", [id]).unwrap();
    };
    add(9);
    assert_eq!(create(&store).await, 10);
    add(Counter::FOLLOWS - 1);
    add(Counter::FOLLOWS);
    assert_eq!(create(&store).await, Counter::FOLLOWS + 1);
    // A second store of the same table counts with it.
    let second = open(&file).await;
    assert_eq!(create(&second).await, Counter::FOLLOWS + 2);
    assert_eq!(create(&store).await, Counter::FOLLOWS + 3);
}

#[tokio::test]
async fn a_number_that_is_refused_fails_no_other_write_of_its_group() {
    let store = open(&new_file()).await;
    let creates = (0..200).map(|number| {
        let id = (number % 2 == 1).then_some(if number % 4 == 1 { i64::MAX } else { 1 << 53 });
        let store = store.clone();
        tokio::spawn(async move { store.create(vec![PersonData { id, ..PersonData::default() }], &NONE).await })
    });
    for (number, create) in creates.collect::<Vec<_>>().into_iter().enumerate() {
        let answer = create.await.unwrap().map(drop).map_err(|error| error.code());
        assert_eq!(answer, if number % 2 == 1 { Err(400) } else { Ok(()) });
    }
    let found = store.find(&Query::default(), &NONE).await.unwrap().records;
    assert!(found.iter().map(|person| person.id).eq(1..=100));
}
