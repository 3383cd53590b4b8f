//! The types of fields beside numbers, texts and JSON: data, answers, queries and refusals, in memory and in SQLite.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use feathers::call::Provider;
use feathers::prelude::*;
use feathers::query::qs;
use feathers::schema::{DataType, Record};
use feathers::{Bytes, Duration, FieldType};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

/// How urgent a ticket is; by its text `urgent` would come after `low`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, FieldType)]
#[serde(rename_all = "kebab-case")]
enum Priority {
    Low,
    #[serde(rename = "normal", alias = "medium")]
    Middle,
    VeryUrgent,
}

/// A record with every type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    #[service(id)]
    id: Uuid,
    priority: Priority,
    due_at: Option<Timestamp>,
    day: Option<jiff::civil::Date>,
    time: Option<jiff::civil::Time>,
    spent: Option<Duration>,
    #[service(scale = 2, range(0..=1000))]
    cost: Option<Decimal>,
    #[service(length(..=4))]
    key: Option<Bytes>,
    owner: Option<Uuid>,
    #[service(length(..=3))]
    tags: Vec<String>,
    levels: Option<Vec<Priority>>,
    seen: Option<Vec<Timestamp>>,
}

/// The types of `chrono`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Visit {
    #[service(id)]
    id: i64,
    at: DateTime<Utc>,
    day: NaiveDate,
    time: NaiveTime,
    days: Vec<NaiveDate>,
}

/// Runs a check on a service in memory, and on one in SQLite.
async fn each_store(check: impl AsyncFn(&AppHandle, &str)) {
    for store in ["memory", "sqlite"] {
        let mut app = App::new();
        if store == "memory" {
            app.service("tickets", Memory::<Ticket>::new());
            app.service("visits", Memory::<Visit>::new());
        } else {
            let database = Database::connect("sqlite::memory:").await.unwrap();
            app.service("tickets", database.store::<Ticket>().await.unwrap());
            app.service("visits", database.store::<Visit>().await.unwrap());
        }
        check(&app.start().await.unwrap(), store).await;
    }
}

fn over(provider: Provider, query: Value) -> Params {
    let mut params = Params::query(query);
    params.provider = Some(provider);
    params
}

/// Makes a ticket with other values in these fields.
fn ticket(other: &Value) -> Value {
    let mut ticket = json!({ "priority": "low", "tags": [] });
    let (Value::Object(ticket_fields), Value::Object(other)) = (&mut ticket, other) else { panic!("objects") };
    ticket_fields.extend(other.clone());
    ticket
}

async fn create(app: &AppHandle, data: &Value) -> Result<Value> {
    let created = app.service("tickets")?.create(ticket(data), over(Provider::REST, json!({}))).await?;
    Ok(created.value()?.clone())
}

/// Returns the first tags of the tickets that match.
async fn find(app: &AppHandle, provider: Provider, query: Value) -> Result<String> {
    let found = app.service("tickets")?.find(over(provider, query)).await?;
    let found = found.value()?.as_array().cloned().unwrap_or_default();
    Ok(found.iter().filter_map(|ticket| ticket["tags"][0].as_str()).collect())
}

async fn find_text(app: &AppHandle, query: &str) -> Result<String> {
    find(app, Provider::REST, Value::Object(qs::parse(query)?)).await
}

/// Returns the first item of a refusal: its place and its message.
fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (String, String) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), 400, "{error:?}");
    let item = error.data().unwrap()[0].clone();
    let text = |name: &str| item[name].as_str().unwrap().to_owned();
    let allowed = &item["params"]["allowedValues"];
    let message = if allowed.is_null() { text("message") } else { format!("{}: {allowed}", text("message")) };
    (text("instancePath"), message)
}

