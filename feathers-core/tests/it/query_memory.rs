//! Queries on memory services: every answer recorded from the memory adapter of Feathers 5 is given here too.
//!
//! `data/memory-queries.txt` is the record; `data/memory-differences.json` lists what is meant to differ, with a
//! reason each. Anything else that differs fails.

use std::collections::HashMap;

use crate::query_support::Item;
use feathers_core::{
    App, AppHandle, Call, CrudOptions, Document, Encoding, Id, Memory, Method, Paginate, Params, Payload, Result,
};
use serde_json::{Value, json};

const GOLDEN: &str = include_str!("../data/memory-queries.txt");

async fn start() -> AppHandle {
    let paginate = Paginate::new(2).max(3);
    let only_max = Paginate::default().max(3);
    let mut app = App::new();
    app.service("m", Memory::<Document>::new().multi(true));
    app.service("p", Memory::<Document>::new().multi(true).paginate(paginate));
    app.service("pn", Memory::<Document>::new().paginate(only_max));
    app.service("pd", Memory::<Document>::new().paginate(Paginate::new(2)));
    app.service("pe", Memory::<Document>::new().paginate(Paginate::default()));
    app.service("nomulti", Memory::<Document>::new());
    app.service("w", Memory::<Document>::new().filters(["$populate", "$custom"]));
    app.service("v", Memory::<Item>::new().paginate(paginate));
    let app = app.start().await.unwrap();
    for service in ["m", "p", "pn", "pd", "pe", "w"] {
        for i in 0..5 {
            let mut record = json!({
                "id": i, "n": i, "name": format!("n{i}"), "nested": { "a": i }, "arr": [i, i + 1], "bool": i % 2 == 0,
            });
            if i == 2 {
                record["nul"] = Value::Null;
            }
            app.service(service).unwrap().create(record, ()).await.unwrap();
        }
    }
    for i in 0..5 {
        let record = json!({ "id": i, "n": i, "name": format!("n{i}") });
        app.service("v").unwrap().create(record, ()).await.unwrap();
    }
    app
}

/// A difference that is meant, by the left side of its line in the record.
fn differences() -> HashMap<String, Value> {
    let list: Vec<Value> = serde_json::from_str(include_str!("../data/memory-differences.json")).unwrap();
    list.into_iter()
        .map(|difference| {
            assert!(!difference["reason"].as_str().unwrap().is_empty());
            (difference["case"].as_str().unwrap().to_owned(), difference["ours"].clone())
        })
        .collect()
}

/// Compares all cases with what is expected, and shows all that differ at once.
#[derive(Default)]
struct Comparison {
    differences: HashMap<String, Value>,
    wrong: Vec<String>,
    cases: usize,
}

impl Comparison {
    fn check(&mut self, case: &str, recorded: &Value, ours: &Value) {
        self.cases += 1;
        let expected = self.differences.remove(case);
        if expected.as_ref() == Some(recorded) {
            self.wrong.push(format!("{case}: listed as a difference, but is none"));
        }
        let expected = expected.unwrap_or_else(|| recorded.clone());
        if *ours != expected {
            self.wrong.push(format!("{case}\n  recorded {recorded}\n  expected {expected}\n  ours     {ours}"));
        }
    }

    fn finish(self, cases: usize) {
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert_eq!(self.cases, cases);
    }
}

/// Returns the lines between a heading and the next.
fn section(heading: &str) -> impl Iterator<Item = &'static str> {
    let start = GOLDEN.lines().skip_while(move |line| *line != heading).skip(1);
    start.take_while(|line| !line.starts_with("-- "))
}

fn params(query: &str, options: &str) -> Params {
    let mut params = Params::query(serde_json::from_str(query).unwrap());
    let options: Value = serde_json::from_str(options).unwrap();
    // The adapter's own options come before those of the call.
    let paginate = options["adapter"].get("paginate").or_else(|| options.get("paginate"));
    match paginate {
        Some(Value::Bool(false)) => drop(params.insert(CrudOptions::unpaginated())),
        Some(paginate) => drop(params.insert(CrudOptions::paginated(paginate["default"].as_u64().unwrap()))),
        None => {}
    }
    params
}

