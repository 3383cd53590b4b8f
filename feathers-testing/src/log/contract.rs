//! The contract of shared logs: one suite of tests that every [`LogEngine`] must pass.
//!
//! [`log_contract!`](crate::log_contract) turns it into tests of your engine:
//!
//! ```
//! use feathers_testing::{SharedLog, log_contract};
//!
//! log_contract! {
//!     memory,
//!     log: async || SharedLog::new(),
//! }
//! ```
//!
//! The expression makes a fresh, empty log each time it is called; one that several processes share can have another
//! prefix each time. The tests use several tasks and need tokio with the features `macros` and `rt-multi-thread`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use feathers_core::{Cursor, Entry, EntryTarget, Epoch, Interest, LogEngine, LogRead, ResetReason, Result};

/// How long something may take that comes at once in a log that works.
const PATIENCE: Duration = Duration::from_secs(20);

/// Turns the contract of shared logs into tests of one log; see [`log`](mod@crate::log).
#[macro_export]
macro_rules! log_contract {
    ($name:ident, log: $log:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need what is in scope")]
            use super::*;

            $crate::log_contract!(@cases $log, an_empty_log_has_nothing_and_says_so
                an_append_returns_the_positions_of_its_entries entries_come_back_as_they_were
                a_repeated_append_adds_nothing_and_returns_the_same_positions
                a_log_is_read_in_parts_without_loss the_entries_of_one_append_stay_together
                a_reader_that_follows_misses_nothing a_cursor_of_another_epoch_is_a_reset
                a_reader_that_waits_learns_of_what_comes);
        }
    };
    (@cases $make:expr, $($case:ident)*) => {
        $(
            #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let log = ($make)().await;
                $crate::log::contract::$case(&::std::sync::Arc::new(log)).await;
            }
        )*
    };
}

/// Returns what went well.
fn ok<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}

