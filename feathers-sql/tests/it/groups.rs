//! Many writers at once.

use std::collections::HashSet;

use feathers_core::{App, Commit, Query, Store, StoreContext};
use feathers_sql::Database;
use feathers_testing::{Note, NoteData, Person, PersonData};
use serde_json::json;

use crate::new_file;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_creates_are_all_stored_once() {
    let file = new_file();
    let db = Database::connect(&file.url()).await.unwrap();
    let people = db.store::<Person>().await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let store = people.store().clone();
            tokio::spawn(async move {
                for number in (task..2_000).step_by(64) {
                    let data = PersonData { name: format!("'; DROP TABLE person; -- {number}"), ..Default::default() };
                    store.create(vec![data], &StoreContext::NONE).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    people.store().close().await.unwrap();
    let connection = file.open();
    let mut statement = connection.prepare("SELECT id, name FROM person ORDER BY id").unwrap();
    let stored: Vec<(i64, String)> =
        statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert!(stored.iter().map(|(id, _)| *id).eq(1..=2_000));
    assert_eq!(stored.iter().map(|(_, name)| name).collect::<HashSet<_>>().len(), 2_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conflicts_do_not_roll_back_others() {
    let db = Database::connect(&new_file().url()).await.unwrap();
    let notes = db.store::<Note>().await.unwrap();
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let store = notes.store().clone();
            // Every second one wants the same id, and brings another record along.
            let data = |id: Option<String>| NoteData { id, text: number.to_string() };
            let records = match number % 2 {
                0 => vec![data(None)],
                _ => vec![data(None), data(Some("taken".into()))],
            };
            tokio::spawn(async move {
                let commit = Commit::recording();
                let created = store.create(records, &StoreContext::NONE.with_commit(&commit)).await;
                (created.map(|created| created.len()), commit)
            })
        })
        .collect();
    let (mut stored, mut conflicts) = (0, 0);
    for task in tasks {
        let (created, commit) = task.await.unwrap();
        assert_eq!(
            commit.changes().len(),
            created.as_ref().copied().unwrap_or_default(),
            "what is rolled back is gone"
        );
        match created {
            Ok(created) => stored += created,
            Err(error) => {
                assert_eq!((error.code(), error.message()), (409, "A record with id 'taken' exists already"));
                conflicts += 1;
            }
        }
    }
    assert_eq!((stored, conflicts), (102, 99));
    assert_eq!(notes.store().find(&Query::default(), &StoreContext::NONE).await.unwrap().records.len(), stored);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_in_the_order_of_commits() {
    let db = Database::connect(&new_file().url()).await.unwrap();
    let mut app = App::new();
    app.service("people", db.store::<Person>().await.unwrap()).publish(|_event, app| app.channel("all"));
    app.on_connect(|connection, app| app.channel("all").join(connection));
    let app = app.start().await.unwrap();
    let mut client = feathers_testing::Client::connect(&app).await;
    let tasks: Vec<_> = (0..100)
        .map(|_| {
            let people = app.service("people").unwrap();
            tokio::spawn(async move {
                let data = json!({ "name": "Ann", "age": 1, "score": 1, "active": true });
                people.create(data, ()).await.unwrap();
            })
        })
        .collect();
    for id in 1..=100 {
        assert_eq!(client.event().await.data["id"], id);
    }
    for task in tasks {
        task.await.unwrap();
    }
}
