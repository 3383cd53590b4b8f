//! Groups of jobs on one connection, without the thread.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::driver::sqlite::connection::Place;

fn open() -> Reader {
    Place::Memory.open(&Arc::new(AtomicBool::new(false))).unwrap()
}

type Answered = oneshot::Receiver<Outcome<usize>>;

fn job(work: impl FnOnce(&Reader) -> Outcome<usize> + Send + 'static) -> (Box<dyn Job>, Answered) {
    let (answer, answered) = oneshot::channel();
    let work =
        Some(|connection: &Reader| work(connection).map(|count| (count, Changes { count, ..Changes::default() })));
    (Box::new(Write { work, size: Size::Few, done: None, commit: Commit::none(), answer }), answered)
}

fn sql(sql: &'static str) -> (Box<dyn Job>, Answered) {
    job(move |connection| Ok(connection.execute(sql, ())?))
}

/// Runs the jobs as one group on a connection and returns the answers: how many changes, or the code of the error.
fn answers(connection: &Reader, jobs: Vec<(Box<dyn Job>, Answered)>) -> Vec<Result<usize, u16>> {
    let (jobs, answered): (Vec<_>, Vec<_>) = jobs.into_iter().unzip();
    group(connection, jobs);
    let code = |failure| match failure {
        Failure::Error(error) => error.code(),
        Failure::Sqlite(_) | Failure::Interrupted => 0,
    };
    answered.into_iter().map(|mut answered| answered.try_recv().unwrap().map_err(code)).collect()
}

fn check(setup: &str, jobs: Vec<(Box<dyn Job>, Answered)>, expected: &[Result<usize, u16>], stored: &[i64]) {
    let reader = open();
    let connection = reader.write(None).unwrap();
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
fn a_job_that_fails_alone_harms_no_later_one() {
    let fails = || {
        job(|connection| {
            connection.execute("INSERT INTO t (id) VALUES (2)", ())?;
            Err(Error::conflict("changed its mind").into())
        })
    };
    check("", vec![fails()], &[Err(409)], &[]);
    let lost = job(|connection| {
        connection.execute("ROLLBACK", ())?;
        Err(Error::conflict("its own error").into())
    });
    check("INSERT INTO t (id) VALUES (1)", vec![lost], &[Err(409)], &[1]);
}

#[test]
fn a_full_disk_fails_the_group() {
    let jobs = vec![
        sql("INSERT INTO t (id) VALUES (1)"),
        sql("INSERT INTO t (id, data) VALUES (2, zeroblob(1000000))"),
        sql("INSERT INTO t (id) VALUES (3)"),
    ];
    // SQLite may roll back all or only the statement; either way, no job succeeds that is not stored.
    let reader = open();
    let connection = reader.write(None).unwrap();
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

fn writer(limit: Duration) -> Writer {
    let reader = open();
    reader.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT; INSERT INTO t VALUES (1)").unwrap();
    Writer::start(Source::Own(Box::new(reader)), limit).unwrap()
}

/// Inserts for ever.
fn endless(connection: &Reader) -> Outcome<((), Changes)> {
    let sql = "INSERT INTO t WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n) SELECT n FROM n";
    connection.execute(sql, ())?;
    Ok(((), Changes { count: 1, ..Changes::default() }))
}

/// Removes one record, and then does not end in Rust.
fn endless_in_rust(connection: &Reader) -> Outcome<((), Changes)> {
    connection.execute("DELETE FROM t", ())?;
    loop {
        connection.check()?;
    }
}

async fn count(writer: &Writer) -> i64 {
    let count = |connection: &Reader| {
        Ok((connection.query_row("SELECT count(*) FROM t", (), |row| row.get(0))?, Changes::default()))
    };
    writer.write(&Commit::none(), Size::Few, count).await.unwrap()
}

fn told<T: std::fmt::Debug>(outcome: Outcome<T>) -> (u16, String) {
    match outcome.unwrap_err() {
        Failure::Error(error) => (error.code(), error.message().to_owned()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_of_many_ends_at_its_limit_and_changes_nothing() {
    let writer = Arc::new(writer(Duration::from_millis(50)));
    for work in [endless, endless_in_rust] {
        // Others are in the same group, and are stored.
        let insert = |id: i64| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let insert = move |connection: &Reader| {
                    connection.execute("INSERT INTO t VALUES (?)", [-id])?;
                    Ok(((), Changes { count: 1, ..Changes::default() }))
                };
                writer.write(&Commit::none(), Size::Few, insert).await
            })
        };
        let before = count(&writer).await;
        let others: Vec<_> = (before..before + 3).map(insert).collect();
        let outcome = writer.write(&Commit::none(), Size::Many, work).await;
        let expected = (408, "The database did not answer within 50ms: ask for less".to_owned());
        assert_eq!(told(outcome), expected);
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert_eq!(count(&writer).await, before + 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_close_writes_of_many_have_the_time_of_one() {
    let writer = Arc::new(writer(Duration::from_millis(100)));
    let began = Arc::new(tokio::sync::Notify::new());
    let many = |work: fn(&Reader) -> Outcome<((), Changes)>, began: Option<Arc<tokio::sync::Notify>>| {
        let writer = writer.clone();
        tokio::spawn(async move {
            let work = move |connection: &Reader| {
                if let Some(began) = &began {
                    began.notify_one();
                }
                work(connection)
            };
            writer.write(&Commit::none(), Size::Many, work).await
        })
    };
    let first = many(endless, Some(began.clone()));
    began.notified().await;
    let others: Vec<_> = (0..50).map(|_| many(endless, None)).collect();
    while writer.jobs.lock().unwrap().as_ref().unwrap().capacity() > QUEUE - 50 {
        tokio::task::yield_now().await;
    }
    let started = Instant::now();
    writer.close().await;
    // One after the other they would take five seconds.
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(told(first.await.unwrap()).0, 408);
    let mut codes: Vec<u16> = Vec::new();
    for other in others {
        codes.push(told(other.await.unwrap()).0);
    }
    assert!(codes.iter().all(|code| [408, 503].contains(code)) && codes.contains(&503), "{codes:?}");
}
