//! The in-memory store keeps the contract of stores, also where it has much to compare.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use feathers_core::{
    Change, Commit, Image, Memory, MemoryDatabase, MemoryStore, Query, QueryOptions, Record, Store, StoreContext,
};
use feathers_testing::{Note, Person, PersonData, PersonPatch, constraint_contract, store_contract};
use serde_json::{Value, json};
use tokio::time::Instant;

store_contract! {
    memory,
    people: async || Memory::<Person>::new(),
    notes: async || Memory::<Note>::new(),
}

constraint_contract! {
    memory_constraints,
    database: async || MemoryDatabase::new(),
}

/// How many records make a condition with some comparisons a long scan.
const MANY: i64 = 8_000;

fn person(number: i64) -> PersonData {
    PersonData { name: format!("name {}", number % 1_000), age: number % 100, ..PersonData::default() }
}

async fn filled() -> MemoryStore<Person> {
    let store = MemoryStore::<Person>::new(Person::schema());
    store.create((1..=MANY).map(person).collect(), &StoreContext::NONE).await.unwrap();
    store
}

fn query(raw: &Value) -> Query {
    Query::parse(raw.as_object().unwrap(), &Person::schema(), &QueryOptions::default(), false).unwrap()
}

/// A condition that is expensive, and holds for those whose age is below 10.
fn expensive() -> Query {
    let never: Vec<Value> = (0..20).map(|number| json!({ "name": format!("nobody {number}") })).collect();
    query(&json!({ "$or": [{ "age": { "$lt": 10 } }, { "$or": never }] }))
}

fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Keeps the only thread for blocking work busy until what it returns is dropped, so that no scan is over when it is
/// first polled.
fn hold_blocking_thread() -> mpsc::Sender<()> {
    let (until_dropped, dropped) = mpsc::channel();
    tokio::task::spawn_blocking(move || dropped.recv().is_err());
    until_dropped
}

/// Runs a test with one thread for blocking work.
fn with_one_thread(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(1).build().unwrap().block_on(test);
}

/// Polls once, and fails without an answer.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    poll(pin!(future)).expect("an answer at once")
}

#[test]
fn long_scans_leave_the_worker_and_hold_nobody_up() {
    with_one_thread(async {
        let (store, context) = (filled().await, StoreContext::NONE);
        let expensive = expensive();
        let busy = hold_blocking_thread();
        let mut finds: Vec<_> = (0..3).map(|_| Box::pin(store.find(&expensive, &StoreContext::NONE))).collect();
        assert!(finds.iter_mut().all(|find| poll(find.as_mut()).is_none()), "the scans are not done in place");

        // Quick queries are answered all the same, and changes do not wait either.
        let all = Query::default();
        assert_eq!(at_once(store.get(&7.into(), &all, &StoreContext::NONE)).unwrap().unwrap().age, 7);
        assert_eq!(at_once(store.find(&query(&json!({ "$limit": 2 })), &StoreContext::NONE)).unwrap().records.len(), 2);
        at_once(store.create(vec![person(1)], &context)).unwrap();
        at_once(store.remove(Some(&(MANY + 1).into()), &all, &context)).unwrap();

        drop(busy);
        for find in finds {
            assert_eq!(find.await.unwrap().records.len(), 800);
        }
    });
}

