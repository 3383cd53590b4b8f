//! Long scans: they leave the async workers, hold no lock while they compare, and end when their callers have gone.
//!
//! A scan reads the records as they were at one moment. A change of many looks at them like that too, and then, with
//! the lock, tests only those again that are not the same any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{MemoryStore, Place, Records, matches};
use crate::data::error::{Error, Result};
use crate::data::query::{FindResult, PageBuilder, Query};
use crate::data::record::Record;
use crate::store::{Aggregate, AggregateRow, Cancellation, StoreContext, Totals};

/// So many comparisons are made where they are asked for: about a millisecond.
const WORK: u64 = 100_000;
/// What it costs to sort one record by one field, and to change one, in comparisons.
const SORT: u64 = 8;
const CHANGE: u64 = 16;
/// What it costs to add one value to a total, or to find its group.
const TOTAL: u64 = 4;
/// How long a scan may take, the time in which it waits for others included.
const PATIENCE: Duration = Duration::from_secs(5);
/// After how many records it is looked whether the scan must end.
const LOOK: u32 = 64;

/// Returns what a find does with each record.
pub(super) fn cost(query: &Query) -> u64 {
    query.filter.cost() + cost_of_sort(query)
}

/// Returns what sorting does with each record.
pub(super) fn cost_of_sort(query: &Query) -> u64 {
    SORT * query.sort.len() as u64
}

/// Returns what a change of many does with each record.
pub(super) fn cost_of_change(query: &Query) -> u64 {
    query.filter.cost() + CHANGE
}

/// Returns what an aggregate does with each record.
pub(super) fn cost_of_aggregate(aggregate: &Aggregate, query: &Query) -> u64 {
    query.filter.cost() + TOTAL * (aggregate.measures().len() + aggregate.groups().len()) as u64
}

/// Tells whether an async worker is held too long by so many records at such a cost.
pub(super) fn is_long(records: usize, cost: u64) -> bool {
    (records as u64).saturating_mul(cost) > WORK
}

/// Half of the cores, for the long scans of one store. Clones are the same.
#[derive(Clone, Debug)]
pub(super) struct Turns(Arc<Semaphore>);

/// A scan that runs.
pub(super) struct Scan {
    cancellation: Cancellation,
    until: Instant,
    records: u32,
}

impl Scan {
    /// Fails if the scan must end; asked for every record.
    pub(super) fn check(&mut self) -> Result<()> {
        if self.records.is_multiple_of(LOOK) {
            self.cancellation.check()?;
            if Instant::now() > self.until {
                return Err(Error::timeout(format!("The store did not answer within {PATIENCE:?}: ask for less")));
            }
        }
        self.records = self.records.wrapping_add(1);
        Ok(())
    }
}

impl Turns {
    pub(super) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self(Arc::new(Semaphore::new((cores / 2).max(1))))
    }

    /// Runs a scan on a thread for blocking work. It ends early when the future is dropped, and at the deadline.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        context: &StoreContext<'_>,
        work: impl FnOnce(&mut Scan) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (cancellation, until_here) = context.cancellation();
        let mut scan = Scan { cancellation, until: Instant::now() + PATIENCE, records: 0 };
        let turn = self.0.clone().acquire_owned().await.map_err(Error::internal)?;
        let scanning = tokio::task::spawn_blocking(move || {
            let outcome = scan.check().and_then(|()| work(&mut scan));
            drop(turn);
            outcome
        });
        let outcome = scanning.await.map_err(Error::internal)?;
        // The scan ends when this future is dropped before.
        drop(until_here);
        outcome
    }
}

/// What a change makes of the records that match, before the lock is taken.
struct Draft<R, T> {
    seen: Vec<(Place, Arc<R>)>,
    /// For each of them, what becomes of it; `None` if it does not match.
    made: Vec<Option<T>>,
}

impl<R, T> Draft<R, T> {
    /// Returns what becomes of the records that match now.
    fn settle(self, records: &Records<R>, mut apply: impl FnMut(&R) -> Result<Option<T>>) -> Result<Vec<(Place, T)>> {
        let mut drafts = self.seen.into_iter().zip(self.made).peekable();
        let mut settled = Vec::new();
        for (place, record) in &records.ordered {
            while drafts.next_if(|((drafted, _), _)| drafted < place).is_some() {}
            let made = match drafts.next_if(|((drafted, _), _)| drafted == place) {
                Some(((_, seen), made)) if Arc::ptr_eq(&seen, record) => made,
                _ => apply(record)?,
            };
            settled.extend(made.map(|made| (*place, made)));
        }
        Ok(settled)
    }
}

impl<R: Record> MemoryStore<R> {
    /// Finds on another thread.
    pub(super) async fn find_long(&self, query: &Query, context: &StoreContext<'_>) -> Result<FindResult<R>> {
        let (store, query) = (self.clone(), query.clone());
        let find = move |scan: &mut Scan| {
            let all: Vec<_> = store.read(|records| records.ordered.values().cloned().collect());
            let mut page = PageBuilder::new(&query, query.sort.is_empty());
            for record in all {
                scan.check()?;
                if page.is_full() {
                    break;
                }
                if matches(&*record, &query.filter) {
                    page.push(record);
                }
            }
            Ok(page.finish())
        };
        self.turns.run(context, find).await
    }

