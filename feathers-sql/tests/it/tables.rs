//! Tables that are there already: used if they fit, refused by name if they do not.

use feathers_core::{Columns, Query, QueryOptions, Record, Store, StoreContext};
use feathers_sql::Database;
use feathers_testing::{Account, Note, NoteData, Org, Person, PersonData, PersonPatch, Worker};

use crate::new_file;

const PERSON: [&str; 7] = [
    "id INTEGER PRIMARY KEY",
    "name TEXT NOT NULL",
    "age INTEGER NOT NULL",
    "score REAL NOT NULL",
    "active INTEGER NOT NULL",
    "nickname TEXT",
    "info TEXT",
];

/// Opens a store over a table made by `sql` and returns the message of the refusal.
async fn refusal<R: Record + Columns>(sql: &str, table: &str) -> Option<String> {
    let file = new_file();
    file.open().execute_batch(sql).unwrap();
    let db = Database::connect(&file.url()).await.unwrap();
    db.store_in::<R>(table).await.err().map(|error| error.message().to_owned())
}

/// The person's table with one column declared another way, or none if it is empty.
fn table(column: &str, declared: &str) -> String {
    let columns = PERSON.map(|known| if known.split(' ').next() == Some(column) { declared } else { known });
    let columns: Vec<_> = columns.into_iter().filter(|column| !column.is_empty()).collect();
    format!("CREATE TABLE person ({})", columns.join(", "))
}

#[tokio::test]
async fn a_table_that_does_not_fit_is_refused() {
    for (column, declared, problem) in [
        ("age", "", "column 'age' is missing"),
        ("info", "", "column 'info' is missing"),
        ("name", "name INTEGER NOT NULL", "column 'name' is INTEGER, expected TEXT"),
        ("name", "name NOT NULL", "column 'name' is without a type, expected TEXT"),
        ("age", "age TEXT NOT NULL", "column 'age' is TEXT, expected INTEGER"),
        ("score", "score INT NOT NULL", "column 'score' is INT, expected REAL"),
        ("active", "active TEXT NOT NULL", "column 'active' is TEXT, expected INTEGER"),
        ("info", "info JSON", "column 'info' is JSON, expected TEXT"),
        ("name", "name TEXT", "column 'name' can be NULL, but the field cannot"),
        ("nickname", "nickname TEXT NOT NULL", "column 'nickname' is NOT NULL, but the field can be null"),
        ("id", "id INTEGER NOT NULL", "column 'id' is not the primary key"),
        ("id", "id BIGINT PRIMARY KEY", "column 'id' is BIGINT, expected INTEGER"),
        ("age", "age INTEGER NOT NULL, extra TEXT NOT NULL", "column 'extra' must be set and is no field"),
        ("age", "age INTEGER NOT NULL AS (1)", "column 'age' is generated"),
    ] {
        let sql = table(column, declared);
        let expected = format!("table 'person' does not fit Person: {problem}");
        assert_eq!(refusal::<Person>(&sql, "person").await, Some(expected), "{sql}");
    }
    let two = table("name", "").replace("age INTEGER NOT NULL", "age TEXT NOT NULL");
    let expected =
        "table 'person' does not fit Person: column 'name' is missing; column 'age' is TEXT, expected INTEGER";
    assert_eq!(refusal::<Person>(&two, "person").await.as_deref(), Some(expected));
}

#[tokio::test]
async fn a_table_without_a_constraint_is_refused_with_what_would_make_it() {
    let table = "CREATE TABLE account (id INTEGER PRIMARY KEY, email TEXT NOT NULL, phone REAL, team INTEGER, \
                 name TEXT NOT NULL, age INTEGER NOT NULL";
    let folded = "CREATE UNIQUE INDEX \"account_email_folded_unique\" ON \"account\" (\"email_folded\")";
    let phone = "CREATE UNIQUE INDEX \"account_phone_unique\" ON \"account\" (\"phone\")";
    let together = "CREATE UNIQUE INDEX \"account_team_name_unique\" ON \"account\" (\"team\", \"name\")";
    let age = "CREATE INDEX \"account_age_index\" ON \"account\" (\"age\")";
    let both = "CREATE INDEX \"account_team_age_index\" ON \"account\" (\"team\", \"age\")";
    let problems = [
        "column 'email_folded' is missing, in which 'email' stands without its case: ALTER TABLE \"account\" ADD COLUMN \
         \"email_folded\" text, and write there what `fold_case` makes of it"
            .to_owned(),
        format!("'email_folded' is not unique: {folded}"),
        format!("'phone' is not unique: {phone}"),
        format!("'team', 'name' are not unique: {together}"),
        format!("'age' has no index: {age}"),
        format!("'team', 'age' have no index: {both}"),
    ];
    let expected = format!("table 'account' does not fit Account: {}", problems.join("; "));
    assert_eq!(refusal::<Account>(&format!("{table})"), "account").await, Some(expected));

    // What the message says makes it fit.
    let made = format!(
        "{table}); ALTER TABLE account ADD COLUMN email_folded text; {folded}; {phone}; {together}; {age}; {both}"
    );
    assert_eq!(refusal::<Account>(&made, "account").await, None);
    // An index of a part, one that ignores case, and one of the columns in another place do not do.
    for (wrong, problem) in [
        (made.replace("(\"phone\")", "(\"phone\") WHERE phone > 1"), "'phone' is not unique"),
        (made.replace("(\"phone\")", "(\"phone\", \"age\")"), "'phone' is not unique"),
        (made.replace("\"name\")", "\"name\" COLLATE NOCASE)"), "'team', 'name' are not unique"),
        (made.replace("(\"team\", \"age\")", "(\"age\", \"team\")"), "'team', 'age' have no index"),
        (made.replace("email_folded text", "email_folded text NOT NULL DEFAULT ''"), "column 'email_folded' must be"),
    ] {
        let message = refusal::<Account>(&wrong, "account").await.unwrap();
        assert!(message.contains(problem), "{message}");
    }
}