fn ids(records: &Value) -> Value {
    records.as_array().unwrap().iter().map(|record| record["id"].clone()).collect()
}

/// Returns what a find gave in the form of the record: ids instead of records, errors as JSON.
fn shown(result: Result<Payload>) -> Value {
    match result {
        Ok(found) => match found.value().unwrap() {
            Value::Array(_) => ids(found.value().unwrap()),
            page => {
                let mut page = page.clone();
                page["data"] = ids(&page["data"]);
                page
            }
        },
        Err(error) => error.to_value(),
    }
}

/// Splits `m {query} {params}`; errors were recorded without the params.
fn split(case: &str) -> (&str, &str, &str) {
    let (service, rest) = case.split_once(' ').unwrap();
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
    values.next().unwrap().unwrap();
    let (query, options) = rest.split_at(values.byte_offset());
    (service, query, if options.trim().is_empty() { "{}" } else { options })
}

#[tokio::test]
async fn finds_what_feathers_finds() {
    let app = start().await;
    let mut comparison = Comparison { differences: differences(), ..Comparison::default() };
    for line in GOLDEN.lines().take_while(|line| *line != "-- methods") {
        let Some((case, recorded)) = line.split_once(" => ") else { continue };
        let (service, query, options) = split(case);
        let recorded: Value = match recorded.strip_prefix("ERR ") {
            // `name code json`; plain JavaScript errors have no code.
            Some(error) => serde_json::from_str(error.splitn(3, ' ').last().unwrap()).unwrap(),
            None => serde_json::from_str(recorded.trim_start_matches("ARR ")).unwrap(),
        };
        let ours = shown(app.service(service).unwrap().find(params(query, options)).await);
        comparison.check(case, &recorded, &ours);
    }
    comparison.finish(GOLDEN.lines().filter(|line| line.contains(" => ")).count());
}

#[tokio::test]
async fn selects_what_feathers_selects() {
    let app = start().await;
    let mut comparison = Comparison { differences: differences(), ..Comparison::default() };
    for line in section("-- select") {
        let mut values = serde_json::Deserializer::from_str(line).into_iter::<Value>();
        let mut query = values.next().unwrap().unwrap();
        let (case, recorded) = line.split_at(values.byte_offset());
        let recorded = serde_json::from_str(recorded).unwrap_or_else(|_| json!(recorded.trim()));
        query["$limit"] = json!(1);
        let ours = match app.service("m").unwrap().find(query).await {
            Ok(found) => found.value().unwrap()[0].clone(),
            Err(error) => error.to_value(),
        };
        comparison.check(&format!("select {case}"), &recorded, &ours);
    }
    comparison.finish(9);
}

fn call(result: Result<Payload>) -> Value {
    match result {
        Ok(payload) => payload.value().unwrap().clone(),
        Err(error) => json!(format!("ERR {} {} {} {}", error.name(), error.code(), error.message(), data(&error))),
    }
}

fn data(error: &feathers_core::Error) -> String {
    error.data().map_or_else(|| "undefined".to_owned(), Value::to_string)
}

fn count(result: Result<Payload>) -> Value {
    match call(result) {
        Value::Array(records) => json!(records.len()),
        other => other,
    }
}

/// Calls a method that needs an id without one, as a client can.
async fn without_id(app: &AppHandle, service: &str, method: Method, data: Value) -> Value {
    let route = app.lookup(service, Encoding::Plain).unwrap().unwrap();
    let reply = app.call(Call { route, method, id: None, data: data.into(), params: Params::new() }).await;
    call(reply.map(|reply| reply.result))
}