    /// Computes on another thread.
    pub(super) async fn aggregate_long(
        &self,
        mut totals: Totals,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Vec<AggregateRow>> {
        let (store, filter) = (self.clone(), query.filter.clone());
        let compute = move |scan: &mut Scan| {
            let all: Vec<_> = store.read(|records| records.ordered.values().cloned().collect());
            for record in all {
                scan.check()?;
                if matches(&*record, &filter) {
                    totals.add(&*record);
                }
            }
            totals.finish()
        };
        self.turns.run(context, compute).await
    }

    /// Changes all that match, on another thread.
    pub(super) async fn patch_long(
        &self,
        patch: R::PatchDraft,
        query: &Query,
        context: &StoreContext<'_>,
    ) -> Result<Vec<Arc<R>>> {
        let (store, query, commit) = (self.clone(), query.clone(), context.commit().clone());
        let change = move |scan: &mut Scan| {
            let apply = |record: &R| {
                if !matches(record, &query.filter) {
                    return Ok(None);
                }
                let mut changed = record.clone();
                changed.apply(store.schema.id, &patch)?;
                store.check(&changed)?;
                Ok(Some(Arc::new(changed)))
            };
            let draft = store.draft(scan, apply)?;
            store.write(|records| {
                let settled = draft.settle(records, apply)?;
                store.put(records, &settled, &commit)?;
                Ok(settled.into_iter().map(|(_, record)| record).collect())
            })
        };
        self.turns.run(context, change).await
    }

    /// Removes all that match, on another thread.
    pub(super) async fn remove_long(&self, query: &Query, context: &StoreContext<'_>) -> Result<Vec<Arc<R>>> {
        let (store, query, commit) = (self.clone(), query.clone(), context.commit().clone());
        let change = move |scan: &mut Scan| {
            if store.is_referred() {
                return store.remove_related(None, &query, &commit);
            }
            let apply = |record: &R| Ok(matches(record, &query.filter).then_some(()));
            let draft = store.draft(scan, apply)?;
            store.write(|records| {
                let places: Vec<_> = draft.settle(records, apply)?.into_iter().map(|(place, ())| place).collect();
                store.take(records, &places, &commit)
            })
        };
        self.turns.run(context, change).await
    }

    fn draft<T>(&self, scan: &mut Scan, mut apply: impl FnMut(&R) -> Result<Option<T>>) -> Result<Draft<R, T>> {
        let seen: Vec<_> =
            self.read(|records| records.ordered.iter().map(|(place, record)| (*place, record.clone())).collect());
        let mut made = Vec::with_capacity(seen.len());
        for (_, record) in &seen {
            scan.check()?;
            made.push(apply(record)?);
        }
        Ok(Draft { seen, made })
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use serde_json::json;

    use super::*;
    use crate::data::query::QueryOptions;
    use crate::data::record::Document;
    use crate::store::{CancelOnDrop, Store};

    fn poll<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    fn scan(until: Instant) -> (Scan, CancelOnDrop) {
        let (cancellation, waiting) = StoreContext::NONE.cancellation();
        (Scan { cancellation, until, records: 0 }, waiting)
    }

    #[tokio::test]
    async fn a_scan_ends_when_nobody_waits_for_it() {
        let (running, begun) = mpsc::channel();
        let (code, ended) = mpsc::channel();
        let turns = Turns::new();
        {
            let mut scanning = pin!(turns.run(&StoreContext::NONE, move |scan| {
                running.send(()).unwrap();
                let error = loop {
                    if let Err(error) = scan.check() {
                        break error;
                    }
                };
                code.send(error.code()).unwrap();
                Ok(())
            }));
            assert!(poll(scanning.as_mut()).is_none());
            begun.recv_timeout(Duration::from_mins(1)).unwrap();
            assert!(ended.try_recv().is_err());
        }
        assert_eq!(ended.recv_timeout(Duration::from_secs(4)), Ok(408), "before its time is over");
    }

    #[tokio::test]
    async fn a_scan_that_takes_too_long_is_a_408() {
        let (mut scan, _waiting) = scan(Instant::now());
        std::thread::sleep(Duration::from_millis(2));
        let error = scan.check().unwrap_err();
        assert_eq!((error.code(), error.message()), (408, "The store did not answer within 5s: ask for less"));
    }

    #[tokio::test]
    async fn a_change_of_many_tests_again_what_has_changed_meanwhile() {
        let store = MemoryStore::<Document>::new(Document::schema());
        let context = StoreContext::NONE;
        let record = |n: i64| serde_json::from_value(json!({ "n": n })).unwrap();
        store.create((0..5).map(|_| record(1)).collect(), &context).await.unwrap();
        let raw = json!({ "n": 1 });
        let query = Query::parse(raw.as_object().unwrap(), store.schema(), &QueryOptions::default(), false).unwrap();
        let apply = |record: &Document| Ok(matches(record, &query.filter).then_some(()));
        let (mut scan, _waiting) = scan(Instant::now() + Duration::from_mins(1));
        let draft = store.draft(&mut scan, apply).unwrap();

        let all = Query::default();
        store.patch(Some(&2.into()), record(2), &all, &context).await.unwrap();
        store.remove(Some(&3.into()), &all, &context).await.unwrap();
        store.update(&4.into(), record(1), &all, &context).await.unwrap();
        store.create(vec![record(1), record(2)], &context).await.unwrap();

        let settled = store.write(|records| draft.settle(records, apply)).unwrap();
        let places: Vec<Place> = settled.into_iter().map(|(place, ())| place).collect();
        assert_eq!(places, [1, 4, 5, 6].map(Place::Number));
    }
}
