//! The law behind the cases of constraints: after any history of writes, a database is as the one in memory.
//!
//! Histories are random but repeatable: a failure names its seed and step.

use std::collections::BTreeSet;
use std::sync::Arc;

use feathers_core::{Commit, Id, Memory, MemoryDatabase, Query, Record, Result, Store, StoreContext};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::references::Related;
use super::{ok, query};
use crate::{Account, Job, Org, Worker};

const SEEDS: u64 = 4;
const STEPS: usize = 250;

/// A write, as JSON, so that it fits every record.
#[derive(Clone, Debug)]
enum Write {
    Create(Vec<Value>),
    Update(Id, Value),
    Patch(Option<Id>, Value, Value),
    Remove(Option<Id>, Value),
}

/// What a write gave, in a form that can be compared: the records, and what has happened in other stores.
#[derive(Debug, PartialEq)]
enum Answer {
    Records(Vec<Value>, BTreeSet<String>),
    Error(u16, String),
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

fn written<R: Record>(records: &[Arc<R>]) -> Vec<Value> {
    let written = records.iter().map(|record| serde_json::to_value(&**record));
    written.map(|record| record.unwrap_or_else(|error| panic!("{error}"))).collect()
}

impl Write {
    async fn run<S: Store>(&self, store: &Arc<S>) -> Answer {
        let commit = Commit::recording();
        let context = StoreContext::NONE.with_commit(&commit);
        let all = Query::default();
        let result: Result<Vec<Arc<S::Record>>> = match self {
            Self::Create(data) => store.create(data.iter().map(read).collect(), &context).await,
            Self::Update(id, data) => {
                store.update(id, read(data), &all, &context).await.map(|one| one.into_iter().collect())
            }
            Self::Patch(id, patch, filter) => {
                let filter = query::<S::Record>(filter.clone());
                store.patch(id.as_ref(), read(patch), &filter, &context).await
            }
            Self::Remove(id, filter) => store.remove(id.as_ref(), &query::<S::Record>(filter.clone()), &context).await,
        };
        match result {
            Err(error) => Answer::Error(error.code(), error.message().to_owned()),
            Ok(records) => {
                let others = commit.others().iter().map(|other| {
                    let images = [other.change.before(), other.change.after()];
                    let json = images.map(|image| image.map(|image| image.payload().value().cloned()));
                    format!("{json:?}")
                });
                Answer::Records(written(&records), others.collect())
            }
        }
    }
}

async fn all<S: Store>(store: &Arc<S>) -> Vec<Value> {
    written(&ok(store.find(&Query::default(), &StoreContext::NONE).await).records)
}

fn one_of(random: &mut StdRng, values: &[Value]) -> Value {
    values.choose(random).cloned().unwrap_or_default()
}

/// Keeps some of the fields, as a patch does.
fn some_of(random: &mut StdRng, record: &Value) -> Value {
    let fields = record.as_object().into_iter().flatten();
    fields
        .filter(|(name, _)| *name != "id" && random.random_bool(0.4))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn account(random: &mut StdRng) -> Value {
    let emails = ["a", "A", "ä", "Ä", "ß", "SS", "ı", "I", "i", ""].map(Value::from);
    let phones = [json!(null), json!(null), json!(0.0), json!(-0.0), json!(1.5), json!(2)];
    let teams = [json!(null), json!(1), json!(2)];
    let names = ["x", "X", "y"].map(Value::from);
    json!({
        "email": one_of(random, &emails), "phone": one_of(random, &phones), "team": one_of(random, &teams),
        "name": one_of(random, &names), "age": random.random_range(0..3),
    })
}

/// Unique values are kept as in memory, with the same errors.
pub async fn unique_values_are_kept_as_in_memory<S: Store<Record = Account>>(store: &Arc<S>) {
    let memory = Memory::<Account>::new().store().clone();
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        for step in 0..STEPS {
            let random = &mut random;
            let id = random.random_bool(0.7).then(|| Id::from(random.random_range(1..40_i64)));
            let filter = json!({ "age": random.random_range(0..3) });
            let write = match random.random_range(0..8) {
                0..4 => Write::Create((0..random.random_range(1..3)).map(|_| account(random)).collect()),
                4 => Write::Update(id.unwrap_or_else(|| 1.into()), account(random)),
                5..7 => {
                    let record = account(random);
                    Write::Patch(id, some_of(random, &record), filter)
                }
                _ => Write::Remove(id, filter),
            };
            let (expected, found) = (write.run(&memory).await, write.run(store).await);
            assert_eq!(found, expected, "seed {seed}, step {step}: {write:?}");
        }
        assert_eq!(all(store).await, all(&memory).await, "seed {seed}, at the end");
    }
}

/// References are kept, and what refers to a removed record goes or changes, as in memory, with the same errors.
pub async fn references_are_kept_as_in_memory<O, W, J>(db: Related<O, W, J>)
where
    O: Store<Record = Org>,
    W: Store<Record = Worker>,
    J: Store<Record = Job>,
{
    let memory = MemoryDatabase::new();
    let (jobs, workers) = (ok(memory.store::<Job>().await), ok(memory.store::<Worker>().await));
    let orgs = ok(memory.store::<Org>().await);
    let (orgs, workers, jobs) = (orgs.store().clone(), workers.store().clone(), jobs.store().clone());
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        for step in 0..STEPS {
            let random = &mut random;
            let org = |random: &mut StdRng| json!(random.random_range(1..6));
            let names = ["a", "b", "c", "d", "e"].map(Value::from);
            let maybe = [names.as_slice(), &[json!(null), json!(null), json!(null)]].concat();
            let by_id = random.random_bool(0.6);
            let (write, which) = match random.random_range(0..12) {
                0..2 => (Write::Create(vec![json!({ "head": one_of(random, &maybe) })]), 0),
                2..5 => {
                    let worker =
                        json!({ "id": one_of(random, &names), "org": org(random), "boss": one_of(random, &maybe) });
                    (Write::Create(vec![worker]), 1)
                }
                5..8 => {
                    let job = json!({
                        "org": org(random), "worker": one_of(random, &names), "checked_by": one_of(random, &maybe),
                        "signed_by": one_of(random, &maybe),
                    });
                    let id = Id::from(random.random_range(1..30_i64));
                    let filter = json!({ "org": org(random) });
                    let write = match random.random_range(0..3) {
                        0 => Write::Create(vec![job]),
                        1 => Write::Update(id, job),
                        _ => Write::Patch(by_id.then_some(id), some_of(random, &job), filter),
                    };
                    (write, 2)
                }
                8 => {
                    let id = by_id.then(|| Id::from(one_of(random, &names).as_str().unwrap_or_default()));
                    let patch = json!({ "boss": one_of(random, &maybe), "org": org(random) });
                    (Write::Patch(id, some_of(random, &patch), json!({ "org": org(random) })), 1)
                }
                9 => {
                    let id = by_id.then(|| Id::from(one_of(random, &names).as_str().unwrap_or_default()));
                    (Write::Remove(id, json!({ "org": org(random) })), 1)
                }
                10 => (Write::Remove(Some(Id::from(random.random_range(1..30_i64))), json!({})), 2),
                _ => {
                    let id = by_id.then(|| Id::from(random.random_range(1..6_i64)));
                    (Write::Remove(id, json!({ "head": one_of(random, &maybe) })), 0)
                }
            };
            let (expected, found) = match which {
                0 => (write.run(&orgs).await, write.run(&db.orgs).await),
                1 => (write.run(&workers).await, write.run(&db.workers).await),
                _ => (write.run(&jobs).await, write.run(&db.jobs).await),
            };
            assert_eq!(found, expected, "seed {seed}, step {step}: {write:?}");
        }
        let expected = (all(&orgs).await, all(&workers).await, all(&jobs).await);
        let found = (all(&db.orgs).await, all(&db.workers).await, all(&db.jobs).await);
        assert_eq!(found, expected, "seed {seed}, at the end");
    }
}
