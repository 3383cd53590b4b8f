//! Types: a store answers queries on a record with every type as the in-memory store does.
//!
//! Queries are random but repeatable: a failure names its number.

use std::sync::Arc;

use feathers_core::{
    Comparison, DataType, FieldPath, FieldValue, Filter, FixedPoint, MemoryStore, Order, Query, QueryOptions, Record,
    Store, StoreContext,
};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Map, Value, json};

use super::{ok, with};
use crate::{Everything, EverythingPatch};

/// How many queries are compared.
const QUERIES: usize = 10_000;
/// After so many queries some records change.
const UNCHANGED: usize = 250;

/// Both stores find the same records, count the same, and keep the same values, `null`s included.
pub async fn same_queries_as_memory<S: Store<Record = Everything>>(store: &Arc<S>) {
    let memory = MemoryStore::<Everything>::new(Everything::schema());
    let mut random = StdRng::seed_from_u64(14);
    let mut refused = 0;
    for number in 0..QUERIES {
        if number % UNCHANGED == 0 {
            change(&mut random, &memory, &**store).await;
        }
        // What a client can write, and what only conditions from inside can be: a value of another type than the field.
        let query = if random.random_bool(0.5) {
            let raw = raw(&mut random);
            match Query::parse(&raw, &Everything::schema(), &QueryOptions::default(), true) {
                Ok(query) => with(query, |query| query.count = true),
                Err(error) => {
                    assert_eq!(error.code(), 400, "query {number}: {raw:?}");
                    refused += 1;
                    continue;
                }
            }
        } else {
            typed(&mut random)
        };
        let expected = ok(memory.find(&query, &StoreContext::NONE).await);
        let found = ok(store.find(&query, &StoreContext::NONE).await);
        assert_eq!(found.total, expected.total, "query {number}: {query:?}");
        assert_eq!(found.records, expected.records, "query {number}: {query:?}");
    }
    assert!(refused < QUERIES / 4, "{refused} queries were refused");
}

/// Changes the same records in both stores.
async fn change(random: &mut StdRng, memory: &MemoryStore<Everything>, store: &impl Store<Record = Everything>) {
    let context = StoreContext::NONE;
    let new: Vec<_> = (0..6).map(|_| record(random)).collect();
    let kept = ok(memory.create(new.clone(), &context).await);
    assert_eq!(ok(store.create(new, &context).await), kept);
    let (query, fields) = (typed(random), Everything::FIELDS);
    let place = random.random_range(0..fields.len());
    let patch = EverythingPatch(vec![(place, value(random, fields[place].data_type))]);
    let kept = ok(memory.patch(None, patch.clone(), &query, &context).await);
    assert_eq!(ok(store.patch(None, patch, &query, &context).await), kept, "{query:?}");
    if random.random_bool(0.3) {
        let query = typed(random);
        let gone = ok(memory.remove(None, &query, &context).await);
        assert_eq!(ok(store.remove(None, &query, &context).await), gone, "{query:?}");
    }
}

fn pick<T: Clone>(random: &mut StdRng, values: &[T]) -> T {
    values.choose(random).cloned().unwrap_or_else(|| panic!("nothing to pick from"))
}

fn record(random: &mut StdRng) -> Everything {
    let values = Everything::FIELDS.iter().map(|field| match random.random_range(0..5) {
        0 => FieldValue::Null,
        _ => value(random, field.data_type),
    });
    Everything { id: 0, values: values.collect() }
}

/// Makes a value that a field of this type can hold.
fn value(random: &mut StdRng, kind: DataType) -> FieldValue {
    let text = |text: &str| FieldValue::Text(text.into());
    match kind {
        DataType::Boolean => FieldValue::Bool(random.random_bool(0.5)),
        DataType::Integer => FieldValue::Int(pick(random, &[i64::MIN, -1, 0, 1, 2, (1 << 53) + 1, i64::MAX])),
        DataType::Number => FieldValue::Float(pick(random, &[-1.5, -0.0, 0.0, 0.1, 1.0, 2.0, 9.3e18, -1e-300])),
        DataType::Instant => {
            let first_and_last = [-62_167_219_200_000_000, 253_402_300_799_999_999];
            FieldValue::Instant(pick(random, &[first_and_last[0], -1, 0, 500_000, 1_000_000, first_and_last[1]]))
        }
        DataType::Date => text(pick(random, &["0000-01-01", "1969-12-31", "2026-11-30", "2026-12-01", "9999-12-31"])),
        DataType::Time => text(pick(random, &["00:00:00", "09:00:00", "09:00:00.5", "09:00:00.45", "23:59:59.999999"])),
        DataType::Duration => FieldValue::Duration(pick(random, &[-1, 0, 1, 500_000, 3_600_000_000, i64::MAX])),
        DataType::Decimal(scale) => {
            let units = pick(random, &[-1, 0, 1, 10, 100, 999, 1_000]);
            FieldValue::Decimal(
                FixedPoint::new(units, random.random_range(0..=scale)).unwrap_or_else(|| panic!("places")),
            )
        }
        DataType::Enum(words) => text(pick(random, words)),
        DataType::Bytes => FieldValue::Bytes(pick(random, &[&b""[..], &[0], &[0, 255], &[255], b"a"]).into()),
        DataType::Uuid => {
            text(pick(random, &["00000000-0000-0000-0000-000000000000", "67e55044-10b1-426f-9247-bb680e5fe0c8"]))
        }
        DataType::List(item) => {
            FieldValue::Json((0..random.random_range(0..3)).map(|_| value(random, *item).to_json()).collect())
        }
        DataType::Object(_) => {
            FieldValue::Json(json!({ "city": pick(random, &["Oslo", "Rome"]), "n": random.random_range(0..3) }))
        }
        DataType::Json => {
            pick(random, &[json!(1), json!(1.5), json!("a"), json!(true), json!(["a", 1]), json!({ "n": 1 })]).into()
        }
        _ => text(pick(random, &["", "a", "A", "ab", "é", "z", "10", "9", "\u{ffff}", "😀", "'"])),
    }
}

