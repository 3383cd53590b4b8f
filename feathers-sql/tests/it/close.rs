//! Closing: an answered write is stored, and later calls are refused.

use feathers_core::{Query, Result, Store, StoreContext};
use feathers_sql::Database;
use feathers_testing::{Note, NoteData, NotePatch, Person};

use crate::{File, new_file};

fn note(text: &str) -> NoteData {
    NoteData { id: None, text: text.into() }
}

fn refused<T: std::fmt::Debug>(result: Result<T>) {
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.message()), (503, "The database is closed"));
}

async fn check_refuses<S: Store<Record = Note>>(store: &S) {
    let context = StoreContext::NONE;
    refused(store.create(vec![note("late")], &context).await);
    refused(store.update(&"a".into(), note("late"), &Query::default(), &context).await);
    refused(store.patch(None, NotePatch::default(), &Query::default(), &context).await);
    refused(store.remove(None, &Query::default(), &context).await);
    refused(store.find(&Query::default(), &StoreContext::NONE).await);
    refused(store.get(&"a".into(), &Query::default(), &StoreContext::NONE).await);
}

#[tokio::test]
async fn calls_after_the_close_are_503() {
    for url in [new_file().url(), "sqlite::memory:".to_owned()] {
        let db = Database::connect(&url).await.unwrap();
        let notes = db.store::<Note>().await.unwrap();
        notes.store().create(vec![note("one")], &StoreContext::NONE).await.unwrap();
        notes.store().close().await.unwrap();
        check_refuses(&**notes.store()).await;
        notes.store().close().await.unwrap();
        refused(db.store::<Person>().await);
    }
}

#[tokio::test]
async fn the_last_store_closes_the_database() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let (notes, others) = (db.store::<Note>().await.unwrap(), db.store_in::<Note>("others").await.unwrap());
    notes.store().close().await.unwrap();
    check_refuses(&**notes.store()).await;
    others.store().create(vec![note("still open")], &StoreContext::NONE).await.unwrap();
    assert_eq!(others.store().find(&Query::default(), &StoreContext::NONE).await.unwrap().records.len(), 1);
    others.store().close().await.unwrap();
    check_refuses(&**others.store()).await;
}

#[tokio::test]
async fn a_dropped_store_leaves_the_database_open() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    drop(db.store::<Note>().await.unwrap());
    let notes = db.store::<Note>().await.unwrap();
    notes.store().create(vec![note("one")], &StoreContext::NONE).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_stored() {
    let file = new_file();
    let db = Database::connect(&file.url()).await.unwrap();
    let notes = db.store::<Note>().await.unwrap();
    let writes: Vec<_> = (0..300)
        .map(|_| {
            let store = notes.store().clone();
            tokio::spawn(async move { store.create(vec![note("text")], &StoreContext::NONE).await.is_ok() })
        })
        .collect();
    notes.store().create(vec![note("first")], &StoreContext::NONE).await.unwrap();
    notes.store().close().await.unwrap();
    let mut answered = 1;
    for write in writes {
        answered += i64::from(write.await.unwrap());
    }
    assert_eq!(stored(&file), answered);
    let wal = file.0.with_extension("db-wal");
    assert!(std::fs::metadata(wal).map_or(0, |file| file.len()) == 0, "the log was moved into the file");
}

fn stored(file: &File) -> i64 {
    file.open().query_row("SELECT COUNT(*) FROM note", (), |row| row.get(0)).unwrap()
}