#[tokio::test]
async fn values_come_back_in_one_form() {
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let sent = json!({
        "priority": "very-urgent",
        "dueAt": "2026-11-30T21:15:00.1234567+01:00",
        "day": "2026-11-30",
        "time": "08:30:00.1234567",
        "spent": "P1DT90M",
        "cost": "19.9",
        "key": "aGV5",
        "owner": id.to_uppercase(),
        "tags": ["a", "b"],
        "levels": ["low", "medium"],
        "seen": ["2026-11-30T20:15:00.5Z", "1969-12-31T23:59:59.9999999Z"],
    });
    let kept = json!({
        "priority": "very-urgent",
        "dueAt": "2026-11-30T20:15:00.123456Z",
        "day": "2026-11-30",
        "time": "08:30:00.123456",
        "spent": "PT25H30M",
        "cost": "19.90",
        "key": "aGV5",
        "owner": id,
        "tags": ["a", "b"],
        "levels": ["low", "normal"],
        "seen": ["2026-11-30T20:15:00.5Z", "1969-12-31T23:59:59.999999Z"],
    });
    each_store(async |app, store| {
        let mut created = create(app, &sent).await.unwrap();
        let id = created.as_object_mut().unwrap().shift_remove("id").unwrap();
        assert_eq!(created, kept, "{store}");
        let tickets = app.service("tickets").unwrap();
        let id = id.as_str().unwrap();
        for id in [id.to_owned(), id.to_uppercase()] {
            let mut found = tickets.get(id, ()).await.unwrap().value().unwrap().clone();
            found.as_object_mut().unwrap().shift_remove("id");
            assert_eq!(found, kept, "{store}");
        }
        // Numbers are taken for decimals, and `null` is a value.
        let patch = json!({ "cost": 7, "spent": null, "dueAt": "2026-01-01T00:00:00Z" });
        let patched = tickets.patch(Id::from(id), patch, ()).await.unwrap().value().unwrap().clone();
        assert_eq!(
            (&patched["cost"], &patched["spent"], &patched["dueAt"]),
            (&json!("7.00"), &Value::Null, &json!("2026-01-01T00:00:00Z")),
            "{store}"
        );
        let patched = tickets.patch(Id::from(id), json!({ "cost": 0.05 }), ()).await.unwrap().value().unwrap().clone();
        assert_eq!(patched["cost"], "0.05", "{store}");
        let updated = tickets.update(id, ticket(&json!({ "cost": "3" })), ()).await.unwrap().value().unwrap().clone();
        assert_eq!((&updated["cost"], &updated["levels"]), (&json!("3.00"), &Value::Null), "{store}");
        // No record has such an id, and none may.
        assert_eq!(tickets.get("nothing", ()).await.unwrap_err().code(), 404, "{store}");
        assert_eq!(refusal(create(app, &json!({ "owner": "me" })).await).0, "/owner", "{store}");
    })
    .await;
}

#[tokio::test]
async fn types_of_chrono_are_fields_too() {
    each_store(async |app, store| {
        let visits = app.service("visits").unwrap();
        let sent = json!({
            "at": "2026-11-30T21:15:00.1234567+01:00", "day": "2026-11-30", "time": "08:30:00.5", "days": ["2026-01-02"],
        });
        visits.create(sent, ()).await.unwrap();
        let found = visits.get(1, ()).await.unwrap().value().unwrap().clone();
        let kept = json!({
            "id": 1, "at": "2026-11-30T20:15:00.123456Z", "day": "2026-11-30", "time": "08:30:00.500",
            "days": ["2026-01-02"],
        });
        assert_eq!(found, kept, "{store}");
        for (query, expected) in [
            ("at=2026-11-30T20:15:00.123456Z", 1),
            ("at[$gt]=2026-11-30T20:15:00Z", 1),
            ("at[$gt]=2026-11-30T20:15:00.5Z", 0),
            ("day[$lte]=2026-11-30", 1),
            ("time=08:30:00.500", 1),
            ("days=2026-01-02", 1),
            ("days=2026-01-03", 0),
        ] {
            let params = over(Provider::REST, Value::Object(qs::parse(query).unwrap()));
            let found = visits.find(params).await.unwrap();
            assert_eq!(found.value().unwrap().as_array().unwrap().len(), expected, "{store}: {query}");
        }
    })
    .await;
}

/// Four tickets, `a` to `d`, each larger than the one before; `e` has nulls.
async fn seed(app: &AppHandle) {
    for ticket in [
        json!({
            "tags": ["a", "x"], "priority": "low", "dueAt": "2026-11-30T12:00:00Z", "day": "2026-11-30",
            "time": "09:00:00", "spent": "PT30M", "cost": "9.99", "key": "AA==", "levels": ["low"],
        }),
        json!({
            "tags": ["b"], "priority": "normal", "dueAt": "2026-11-30T12:00:00.5Z", "day": "2026-12-01",
            "time": "09:00:00.5", "spent": "PT1H", "cost": 10, "key": "/w==", "levels": ["low", "very-urgent"],
        }),
        json!({
            "tags": ["c", "x"], "priority": "very-urgent", "dueAt": "2026-11-30T13:00:00+00:30", "day": "2027-01-01",
            "time": "10:00:00", "spent": "P1D", "cost": "100.5", "key": "", "levels": [],
        }),
        json!({ "tags": ["d"], "priority": "very-urgent", "dueAt": "2100-01-01T00:00:00Z", "spent": "-PT1H" }),
    ] {
        create(app, &ticket).await.unwrap();
    }
    create(app, &json!({ "tags": ["e"] })).await.unwrap();
}