#[test]
fn long_scans_find_what_short_ones_find() {
    with_one_thread(async {
        let store = filled().await;
        for (sort, skip, limit, count) in [
            (json!({}), 0, None, false),
            (json!({}), 5, Some(7), true),
            (json!({}), 795, Some(10), false),
            (json!({ "age": -1, "name": 1 }), 0, Some(20), true),
            (json!({ "name": -1 }), 790, None, false),
            (json!({ "name": 1 }), 10, Some(0), true),
        ] {
            let mut wanted = expensive();
            wanted.sort = query(&json!({ "$sort": sort })).sort;
            (wanted.skip, wanted.limit, wanted.count) = (skip, limit, count);
            let busy = hold_blocking_thread();
            let mut find = Box::pin(store.find(&wanted, &StoreContext::NONE));
            assert!(poll(find.as_mut()).is_none(), "{wanted:?} is long");
            drop(busy);
            let found = find.await.unwrap();

            let mut expected: Vec<_> = at_once(store.find(&Query::default(), &StoreContext::NONE)).unwrap().records;
            expected.retain(|person| person.age < 10);
            assert_eq!(found.total, count.then_some(expected.len() as u64));
            match sort.as_object().unwrap().keys().next().map(String::as_str) {
                Some("age") => expected.sort_by(|a, b| b.age.cmp(&a.age).then_with(|| a.name.cmp(&b.name))),
                Some(_) if sort["name"] == 1 => expected.sort_by(|a, b| a.name.cmp(&b.name)),
                Some(_) => expected.sort_by(|a, b| b.name.cmp(&a.name)),
                None => {}
            }
            let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
            let ids = |people: &[std::sync::Arc<Person>]| people.iter().map(|person| person.id).collect::<Vec<_>>();
            let expected: Vec<_> = expected.into_iter().skip(usize::try_from(skip).unwrap()).take(limit).collect();
            assert_eq!(ids(&found.records), ids(&expected), "{sort} {skip} {limit}");
        }
    });
}

#[tokio::test]
async fn a_long_scan_ends_at_the_deadline_of_its_call() {
    let (store, expensive) = (filled().await, expensive());
    let passed = StoreContext::NONE.with_deadline(Some(Instant::now()));
    let error = store.find(&expensive, &passed).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (408, "The deadline of the call has passed"));
    let later = StoreContext::NONE.with_deadline(Some(Instant::now() + Duration::from_mins(1)));
    assert_eq!(store.find(&expensive, &later).await.unwrap().records.len(), 800);
    assert_eq!(store.get(&7.into(), &Query::default(), &passed).await.unwrap().unwrap().id, 7, "that takes no time");
}

#[test]
fn long_changes_leave_the_worker_and_change_all_or_nothing() {
    with_one_thread(async {
        let (store, commit) = (filled().await, Commit::recording());
        let context = StoreContext::NONE.with_commit(&commit);
        let expensive = expensive();
        let renamed = PersonPatch { name: Some("young".to_owned()), ..PersonPatch::default() };
        let busy = hold_blocking_thread();
        let mut patch = Box::pin(store.patch(None, renamed, &expensive, &context));
        assert!(poll(patch.as_mut()).is_none(), "it is not done in place");
        assert_eq!(at_once(store.get(&7.into(), &Query::default(), &StoreContext::NONE)).unwrap().unwrap().id, 7);
        drop(busy);
        let patched = patch.await.unwrap();
        assert!(patched.len() == 800 && patched.iter().all(|person| person.age < 10 && person.name == "young"));
        assert!(patched.is_sorted_by_key(|person| person.id));
        let names = |image: Option<&Image>| image.and_then(Image::record::<Person>).map(|person| person.name.clone());
        assert_eq!(commit.changes().len(), 800);
        for (change, person) in commit.changes().iter().zip(&patched) {
            let (before, after) = (names(change.before()), names(change.after()));
            assert_eq!((before, after), (Some(format!("name {}", person.id % 1_000)), Some("young".to_owned())));
        }

        let infinite = PersonPatch { score: Some(f64::INFINITY), ..PersonPatch::default() };
        assert!(store.patch(None, infinite, &expensive, &context).await.unwrap_err().is_bad_request());
        let changed = query(&json!({ "name": "young" }));
        assert_eq!(store.find(&changed, &StoreContext::NONE).await.unwrap().records.len(), 800);

        let commit = Commit::recording();
        let context = StoreContext::NONE.with_commit(&commit);
        let busy = hold_blocking_thread();
        let mut remove = Box::pin(store.remove(None, &changed, &context));
        assert!(poll(remove.as_mut()).is_none(), "it is not done in place");
        drop(busy);
        assert_eq!(remove.await.unwrap().len(), 800);
        let is_gone = |change: &Change| names(change.before()).is_some() && change.after().is_none();
        assert!(commit.changes().len() == 800 && commit.changes().iter().all(is_gone));
        assert_eq!(at_once(store.find(&Query::default(), &StoreContext::NONE)).unwrap().records.len(), 7_200);
    });
}
