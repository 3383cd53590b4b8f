//! The law behind the cases: after any history of calls, a store answers as the in-memory store does.
//!
//! Histories are random but repeatable: a failure names its seed and step.

use std::fmt;
use std::sync::Arc;

use feathers_core::{
    Comparison, FieldPath, FieldValue, Filter, Id, MemoryStore, Order, Query, Record, Result, Store, StoreContext,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::{patch, with};
use crate::{Person, PersonData};

const SEEDS: u64 = 4;
const STEPS: usize = 250;

/// A few histories, each from an empty table on.
pub async fn same_results_as_memory<S: Store<Record = Person>>(store: &Arc<S>) {
    let memory = MemoryStore::<Person>::new(Person::schema());
    for seed in 0..SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        for step in 0..STEPS {
            let call = Call::random(&mut random);
            let expected = call.run(&memory).await;
            let found = call.run(&**store).await;
            assert_eq!(found, expected, "seed {seed}, step {step}: {call:?}");
        }
        let everything = Call::Find(with(Query::default(), |query| query.count = true));
        assert_eq!(everything.run(&**store).await, everything.run(&memory).await, "seed {seed}, at the end");
    }
}

#[derive(Clone, Debug)]
enum Call {
    Find(Query),
    Get(Id, Query),
    Create(Vec<PersonData>),
    Update(Id, PersonData, Query),
    Patch(Option<Id>, Value, Query),
    Remove(Option<Id>, Query),
}

/// What a call gave, in a form that can be compared.
#[derive(PartialEq)]
enum Answer {
    People(Vec<Person>, Option<u64>),
    Error(u16, String),
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People(people, total) => {
                writeln!(f, "{} people, total {total:?}", people.len())?;
                people.iter().try_for_each(|person| writeln!(f, "  {person:?}"))
            }
            Self::Error(code, message) => write!(f, "{code} {message}"),
        }
    }
}

impl Call {
    async fn run<S: Store<Record = Person>>(&self, store: &S) -> Answer {
        let context = StoreContext::NONE;
        let one = |result: Result<Option<Arc<Person>>>| result.map(|found| (found.into_iter().collect(), None));
        let many = |result: Result<Vec<Arc<Person>>>| result.map(|found| (found, None));
        let result = match self.clone() {
            Self::Find(query) => {
                store.find(&query, &StoreContext::NONE).await.map(|found| (found.records, found.total))
            }
            Self::Get(id, query) => one(store.get(&id, &query, &StoreContext::NONE).await),
            Self::Create(data) => many(store.create(data, &context).await),
            Self::Update(id, data, query) => one(store.update(&id, data, &query, &context).await),
            Self::Patch(id, change, query) => many(store.patch(id.as_ref(), patch(change), &query, &context).await),
            Self::Remove(id, query) => many(store.remove(id.as_ref(), &query, &context).await),
        };
        match result {
            Ok((people, total)) => {
                Answer::People(people.iter().map(|person: &Arc<Person>| Person::clone(person)).collect(), total)
            }
            Err(error) => Answer::Error(error.code(), error.message().to_owned()),
        }
    }

    fn random(random: &mut StdRng) -> Self {
        match random.random_range(0..100) {
            0..50 => Self::Find(query(random)),
            50..55 => Self::Get(id(random), query(random)),
            55..80 => Self::Create((0..random.random_range(1..4)).map(|_| data(random)).collect()),
            80..86 => Self::Update(id(random), data(random), query(random)),
            86..94 => {
                let id = random.random_bool(0.6).then(|| id(random));
                Self::Patch(id, change(random), query(random))
            }
            94..98 => Self::Remove(Some(id(random)), query(random)),
            _ => Self::Remove(None, query(random)),
        }
    }
}

fn pick<T: Clone>(random: &mut StdRng, values: &[T]) -> T {
    values.choose(random).cloned().unwrap_or_else(|| panic!("nothing to pick from"))
}

fn id(random: &mut StdRng) -> Id {
    let number: i64 = random.random_range(-3..40);
    match random.random_range(0..8) {
        0 => Id::from(number.to_string()),
        1 => pick(random, &["07", "", "x", "-0"]).into(),
        _ => number.into(),
    }
}

fn text(random: &mut StdRng) -> String {
    pick(random, &["", "a", "A", "ab", "b", "é", "z", "10", "9", "null", "a\u{0}b", "\u{ffff}", "😀", "%", "'"])
        .to_owned()
}