fn entry(name: &str) -> Entry {
    Entry::new("notes", name, format!(r#"{{"name":"{name}"}}"#).into())
        .targets(vec![EntryTarget::new(vec!["everyone".into()])])
}

fn group(name: &str, count: usize) -> Vec<Entry> {
    (0..count).map(|number| entry(&format!("{name}-{number}"))).collect()
}

/// Reads once; a reset is a failure.
async fn read(log: &impl LogEngine, after: Cursor, most: usize) -> (Vec<(u64, Entry)>, Cursor) {
    match ok(log.read(after, most, &Interest::everything()).await) {
        LogRead::Entries { entries, up_to, .. } => {
            let mut before = after.seq();
            for (number, _) in &entries {
                assert!(*number > before, "{number} comes after {before}");
                before = *number;
            }
            assert!(up_to >= before, "the log is read up to {before}, and says {up_to}");
            (entries, Cursor::new(after.epoch(), up_to))
        }
        other => panic!("unexpected {other:?} after {after}"),
    }
}

/// Returns the position before the first entry.
async fn beginning(log: &impl LogEngine) -> Cursor {
    let bounds = ok(log.bounds().await);
    Cursor::new(bounds.epoch, bounds.oldest)
}

/// Reads everything, a few entries at once.
async fn all(log: &impl LogEngine, most: usize) -> Vec<(u64, Entry)> {
    let (mut found, mut at) = (Vec::new(), beginning(log).await);
    loop {
        let (entries, up_to) = read(log, at, most).await;
        if up_to == at {
            return found;
        }
        found.extend(entries);
        at = up_to;
    }
}

/// A log with nothing in it: a reader at its end is told that it misses nothing, and stays where it is.
pub async fn an_empty_log_has_nothing_and_says_so(log: &Arc<impl LogEngine>) {
    let bounds = ok(log.bounds().await);
    assert!(bounds.oldest <= bounds.head);
    assert!(all(&**log, 10).await.is_empty());
    let head = Cursor::new(bounds.epoch, bounds.head);
    assert_eq!(read(&**log, head, 10).await, (Vec::new(), head));
}

/// Each entry has a position, and is read under its number.
pub async fn an_append_returns_the_positions_of_its_entries(log: &Arc<impl LogEngine>) {
    let entries = group("a", 5);
    let mut cursors = ok(log.append(&entries[..2]).await);
    cursors.extend(ok(log.append(&entries[2..]).await));
    let bounds = ok(log.bounds().await);
    assert!(cursors.iter().all(|cursor| cursor.epoch() == bounds.epoch));
    assert!(cursors.is_sorted_by(|one, next| one.seq() < next.seq()), "{cursors:?}");
    let numbers = cursors.iter().map(|cursor| cursor.seq());
    assert_eq!(all(&**log, 100).await, numbers.zip(entries).collect::<Vec<_>>());
    assert!(bounds.head >= cursors[4].seq() && bounds.oldest < cursors[0].seq(), "{bounds:?}");
    assert!(ok(log.append(&[]).await).is_empty());
}

/// Texts, targets and payloads of their own survive.
pub async fn entries_come_back_as_they_were(log: &Arc<impl LogEngine>) {
    let targets = vec![
        EntryTarget::new(vec!["a".into(), "b c".into()]),
        EntryTarget::new(vec![]).data(Some(r#"{"own":"\u0000 ä 🦀"}"#.into())),
    ];
    let large = format!(r#""{}""#, "x".repeat(200_000)).into();
    let entries = [Entry::new("/", "ä\n", "null".into()), Entry::new("a/:b", "created", large).targets(targets)];
    ok(log.append(&entries).await);
    let found: Vec<Entry> = all(&**log, 10).await.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(found, entries);
}

/// The result of the first append may be unknown.
pub async fn a_repeated_append_adds_nothing_and_returns_the_same_positions(log: &Arc<impl LogEngine>) {
    let entries = group("a", 4);
    let first = ok(log.append(&entries[..3]).await);
    assert_eq!(ok(log.append(&entries[..3]).await), first);
    let both = ok(log.append(&entries[1..]).await);
    assert_eq!(both[..2], first[1..]);
    assert!(both[2].seq() > first[2].seq());
    let found: Vec<Entry> = all(&**log, 10).await.into_iter().map(|(_, entry)| entry).collect();
    assert_eq!(found, entries);
}

/// However few entries are read at once, each is read once.
pub async fn a_log_is_read_in_parts_without_loss(log: &Arc<impl LogEngine>) {
    let entries = group("a", 20);
    for part in entries.chunks(3) {
        ok(log.append(part).await);
    }
    let whole = all(&**log, 100).await;
    assert_eq!(whole.iter().map(|(_, entry)| entry.clone()).collect::<Vec<_>>(), entries);
    for most in [1, 2, 7, 20] {
        assert_eq!(all(&**log, most).await, whole, "{most} at once");
    }
    let (number, _) = whole[9].clone();
    let epoch = ok(log.bounds().await).epoch;
    assert_eq!(read(&**log, Cursor::new(epoch, number), 100).await.0, whole[10..]);
}

/// Several processes append at the same time.
pub async fn the_entries_of_one_append_stay_together(log: &Arc<impl LogEngine>) {
    const TASKS: usize = 8;
    const SIZES: [usize; 4] = [3, 1, 300, 5];
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let log = log.clone();
            tokio::spawn(async move {
                for (round, size) in SIZES.into_iter().enumerate() {
                    ok(log.append(&group(&format!("{task}-{round}"), size)).await);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap_or_else(|error| panic!("{error}"));
    }
    let names: Vec<String> = all(&**log, 256).await.into_iter().map(|(_, entry)| entry.event.to_string()).collect();
    assert_eq!(names.len(), TASKS * SIZES.iter().sum::<usize>());
    let mut rest = &names[..];
    while let Some(first) = rest.first() {
        let (name, _) = first.rsplit_once('-').unwrap_or_default();
        let size = SIZES[name.rsplit_once('-').and_then(|(_, round)| round.parse::<usize>().ok()).unwrap_or_default()];
        let expected: Vec<String> = (0..size).map(|number| format!("{name}-{number}")).collect();
        assert_eq!(rest[..size.min(rest.len())], expected);
        rest = &rest[size..];
    }
}

/// What a reader is told to be complete stays complete while others write.
pub async fn a_reader_that_follows_misses_nothing(log: &Arc<impl LogEngine>) {
    const TASKS: usize = 6;
    const EACH: usize = 25;
    let mut at = beginning(&**log).await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let log = log.clone();
            tokio::spawn(async move {
                for round in 0..EACH {
                    ok(log.append(&group(&format!("{task}-{round}"), 1 + round % 3)).await);
                }
            })
        })
        .collect();
    let expected = TASKS * (0..EACH).map(|round| 1 + round % 3).sum::<usize>();
    let mut found = Vec::new();
    while found.len() < expected {
        let (entries, up_to) = read(&**log, at, 10).await;
        if up_to == at {
            let changed = tokio::time::timeout(PATIENCE, log.changed(at, &Interest::everything())).await;
            assert!(changed.is_ok(), "{} of {expected} entries have come", found.len());
        }
        found.extend(entries);
        at = up_to;
    }
    for task in tasks {
        task.await.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(found, all(&**log, 1_000).await);
    let keys: HashSet<u128> = found.iter().map(|(_, entry)| entry.key).collect();
    assert_eq!(keys.len(), expected, "each comes once");
}

/// A position in another log is none in this one.
pub async fn a_cursor_of_another_epoch_is_a_reset(log: &Arc<impl LogEngine>) {
    ok(log.append(&group("a", 3)).await);
    let bounds = ok(log.bounds().await);
    assert!(bounds.earlier.iter().all(|past| past.epoch != bounds.epoch && past.last <= bounds.head));
    let elsewhere = Cursor::new(Epoch::random(), bounds.oldest);
    let read = ok(log.read(elsewhere, 10, &Interest::everything()).await);
    assert!(matches!(read, LogRead::Reset(ResetReason::Epoch)), "{read:?}");
}

/// Whether the reader waits before or after the append.
pub async fn a_reader_that_waits_learns_of_what_comes(log: &Arc<impl LogEngine>) {
    let start = beginning(&**log).await;
    let waiting = {
        let log = log.clone();
        tokio::spawn(async move {
            let mut at = start;
            loop {
                let (entries, up_to) = read(&*log, at, 10).await;
                if !entries.is_empty() {
                    return entries;
                }
                at = up_to;
                log.changed(at, &Interest::everything()).await;
            }
        })
    };
    let entries = group("a", 1);
    ok(log.append(&entries).await);
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(Ok(found)) => assert_eq!(found[0].1, entries[0]),
        other => panic!("{other:?}"),
    }
    let changed = tokio::time::timeout(PATIENCE, log.changed(start, &Interest::everything())).await;
    assert!(changed.is_ok(), "there is something already");
}