/// Makes a value to compare with, mostly of the type of the field.
fn operand(random: &mut StdRng, kind: DataType) -> FieldValue {
    match random.random_range(0..12) {
        0 => FieldValue::Null,
        1 => {
            let other = pick(random, Everything::FIELDS).data_type;
            value(random, other)
        }
        // More places than the field has.
        2 => {
            FieldValue::Decimal(FixedPoint::new(pick(random, &[5, 995, 1_000]), 3).unwrap_or_else(|| panic!("places")))
        }
        _ => match kind {
            DataType::List(item) if random.random_bool(0.7) => value(random, *item),
            kind => value(random, kind),
        },
    }
}

fn path(random: &mut StdRng) -> (&'static str, DataType) {
    if random.random_range(0..8) > 0 {
        let field = pick(random, Everything::FIELDS);
        return (field.name, field.data_type);
    }
    let inside = [
        ("id", DataType::Integer),
        ("object.city", DataType::String),
        ("object.n", DataType::Integer),
        ("json.n", DataType::Integer),
        ("list.0", DataType::String),
        ("instant.x", DataType::Integer),
    ];
    pick(random, &inside)
}

fn comparison(random: &mut StdRng, kind: DataType) -> Comparison {
    let list = |random: &mut StdRng| (0..random.random_range(0..4)).map(|_| operand(random, kind)).collect();
    match random.random_range(0..8) {
        0 => Comparison::Equal(operand(random, kind)),
        1 => Comparison::NotEqual(operand(random, kind)),
        2 => Comparison::In(list(random)),
        3 => Comparison::NotIn(list(random)),
        4 => Comparison::Less(operand(random, kind)),
        5 => Comparison::LessOrEqual(operand(random, kind)),
        6 => Comparison::Greater(operand(random, kind)),
        _ => Comparison::GreaterOrEqual(operand(random, kind)),
    }
}

fn filter(random: &mut StdRng, depth: u8) -> Filter {
    let parts = |random: &mut StdRng| (0..random.random_range(1..4)).map(|_| filter(random, depth - 1)).collect();
    match random.random_range(0..8) {
        0 | 1 if depth > 0 => Filter::And(parts(random)),
        2 | 3 if depth > 0 => Filter::Or(parts(random)),
        _ => {
            let (path, kind) = path(random);
            Filter::Field(FieldPath::new(path, &Everything::schema()), comparison(random, kind))
        }
    }
}

/// A query as conditions from inside can be.
fn typed(random: &mut StdRng) -> Query {
    let order = |random: &mut StdRng| pick(random, &[Order::Ascending, Order::Descending]);
    with(Query::default(), |query| {
        query.filter = filter(random, 2);
        let sort = (0..random.random_range(0..3)).map(|_| (path(random).0, order(random)));
        query.sort = sort.map(|(path, order)| (FieldPath::new(path, &Everything::schema()), order)).collect();
        query.limit = random.random_bool(0.4).then(|| random.random_range(0..6));
        query.skip = if random.random_bool(0.3) { random.random_range(0..4) } else { 0 };
        query.count = random.random_bool(0.5);
    })
}

/// A query as a client writes it, which may ask for what a type cannot do.
fn raw(random: &mut StdRng) -> Map<String, Value> {
    let mut raw = Map::new();
    for _ in 0..random.random_range(1..3) {
        let field = pick(random, Everything::FIELDS);
        let one = |random: &mut StdRng| match random.random_range(0..8) {
            0 => Value::Null,
            _ => match field.data_type {
                DataType::List(item) if random.random_bool(0.7) => value(random, *item).to_json(),
                kind => value(random, kind).to_json(),
            },
        };
        let operator = pick(random, &["", "$ne", "$in", "$nin", "$lt", "$lte", "$gt", "$gte"]);
        let condition = match operator {
            "" => one(random),
            "$in" | "$nin" => json!({ operator: [one(random), one(random)] }),
            operator => json!({ operator: one(random) }),
        };
        raw.insert(field.name.to_owned(), condition);
    }
    if random.random_bool(0.5) {
        let sort = pick(random, Everything::FIELDS).name;
        raw.insert("$sort".to_owned(), json!({ sort: pick(random, &[1, -1]) }));
    }
    raw
}
