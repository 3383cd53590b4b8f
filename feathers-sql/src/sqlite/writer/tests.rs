//! Groups of jobs on one connection, without the thread.

use feathers_core::{Commit, Error};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Job, Write, group};
use crate::sqlite::connection::Place;
use crate::sqlite::failure::{Failure, Outcome};

type Answered = oneshot::Receiver<Outcome<usize>>;

fn job(work: impl FnOnce(&Connection) -> Outcome<usize> + Send + 'static) -> (Box<dyn Job>, Answered) {
    let (answer, answered) = oneshot::channel();
    let work = Some(|connection: &Connection| work(connection).map(|changes| (changes, changes)));
    (Box::new(Write { work, done: None, commit: Commit::none(), answer }), answered)
}

fn sql(sql: &'static str) -> (Box<dyn Job>, Answered) {
    job(move |connection| Ok(connection.execute(sql, ())?))
}

/// Runs the jobs as one group on a connection and returns the answers: how many changes, or the code of the error.
fn answers(connection: &Connection, jobs: Vec<(Box<dyn Job>, Answered)>) -> Vec<Result<usize, u16>> {
    let (jobs, answered): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
    group(connection, jobs);
    let code = |failure| match failure {
        Failure::Error(error) => error.code(),
        Failure::Sqlite(_) => 0,
    };
    answered.into_iter().map(|mut answered| answered.try_recv().unwrap().map_err(code)).collect()
}

fn check(setup: &str, jobs: Vec<(Box<dyn Job>, Answered)>, expected: &[Result<usize, u16>], stored: &[i64]) {
    let reader = Place::Memory.open().unwrap();
    let connection = reader.patient().unwrap();
    connection.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB) STRICT").unwrap();
    connection.execute_batch(setup).unwrap();
    assert_eq!(answers(connection, jobs), expected);
    assert!(connection.is_autocommit(), "no transaction is left open");
    let mut statement = connection.prepare("SELECT id FROM t ORDER BY id").unwrap();
    let ids: Vec<i64> = statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(ids, stored);
    assert_eq!(answers(connection, vec![sql("INSERT INTO t (id) VALUES (99)")]), [Ok(1)], "the next group works");
}

#[test]
fn a_failing_job_harms_no_other() {
    let jobs = vec![
        sql("INSERT INTO t (id) VALUES (1)"),
        sql("INSERT INTO t (id) VALUES (1)"),
        job(|connection| {
            connection.execute("INSERT INTO t (id) VALUES (2)", ())?;
            Err(Error::conflict("changed its mind").into())
        }),
        job(|connection| {
            connection.execute("INSERT INTO t (id) VALUES (3)", ())?;
            std::panic::resume_unwind(Box::new("no message"))
        }),
        sql("INSERT INTO t (id) VALUES (4), (5)"),
    ];
    check("", jobs, &[Ok(1), Err(0), Err(409), Err(500), Ok(2)], &[1, 4, 5]);
}

#[test]
fn a_full_disk_fails_the_group() {
    let jobs = vec![
        sql("INSERT INTO t (id) VALUES (1)"),
        sql("INSERT INTO t (id, data) VALUES (2, zeroblob(1000000))"),
        sql("INSERT INTO t (id) VALUES (3)"),
    ];
    // SQLite may roll back all or only the statement; either way no job is answered what is not stored.
    let reader = Place::Memory.open().unwrap();
    let connection = reader.patient().unwrap();
    connection
        .execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB) STRICT; PRAGMA max_page_count = 20")
        .unwrap();
    let answers = answers(connection, jobs);
    assert!(answers[1].is_err());
    let stored = connection.query_row("SELECT COUNT(*) FROM t", (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), usize::try_from(stored).unwrap());
    assert!(connection.is_autocommit());
}

#[test]
fn ids_that_run_out_harm_no_other() {
    let setup = "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO a VALUES (9223372036854775807)";
    let jobs = vec![
        sql("INSERT INTO t (id) VALUES (1)"),
        sql("INSERT INTO a (id) VALUES (NULL) RETURNING id"),
        sql("INSERT INTO t (id) VALUES (2)"),
    ];
    check(setup, jobs, &[Ok(1), Err(0), Ok(1)], &[1, 2]);
}

#[test]
fn a_failing_commit_fails_the_group() {
    let setup = "CREATE TABLE child (t INTEGER REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED) STRICT";
    let jobs = vec![sql("INSERT INTO t (id) VALUES (1)"), sql("INSERT INTO child (t) VALUES (7)")];
    check(setup, jobs, &[Err(503), Err(503)], &[]);
}

#[test]
fn a_lost_transaction_fails_the_group() {
    let jobs = vec![
        sql("INSERT INTO t (id) VALUES (1)"),
        job(|connection| {
            connection.execute("ROLLBACK", ())?;
            Err(Error::conflict("its own error").into())
        }),
        sql("INSERT INTO t (id) VALUES (2)"),
    ];
    check("", jobs, &[Err(503), Err(409), Err(503)], &[]);
}