#[tokio::test]
async fn queries_compare_values_and_not_texts() {
    each_store(async |app, store| {
        seed(app).await;
        for (query, expected) in [
            ("dueAt=2026-11-30T13:00:00.5%2B01:00", "b"),
            ("dueAt[$gt]=2026-11-30T12:00:00Z", "bcd"),
            ("dueAt[$lte]=2026-11-30T12:00:00.5Z", "ab"),
            ("dueAt[$in][]=2026-11-30T12:00:00Z&dueAt[$in][]=2026-11-30T12:30:00Z", "ac"),
            ("dueAt=", "e"),
            ("dueAt[$ne]=", "abcd"),
            ("$sort[dueAt]=-1", "dcbae"),
            ("day[$gte]=2026-12-01", "bc"),
            ("$sort[day]=1&day[$ne]=", "abc"),
            ("time[$gt]=09:00", "bc"),
            ("spent[$gt]=PT59M", "bc"),
            ("spent=PT60M", "b"),
            ("$sort[spent]=1", "edabc"),
            ("cost=10.0", "b"),
            ("cost[$gt]=9.995", "bc"),
            ("cost[$lt]=9.995", "a"),
            ("cost[$ne]=9.995", "abcde"),
            ("cost[$in][]=9.990&cost[$in][]=1.005e2", "ac"),
            ("$sort[cost]=-1", "cbade"),
            ("key=/w==", "b"),
            ("key=%2Fw", "b"),
            ("priority=normal", "b"),
            ("priority[$gt]=low", "bcd"),
            ("priority[$lte]=normal", "abe"),
            ("priority[$in][]=low&priority[$in][]=normal", "abe"),
            ("$sort[priority]=-1&$sort[cost]=-1", "cdbae"),
            ("tags=x", "ac"),
            ("tags[$ne]=x", "bde"),
            ("tags[$in][]=b&tags[$in][]=d", "bd"),
            ("tags[]=a&tags[]=x", "a"),
            ("tags.0=b", "b"),
            ("levels=very-urgent", "b"),
            ("levels=", "de"),
            ("$sort[tags.0]=-1", "edcba"),
        ] {
            assert_eq!(find_text(app, query).await.as_deref(), Ok(expected), "{store}: {query}");
        }
        for (query, expected) in [
            (json!({ "cost": { "$gt": 10 } }), "c"),
            (json!({ "cost": 9.99 }), "a"),
            (json!({ "cost": null }), "de"),
            (json!({ "dueAt": { "$lt": "2026-11-30T12:00:00.1Z" } }), "a"),
            (json!({ "tags": ["c", "x"] }), "c"),
            (json!({ "levels": { "$nin": ["low"] } }), "cde"),
        ] {
            let found = find(app, Provider::SOCKETIO, query.clone()).await;
            assert_eq!(found.as_deref(), Ok(expected), "{store}: {query}");
        }
    })
    .await;
}