/// The calls of the record in its order; they build on one another.
async fn calls(app: &AppHandle) -> Vec<(&'static str, Value)> {
    let (m, nm, p) = (app.service("m").unwrap(), app.service("nomulti").unwrap(), app.service("p").unwrap());
    let q = |query: Value| Params::query(query);
    let none = || None::<Id>;
    vec![
        ("create arr", call(nm.create(json!([{}]), ()).await)),
        ("create []", call(nm.create(json!([]), ()).await)),
        ("patch null", call(nm.patch(none(), json!({}), ()).await)),
        ("remove null", call(nm.remove(none(), ()).await)),
        ("update null", without_id(app, "nomulti", Method::Update, json!({})).await),
        ("update null multi", without_id(app, "m", Method::Update, json!({})).await),
        ("get undefined", without_id(app, "nomulti", Method::Get, Value::Null).await),
        ("update arr", call(nm.update(1, json!([]), ()).await)),
        ("get 1 $limit 0", call(m.get(1, q(json!({ "$limit": 0 }))).await)),
        ("get $bad", call(m.get(1, q(json!({ "$bad": 0 }))).await)),
        ("get n: {$bad}", call(m.get(1, q(json!({ "n": { "$bad": 0 } }))).await)),
        ("create with id", call(nm.create(json!({ "id": "abc", "x": 1 }), ()).await)),
        ("create id 0", call(nm.create(json!({ "id": 0, "x": 1 }), ()).await)),
        ("create null", call(nm.create(Payload::NULL, ()).await)),
        ("create scalar", call(nm.create(json!("str"), ()).await)),
        ("create $bad query", call(nm.create(json!({}), q(json!({ "$bad": 1 }))).await)),
        ("create $select", call(nm.create(json!({ "a": 1, "b": 2 }), q(json!({ "$select": ["a"] }))).await)),
        ("create dup id", call(nm.create(json!({ "id": "abc", "y": 1 }), ()).await)),
        ("patch id in data", call(m.patch(Id::from(1), json!({ "id": 99, "z": 1 }), ()).await)),
        ("update id in data", call(m.update(1, json!({ "id": 99, "q": 1 }), ()).await)),
        ("update $select", call(m.update(2, json!({ "a": 1, "b": 1 }), q(json!({ "$select": ["a"] }))).await)),
        ("patch query mismatch", call(m.patch(Id::from(3), json!({ "z": 1 }), q(json!({ "n": 99 }))).await)),
        ("patch changing queried", call(m.patch(Id::from(3), json!({ "n": 50 }), q(json!({ "n": 3 }))).await)),
        ("patch multi w $limit", count(m.patch(none(), json!({ "lim": 1 }), q(json!({ "$limit": 1 }))).await)),
        (
            "patch multi $sort/$skip",
            ids(&call(m.patch(none(), json!({ "lim": 1 }), q(json!({ "$sort": { "id": -1 }, "$skip": 1 }))).await)),
        ),
        ("patch multi select", call(m.patch(none(), json!({ "lim": 2 }), q(json!({ "$select": ["lim"] }))).await)),
        ("remove multi $limit", count(m.remove(none(), q(json!({ "$limit": 1 }))).await)),
        ("remove multi empty", call(m.remove(none(), ()).await)),
        ("get string id", call(p.get("1", ()).await)),
        ("get 01", call(p.get("01", ()).await)),
        ("get \"toString\"", call(p.get("toString", ()).await)),
        ("get __proto__", call(p.get("__proto__", ()).await)),
    ]
}

#[tokio::test]
async fn answers_calls_as_feathers_does() {
    let app = start().await;
    let recorded: Vec<&str> = section("-- methods").collect();
    let mut comparison = Comparison { differences: differences(), ..Comparison::default() };
    for (case, ours) in calls(&app).await {
        let recorded = recorded.iter().find_map(|line| line.strip_prefix(case)?.strip_prefix(' ')).unwrap();
        let recorded = serde_json::from_str(recorded).unwrap_or_else(|_| json!(recorded));
        comparison.check(case, &recorded, &ours);
    }
    comparison.finish(32);
}

#[test]
fn every_difference_belongs_to_a_case() {
    for case in differences().keys() {
        let start = case.strip_prefix("select ").unwrap_or(case);
        assert!(GOLDEN.lines().any(|line| line.starts_with(start)), "{case} is in no line of the record");
    }
}
