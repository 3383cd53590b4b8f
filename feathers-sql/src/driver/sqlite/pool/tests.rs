//! Reads that never end by themselves, so that what ends them is seen.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::*;
use crate::driver::sqlite::connection::Place;

/// A limit that no test reaches.
const LONG: Duration = Duration::from_hours(1);

/// What these reads need to know.
#[derive(Clone)]
struct Nothing;

fn pool(points: usize, scans: usize, limit: Duration) -> Arc<Pool> {
    let closing = Arc::new(AtomicBool::new(false));
    let open = |count| Lane::new((0..count).map(|_| Place::Memory.open(&closing).unwrap()).collect());
    Pool::new(open(points), open(scans), limit, closing.clone())
}

/// Counts for ever.
fn endless(_: &Nothing, reader: &Reader, _: &Nothing) -> Outcome<i64> {
    let sql = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT count(*) FROM n";
    Ok(reader.query_row(sql, (), |row| row.get(0))?)
}

/// Does not end in Rust either, where SQLite is not asked.
fn endless_in_rust(_: &Nothing, reader: &Reader, _: &Nothing) -> Outcome<i64> {
    loop {
        reader.check()?;
    }
}

fn quick(_: &Nothing, reader: &Reader, _: &Nothing) -> Outcome<i64> {
    Ok(reader.query_row("SELECT 7", (), |row| row.get(0))?)
}

async fn read(
    pool: &Pool,
    kind: Kind,
    work: fn(&Nothing, &Reader, &Nothing) -> Outcome<i64>,
) -> Result<i64, (u16, String)> {
    read_for(&StoreContext::NONE, pool, kind, work).await
}

async fn read_for(
    context: &StoreContext<'_>,
    pool: &Pool,
    kind: Kind,
    work: fn(&Nothing, &Reader, &Nothing) -> Outcome<i64>,
) -> Result<i64, (u16, String)> {
    let outcome = pool.read(kind, (&Arc::new(Nothing), &Nothing), context, work).await;
    outcome.map_err(|failure| match failure {
        Failure::Error(error) => (error.code(), error.message().to_owned()),
        other => panic!("{other:?}"),
    })
}

fn is_ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Waits until every connection is back.
async fn all_idle(pool: &Pool, scans: usize) {
    let idle = async {
        while pool.scans.permits.available_permits() < scans {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), idle).await.expect("a read goes on without a caller");
}

#[tokio::test]
async fn a_read_ends_at_its_limit() {
    let pool = pool(1, 2, Duration::from_millis(50));
    for work in [endless, endless_in_rust] {
        for kind in [Kind::Scan, Kind::Point] {
            let (code, message) = read(&pool, kind, work).await.unwrap_err();
            assert_eq!((code, &*message), (408, "The database did not answer within 50ms: ask for less"));
        }
    }
    assert_eq!(read(&pool, Kind::Scan, quick).await, Ok(7), "the connection works after it");
}

#[tokio::test]
async fn a_read_ends_at_the_deadline_of_its_call() {
    let pool = pool(1, 2, LONG);
    let context = || StoreContext::NONE.with_deadline(Some(tokio::time::Instant::now() + Duration::from_millis(50)));
    for work in [endless, endless_in_rust] {
        for kind in [Kind::Scan, Kind::Point] {
            let (code, message) = read_for(&context(), &pool, kind, work).await.unwrap_err();
            assert_eq!((code, &*message), (408, "The deadline of the call has passed"));
        }
    }
    all_idle(&pool, 2).await;
    assert_eq!(read_for(&context(), &pool, Kind::Scan, quick).await, Ok(7), "the connection works after it");
}

#[tokio::test]
async fn a_read_ends_when_its_caller_goes() {
    let pool = pool(1, 2, LONG);
    for work in [endless, endless_in_rust] {
        let reading = tokio::spawn({
            let pool = pool.clone();
            async move { read(&pool, Kind::Scan, work).await }
        });
        while pool.slow.available_permits() > 0 || pool.scans.permits.available_permits() != 1 {
            tokio::task::yield_now().await;
        }
        reading.abort();
        assert!(reading.await.unwrap_err().is_cancelled());
        all_idle(&pool, 2).await;
    }
}

#[tokio::test]
async fn quick_reads_do_not_wait_for_slow_ones() {
    let pool = pool(1, 2, LONG);
    let slow: Vec<_> = (0..8)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { read(&pool, Kind::Scan, endless).await })
        })
        .collect();
    while pool.slow.available_permits() > 0 || pool.scans.permits.available_permits() != 1 {
        tokio::task::yield_now().await;
    }
    for kind in [Kind::Point, Kind::Scan] {
        assert_eq!(is_ready(read(&pool, kind, quick)), Some(Ok(7)), "{kind:?} is answered at once");
    }
    pool.close();
    for read in slow {
        assert_eq!(read.await.unwrap(), Err((503, "The database is closed".to_owned())));
    }
}

#[tokio::test]
async fn the_time_in_the_queue_counts() {
    let pool = pool(1, 2, Duration::from_millis(50));
    let started = Instant::now();
    let reads: Vec<_> = (0..40)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { read(&pool, Kind::Scan, endless_in_rust).await })
        })
        .collect();
    for read in reads {
        assert_eq!(read.await.unwrap().unwrap_err().0, 408);
    }
    // One after the other they would take 40 times as long.
    assert!(started.elapsed() < Duration::from_millis(50 * 30), "{:?}", started.elapsed());
}