#[tokio::test]
async fn a_table_without_a_reference_is_refused_with_what_would_make_it() {
    let keys =
        "FOREIGN KEY (\"org\") REFERENCES \"org\" (\"id\"), FOREIGN KEY (\"boss\") REFERENCES \"worker\" (\"id\")";
    let columns = "CREATE TABLE worker (id TEXT PRIMARY KEY NOT NULL, org INTEGER NOT NULL, boss TEXT";
    let indexes = [
        "CREATE INDEX \"worker_org_index\" ON \"worker\" (\"org\")",
        "CREATE INDEX \"worker_boss_index\" ON \"worker\" (\"boss\")",
    ];
    let message = refusal::<Worker>(&format!("{columns})"), "worker").await.unwrap();
    let again = "SQLite takes a reference when a table is made, so make it again with FOREIGN KEY";
    let expected = [
        format!("'org' has no index: {}", indexes[0]),
        format!("'boss' has no index: {}", indexes[1]),
        format!("'org' does not refer to 'org': {again} (\"org\") REFERENCES \"org\" (\"id\")"),
        format!("'boss' does not refer to 'worker': {again} (\"boss\") REFERENCES \"worker\" (\"id\")"),
    ];
    assert_eq!(message, format!("table 'worker' does not fit Worker: {}", expected.join("; ")));

    let made = format!("{columns}, {keys}); {}", indexes.join(";"));
    assert_eq!(refusal::<Worker>(&made, "worker").await, None);
    for (wrong, problem) in [
        (
            made.replace("org\" (\"id\")", "org\" (\"id\") ON DELETE CASCADE"),
            "'org' refers to 'org' with ON DELETE CASCADE",
        ),
        (made.replace("org\" (\"id\")", "org\" (\"name\")"), "'org' does not refer to 'org'"),
        (made.replace("REFERENCES \"org\"", "REFERENCES \"job\""), "'org' does not refer to 'org'"),
    ] {
        let message = refusal::<Worker>(&wrong, "worker").await.unwrap();
        assert!(message.contains(problem), "{message}");
    }
    let plain = made.replace("org\" (\"id\")", "ORG\"");
    assert_eq!(refusal::<Worker>(&plain, "worker").await, None, "the primary key is meant where no column is named");
}

#[tokio::test]
async fn references_hold_for_other_programs_too() {
    let file = new_file();
    let db = Database::connect(&file.url()).await.unwrap();
    let (_orgs, _workers) = (db.store::<Org>().await.unwrap(), db.store::<Worker>().await.unwrap());
    let other = file.open();
    other.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    let error = other.execute("INSERT INTO worker VALUES ('a', 7, NULL)", ()).unwrap_err();
    assert_eq!(error.to_string(), "FOREIGN KEY constraint failed");
    other.execute_batch("INSERT INTO org VALUES (7, '', NULL); INSERT INTO worker VALUES ('a', 7, NULL)").unwrap();
    let error = other.execute("DELETE FROM org", ()).unwrap_err();
    assert_eq!(error.to_string(), "FOREIGN KEY constraint failed", "the database removes nothing by itself");
}