fn integer(random: &mut StdRng) -> i64 {
    pick(random, &[-1, 0, 1, 2, 30, i64::MAX, i64::MIN, (1 << 53) + 1])
}

fn number(random: &mut StdRng) -> f64 {
    pick(random, &[-1.5, -0.0, 0.0, 0.1, 1.0, 2.0, 30.0, 1e300, -1e-300, 9_007_199_254_740_992.0, 9.3e18])
}

fn json(random: &mut StdRng) -> Value {
    match random.random_range(0..8) {
        0 => Value::Null,
        1 => json!(integer(random)),
        2 => json!(number(random)),
        3 => json!(text(random)),
        4 => json!(random.random_bool(0.5)),
        5 => json!([integer(random), text(random), null]),
        6 => json!({ "city": text(random), "n": number(random) }),
        _ => json!({ "city": null, "n": [integer(random), { "m": text(random) }] }),
    }
}

fn data(random: &mut StdRng) -> PersonData {
    PersonData {
        id: random.random_bool(0.2).then(|| random.random_range(-3..40)),
        name: text(random),
        age: integer(random),
        score: number(random),
        active: random.random_bool(0.5),
        nickname: random.random_bool(0.6).then(|| text(random)),
        info: json(random),
    }
}

fn change(random: &mut StdRng) -> Value {
    let mut change = serde_json::Map::new();
    for _ in 0..random.random_range(0..3) {
        let (name, value) = match random.random_range(0..7) {
            0 => ("id", json!(integer(random))),
            1 => ("name", json!(text(random))),
            2 => ("age", json!(integer(random))),
            3 => ("score", json!(number(random))),
            4 => ("active", json!(random.random_bool(0.5))),
            5 => ("nickname", pick(random, &[json!(null), json!("new")])),
            _ => ("info", json(random)),
        };
        change.insert(name.to_owned(), value);
    }
    Value::Object(change)
}

fn path(random: &mut StdRng) -> FieldPath {
    let paths = [
        "id",
        "name",
        "age",
        "score",
        "active",
        "nickname",
        "info",
        "info.city",
        "info.n",
        "info.n.0",
        "info.0",
        "info.n.1.m",
        "name.x",
        "unknown",
    ];
    FieldPath::new(pick(random, &paths), &Person::schema())
}

fn value(random: &mut StdRng) -> FieldValue {
    match random.random_range(0..12) {
        0 => FieldValue::Null,
        1 | 2 => FieldValue::Bool(random.random_bool(0.5)),
        3..6 => FieldValue::Int(integer(random)),
        6..8 => FieldValue::Float(number(random)),
        8..11 => FieldValue::Text(text(random).into()),
        _ => json(random).into(),
    }
}

fn comparison(random: &mut StdRng) -> Comparison {
    let list = |random: &mut StdRng| (0..random.random_range(0..5)).map(|_| value(random)).collect();
    match random.random_range(0..8) {
        0 => Comparison::Equal(value(random)),
        1 => Comparison::NotEqual(value(random)),
        2 => Comparison::In(list(random)),
        3 => Comparison::NotIn(list(random)),
        4 => Comparison::Less(value(random)),
        5 => Comparison::LessOrEqual(value(random)),
        6 => Comparison::Greater(value(random)),
        _ => Comparison::GreaterOrEqual(value(random)),
    }
}

fn filter(random: &mut StdRng, depth: u8) -> Filter {
    let parts = |random: &mut StdRng| (0..random.random_range(0..4)).map(|_| filter(random, depth - 1)).collect();
    match random.random_range(0..8) {
        0 => Filter::All,
        1 | 2 if depth > 0 => Filter::And(parts(random)),
        3 | 4 if depth > 0 => Filter::Or(parts(random)),
        _ => Filter::Field(path(random), comparison(random)),
    }
}

fn query(random: &mut StdRng) -> Query {
    let order = |random: &mut StdRng| pick(random, &[Order::Ascending, Order::Descending]);
    with(Query::default(), |query| {
        query.filter = if random.random_bool(0.2) { Filter::All } else { filter(random, 2) };
        query.sort = (0..random.random_range(0..3)).map(|_| (path(random), order(random))).collect();
        query.limit = random.random_bool(0.4).then(|| random.random_range(0..6));
        query.skip = if random.random_bool(0.3) { random.random_range(0..4) } else { 0 };
        query.count = random.random_bool(0.3);
    })
}
