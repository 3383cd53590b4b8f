//! Reads: quick ones run in place, slow ones elsewhere, with the same result.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use feathers_core::{Id, Query, QueryOptions, Record, Store, StoreContext};
use feathers_sql::Database;
use feathers_testing::{Person, PersonPatch};
use serde_json::{Value, json};

use crate::{File, new_file};

fn query(raw: &Value) -> Query {
    let mut query = Query::parse(raw.as_object().unwrap(), &Person::schema(), &QueryOptions::default(), false).unwrap();
    query.count = true;
    query
}

/// Puts 30,000 people into a table that is there.
fn fill(file: &File) {
    file.open()
        .execute_batch(
            r#"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
               INSERT INTO person SELECT n, 'name ' || n, n % 100, n / 3.0, n % 2, NULL, '{"n":' || n || '}' FROM n"#,
        )
        .unwrap();
}

#[tokio::test]
async fn slow_reads_do_not_hold_the_worker() {
    let file = new_file();
    let people = Database::connect(&file.url()).await.unwrap().store::<Person>().await.unwrap();
    fill(&file);
    for (raw, slow, first, total) in [
        (json!({ "id": 7 }), false, Some(7), 1),
        (json!({ "id": { "$gt": 29_990 }, "$limit": 2 }), false, Some(29_991), 10),
        (json!({ "$sort": { "name": -1 }, "$limit": 1 }), true, Some(9_999), 30_000),
        (json!({ "info.n": 30_000 }), true, Some(30_000), 1),
        (json!({ "$sort": { "info.n": -1 }, "$limit": 1 }), true, Some(30_000), 30_000),
        (json!({ "age": { "$in": [1, 2] }, "name": { "$ne": "name 1" }, "score": { "$lt": -1 } }), true, None, 0),
    ] {
        let query = query(&raw);
        let mut find = pin!(people.store().find(&query, &StoreContext::NONE));
        // Done at the first poll means: done in place.
        let found = match find.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(found) => found,
            Poll::Pending => {
                assert!(slow, "{raw}");
                find.await
            }
        };
        let found = found.unwrap();
        assert_eq!(found.records.first().map(|person| person.id), first, "{raw}");
        assert_eq!(found.total, Some(total), "{raw}");
    }
    let everything = Query::default();
    let mut find = pin!(people.store().find(&everything, &StoreContext::NONE));
    assert!(find.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "30,000 rows take a while");
    assert_eq!(find.await.unwrap().records.len(), 30_000);
}

#[tokio::test]
async fn slow_reads_and_writes_of_many_have_a_limit() {
    let file = new_file();
    let limit = Duration::from_millis(5);
    let db = Database::options().read_timeout(limit).write_timeout(limit).connect(&file.url()).await.unwrap();
    let people = db.store::<Person>().await.unwrap();
    fill(&file);
    let store = people.store();
    // Decided in Rust for every record, which takes far longer.
    let conditions: Vec<Value> = (0..1_000).map(|number| json!({ "info.n": -1 - number })).collect();
    let slow = query(&json!({ "$or": conditions, "$sort": { "info.n": -1 } }));
    let told = (408, "The database did not answer within 5ms: ask for less");

    let error = store.find(&slow, &StoreContext::NONE).await.unwrap_err();
    assert_eq!((error.code(), error.message()), told);
    let context = StoreContext::NONE;
    let rename = || PersonPatch { name: Some("changed".to_owned()), ..PersonPatch::default() };
    let error = store.patch(None, rename(), &slow, &context).await.unwrap_err();
    assert_eq!((error.code(), error.message()), told);
    let error = store.remove(None, &slow, &context).await.unwrap_err();
    assert_eq!((error.code(), error.message()), told);

    // One record at a time is quick, and nothing was changed by half.
    assert_eq!(store.patch(Some(&7.into()), rename(), &Query::default(), &context).await.unwrap().len(), 1);
    let count = |sql: &str| file.open().query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM person"), 30_000);
    assert_eq!(count("SELECT count(*) FROM person WHERE name = 'changed'"), 1);
}

#[tokio::test]
async fn reads_by_id_do_not_wait_for_slow_ones() {
    let file = new_file();
    let people = Database::connect(&file.url()).await.unwrap().store::<Person>().await.unwrap();
    fill(&file);
    let conditions: Vec<Value> = (0..1_000).map(|number| json!({ "info.n": -1 - number })).collect();
    let slow = query(&json!({ "$or": conditions }));
    let mut finds: Vec<_> = (0..20).map(|_| Box::pin(people.store().find(&slow, &StoreContext::NONE))).collect();
    for find in &mut finds {
        assert!(find.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    for id in 1..=100 {
        let (all, key) = (Query::default(), Id::from(id));
        let mut get = pin!(people.store().get(&key, &all, &StoreContext::NONE));
        let Poll::Ready(found) = get.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            panic!("a read by id waits for slow ones");
        };
        assert_eq!(found.unwrap().unwrap().id, id);
    }
    drop(finds);
    tokio::time::timeout(Duration::from_mins(1), people.store().close()).await.unwrap().unwrap();
}