#[tokio::test]
async fn what_is_no_plain_table_is_refused() {
    let note = "text TEXT NOT NULL, seen INTEGER NOT NULL";
    for (sql, problem) in [
        ("CREATE VIEW note AS SELECT '1' AS id, 'a' AS text, 1 AS seen".to_owned(), "it is a view"),
        (format!("CREATE TABLE note (id TEXT PRIMARY KEY NOT NULL, {note}) WITHOUT ROWID"), "it is WITHOUT ROWID"),
        (
            format!("CREATE TABLE note (id TEXT, other TEXT, {note}, PRIMARY KEY (id, other))"),
            "column 'other' belongs to the primary key and is no field",
        ),
        (
            "CREATE TABLE note (id TEXT, text TEXT NOT NULL, seen INTEGER NOT NULL, PRIMARY KEY (id, seen))".to_owned(),
            "column 'seen' is the primary key, or part of it, and not the id",
        ),
        (
            format!("CREATE TABLE note (id TEXT PRIMARY KEY, {note}, rowid TEXT, _rowid_ TEXT, oid TEXT)"),
            "it hides rowid, _rowid_ and oid",
        ),
    ] {
        let message = refusal::<Note>(&sql, "note").await.unwrap_or_default();
        assert!(message.starts_with("table 'note' does not fit Note: ") && message.contains(problem), "{message}");
    }
    let message = refusal::<Note>("", "sqlite_note").await.unwrap_or_default();
    assert!(message.starts_with("cannot prepare table 'sqlite_note': "), "{message}");
}

#[tokio::test]
async fn a_table_that_fits_is_used_as_it_is() {
    let file = new_file();
    file.open()
        .execute_batch(
            r#"CREATE TABLE Person (extra TEXT DEFAULT 'x', id INTEGER PRIMARY KEY, INFO TEXT, nickname VARCHAR(20),
                active BOOLEAN NOT NULL, score DOUBLE NOT NULL, age BIGINT NOT NULL, name VARCHAR NOT NULL);
               INSERT INTO Person VALUES ('y', 5, '{"a":1}', NULL, 1, 2, 3, 'Ann');
               CREATE TABLE note (text TEXT NOT NULL, rowid TEXT, seen INT NOT NULL, id TEXT PRIMARY KEY);
               INSERT INTO note VALUES ('first', 'z', 0, 'b'), ('second', 'a', 0, 'a')"#,
        )
        .unwrap();
    let db = Database::connect(&file.url()).await.unwrap();
    let people = db.store::<Person>().await.unwrap();
    let found = people.store().find(&Query::default(), &StoreContext::NONE).await.unwrap().records;
    let expected = Person {
        id: 5,
        name: "Ann".into(),
        age: 3,
        score: 2.0,
        active: true,
        nickname: None,
        info: serde_json::json!({ "a": 1 }),
    };
    assert_eq!(*found[0], expected);
    let data = PersonData { name: "Bob".into(), ..PersonData::default() };
    assert_eq!(people.store().create(vec![data], &StoreContext::NONE).await.unwrap()[0].id, 6);

    let notes = db.store::<Note>().await.unwrap();
    notes
        .store()
        .create(vec![NoteData { id: Some("0".into()), text: "third".into() }], &StoreContext::NONE)
        .await
        .unwrap();
    let found = notes.store().find(&Query::default(), &StoreContext::NONE).await.unwrap().records;
    assert_eq!(found.iter().map(|note| &*note.text).collect::<Vec<_>>(), ["first", "second", "third"]);
}

#[tokio::test]
async fn names_of_tables_are_quoted() {
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let note = || vec![NoteData { id: None, text: "text".into() }];
    for name in ["select", "two words", "quote\"; DROP TABLE note; --", "ünicode"] {
        let notes = db.store_in::<Note>(name).await.unwrap();
        notes.store().create(note(), &StoreContext::NONE).await.unwrap();
        let again = db.store_in::<Note>(name).await.unwrap();
        assert_eq!(
            again.store().find(&Query::default(), &StoreContext::NONE).await.unwrap().records.len(),
            1,
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_index_does_not_change_the_order() {
    let file = new_file();
    let people = Database::connect(&file.url()).await.unwrap().store::<Person>().await.unwrap();
    file.open().execute_batch("CREATE INDEX by_age ON person (age)").unwrap();
    let store = people.store();
    let data = (0..50).map(|number| PersonData { age: 100 - number, ..PersonData::default() }).collect();
    store.create(data, &StoreContext::NONE).await.unwrap();
    let ordered: Vec<i64> = (1..=20).collect();
    let ids = |people: Vec<std::sync::Arc<Person>>| people.iter().map(|person| person.id).collect::<Vec<_>>();
    let query = serde_json::json!({ "age": { "$gt": 80 } });
    let query = Query::parse(query.as_object().unwrap(), &Person::schema(), &QueryOptions::default(), false).unwrap();
    assert_eq!(ids(store.find(&query, &StoreContext::NONE).await.unwrap().records), ordered);
    let patch = PersonPatch { active: Some(true), ..PersonPatch::default() };
    assert_eq!(ids(store.patch(None, patch, &query, &StoreContext::NONE).await.unwrap()), ordered);
    assert_eq!(ids(store.remove(None, &query, &StoreContext::NONE).await.unwrap()), ordered);
}
