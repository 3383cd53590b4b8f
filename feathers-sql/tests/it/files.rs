//! Files: made on the first run, read on the next, and clear messages when that does not work.

use std::process::Command;

use feathers_core::{Query, Store, StoreContext};
use feathers_sql::Database;
use feathers_testing::{Note, NoteData, Person, PersonData};

use crate::new_file;

fn person(name: &str) -> PersonData {
    PersonData { name: name.into(), ..PersonData::default() }
}

#[tokio::test]
async fn records_survive_a_restart() {
    let file = new_file();
    assert!(!file.0.exists());
    let before = {
        let people = Database::connect(&file.url()).await.unwrap().store::<Person>().await.unwrap();
        let created = people.store().create(vec![person("Ann"), person("Bob")], &StoreContext::NONE).await.unwrap();
        people.store().remove(Some(&2.into()), &Query::default(), &StoreContext::NONE).await.unwrap();
        people.store().close().await.unwrap();
        created
    };
    assert!(file.0.exists());
    let people = Database::connect(&file.url()).await.unwrap().store::<Person>().await.unwrap();
    assert_eq!(people.store().find(&Query::default(), &StoreContext::NONE).await.unwrap().records, before[..1]);
    let next = people.store().create(vec![person("Cid")], &StoreContext::NONE).await.unwrap();
    assert_eq!(next[0].id, 3, "the id of a removed record is not used again");
}

#[tokio::test]
async fn two_databases_share_a_file() {
    let file = new_file();
    let first = Database::connect(&file.url()).await.unwrap().store::<Note>().await.unwrap();
    let second = Database::connect(&file.url()).await.unwrap().store::<Note>().await.unwrap();
    let data = || vec![NoteData { id: None, text: "text".into() }];
    for _ in 0..5 {
        first.store().create(data(), &StoreContext::NONE).await.unwrap();
        second.store().create(data(), &StoreContext::NONE).await.unwrap();
    }
    assert_eq!(first.store().find(&Query::default(), &StoreContext::NONE).await.unwrap().records.len(), 10);
    assert_eq!(second.store().find(&Query::default(), &StoreContext::NONE).await.unwrap().records.len(), 10);
}

#[tokio::test]
async fn what_cannot_be_opened_is_named() {
    let missing = new_file().0.join("folder").join("todo.db");
    for (url, expected) in [
        ("todo.db", "cannot use database 'todo.db': it must start with 'sqlite:'"),
        ("postgres://user:secret@host/db", "cannot use database 'postgres': it must start with 'sqlite:'"),
        ("sqlite:", "cannot use database 'sqlite:': the path of the file is missing"),
        ("sqlite:a.db?mode=ro", "cannot use database 'sqlite:a.db?mode=ro': options after '?' are not known"),
        (&format!("sqlite:{}", missing.display()), &*format!("cannot open database '{}'", missing.display())),
    ] {
        let message = Database::connect(url).await.unwrap_err().message().to_owned();
        assert!(message.starts_with(expected), "{message}");
    }
    let no_database = new_file();
    std::fs::write(&no_database.0, "this is a text and not a database at all".repeat(100)).unwrap();
    let message = Database::connect(&no_database.url()).await.unwrap_err().message().to_owned();
    assert!(message.contains("not a database"), "{message}");
}

#[test]
fn the_environment_comes_first() {
    let (given, wanted) = (new_file(), new_file());
    for (variable, used, unused) in [(wanted.url(), &wanted, &given), (String::new(), &given, &wanted)] {
        let _nothing_left_over = (std::fs::remove_file(&given.0), std::fs::remove_file(&wanted.0));
        // A process cannot change its own environment safely, so this test runs another one in a new process.
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "files::opens_from_env", "--ignored"])
            .env("DATABASE_URL", &variable)
            .env("TEST_DEFAULT_URL", given.url())
            .status();
        assert!(status.unwrap().success());
        assert!(used.0.exists() && !unused.0.exists(), "{variable:?}");
    }
}

#[tokio::test]
#[ignore = "the_environment_comes_first runs it"]
async fn opens_from_env() {
    Database::from_env(&std::env::var("TEST_DEFAULT_URL").unwrap()).await.unwrap();
}
