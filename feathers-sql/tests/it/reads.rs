//! Reads: quick ones run in place, slow ones elsewhere, with the same result.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use feathers_core::testing::Person;
use feathers_core::{Query, QueryOptions, Record, Store};
use feathers_sql::Database;
use serde_json::{Value, json};

use crate::new_file;

fn query(raw: &Value) -> Query {
    let mut query = Query::parse(raw.as_object().unwrap(), &Person::schema(), &QueryOptions::default(), false).unwrap();
    query.count = true;
    query
}

#[tokio::test]
async fn slow_reads_do_not_hold_the_worker() {
    let file = new_file();
    let people = Database::connect(&file.url()).await.unwrap().store::<Person>().await.unwrap();
    file.open()
        .execute_batch(
            r#"WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 30000)
               INSERT INTO person SELECT n, 'name ' || n, n % 100, n / 3.0, n % 2, NULL, '{"n":' || n || '}' FROM n"#,
        )
        .unwrap();
    for (raw, slow, first, total) in [
        (json!({ "id": 7 }), false, Some(7), 1),
        (json!({ "id": { "$gt": 29_990 }, "$limit": 2 }), false, Some(29_991), 10),
        (json!({ "$sort": { "name": -1 }, "$limit": 1 }), true, Some(9_999), 30_000),
        (json!({ "info.n": 30_000 }), true, Some(30_000), 1),
        (json!({ "$sort": { "info.n": -1 }, "$limit": 1 }), true, Some(30_000), 30_000),
        (json!({ "age": { "$in": [1, 2] }, "name": { "$ne": "name 1" }, "score": { "$lt": -1 } }), true, None, 0),
    ] {
        let query = query(&raw);
        let mut find = pin!(people.store().find(&query));
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
    let mut find = pin!(people.store().find(&everything));
    assert!(find.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "30,000 rows take a while");
    assert_eq!(find.await.unwrap().records.len(), 30_000);
}