#[tokio::test]
async fn queries_that_a_type_cannot_answer_are_refused() {
    let words = r#"must be equal to one of the allowed values: ["low","normal","very-urgent"]"#;
    let instant = r#"must match format "date-time", such as 2026-11-30T12:30:00Z"#;
    each_store(async |app, store| {
        for (query, place, message) in [
            ("dueAt[$gt]=yesterday", "/dueAt", instant),
            ("dueAt=2026-11-30", "/dueAt", instant),
            ("dueAt[$in][]=1764504000000", "/dueAt", instant),
            ("day[$lt]=tomorrow", "/day", r#"must match format "date", such as 2026-11-30"#),
            ("time=noon", "/time", r#"must match format "time", such as 12:30:00"#),
            ("spent[$gt]=1h", "/spent", r#"must match format "duration", such as PT1H30M"#),
            ("cost[$gt]=abc", "/cost", "must be a decimal with at most 2 places after the point, such as 0.01"),
            ("key=%21", "/key", r#"must match format "byte", such as aGVsbG8="#),
            ("owner=me", "/owner", r#"must match format "uuid", such as 67e55044-10b1-426f-9247-bb680e5fe0c8"#),
            ("priority=opne", "/priority", words),
            ("priority[$gt]=high", "/priority", words),
            ("levels=opne", "/levels", words),
            ("$or[0][priority]=opne", "/$or/0/priority", words),
        ] {
            let found = refusal(find_text(app, query).await);
            assert_eq!(found, (place.to_owned(), message.to_owned()), "{store}: {query}");
        }
        for (query, place, message) in [
            ("tags[$gt]=a", "/tags", "must NOT have $gt: a list has no order"),
            ("key[$lte]=AA==", "/key", "must NOT have $lte: bytes have no order"),
            ("$sort[tags]=1", "/$sort/tags", "must NOT be sorted by: a list has no order"),
            ("$sort[key]=1", "/$sort/key", "must NOT be sorted by: bytes have no order"),
        ] {
            let error = find_text(app, query).await.unwrap_err();
            let items = error.data().unwrap().as_array().unwrap();
            let is_said = items.iter().any(|item| item["instancePath"] == place && item["message"] == message);
            assert!(error.code() == 400 && is_said, "{store}: {query}: {items:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn data_that_does_not_fit_is_refused_with_what_is_allowed() {
    let instant = r#"must match format "date-time", such as 2026-11-30T12:30:00Z"#;
    let decimal = "must be a decimal with at most 2 places after the point, such as 0.01";
    each_store(async |app, store| {
        for (data, place, message) in [
            (json!({ "dueAt": "yesterday" }), "/dueAt", instant),
            (json!({ "dueAt": 1_764_504_000 }), "/dueAt", instant),
            (json!({ "dueAt": "-000001-01-01T00:00:00Z" }), "/dueAt", instant),
            (json!({ "seen": ["2026-11-30T12:00:00Z", "soon"] }), "/seen/1", instant),
            (json!({ "day": "2026-02-30" }), "/day", r#"must match format "date", such as 2026-11-30"#),
            (json!({ "day": "-000001-01-01" }), "/day", r#"must match format "date", such as 2026-11-30"#),
            (json!({ "time": "25:00" }), "/time", r#"must match format "time", such as 12:30:00"#),
            (json!({ "spent": "P1M" }), "/spent", r#"must match format "duration", such as PT1H30M"#),
            (json!({ "spent": 60 }), "/spent", r#"must match format "duration", such as PT1H30M"#),
            (json!({ "cost": "abc" }), "/cost", decimal),
            (json!({ "cost": "0.001" }), "/cost", decimal),
            (json!({ "cost": 0.001 }), "/cost", decimal),
            (json!({ "cost": "99999999999999999999" }), "/cost", decimal),
            (json!({ "cost": "1000.01" }), "/cost", "must be <= 1000"),
            (json!({ "key": "!" }), "/key", r#"must match format "byte", such as aGVsbG8="#),
            (json!({ "key": "aGVsbG8=" }), "/key", "must NOT have more than 4 bytes"),
            (json!({ "tags": ["a", "b", "c", "d"] }), "/tags", "must NOT have more than 3 items"),
            (json!({ "tags": "a" }), "/tags", "must be array"),
            (
                json!({ "priority": "opne" }),
                "/priority",
                "must be equal to one of the allowed values: [\"low\",\"normal\",\"very-urgent\"]",
            ),
            (
                json!({ "priority": 1 }),
                "/priority",
                "must be equal to one of the allowed values: [\"low\",\"normal\",\"very-urgent\"]",
            ),
        ] {
            let found = refusal(create(app, &data).await);
            assert_eq!(found, (place.to_owned(), message.to_owned()), "{store}: {data}");
        }
        assert_eq!(find_text(app, "").await.as_deref(), Ok(""), "{store}: nothing is stored");
    })
    .await;
}

#[test]
fn the_schema_says_what_a_field_is() {
    let words: &[&str] = &["low", "normal", "very-urgent"];
    let field = |name: &str| Ticket::schema().field(name).unwrap().data_type;
    assert_eq!(field("priority"), DataType::Enum(words));
    assert_eq!(field("levels"), DataType::List(&DataType::Enum(&["low", "normal", "very-urgent"])));
    assert_eq!(field("cost"), DataType::Decimal(2));
    assert_eq!((field("id"), field("dueAt"), field("key")), (DataType::Uuid, DataType::Instant, DataType::Bytes));
    assert_eq!(field("dueAt").format(), Some("date-time"));
}
