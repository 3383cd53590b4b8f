//! Constraints of the derive: what the schema has of them, and references that do not start.

use feathers::prelude::*;
use feathers::schema::{OnDelete, Record, Unique};
use feathers::store::{MemoryDatabase, MemoryStore, Store};

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(unique(organisation, r#type, ignore_case), index(done, organisation))]
#[serde(rename_all = "camelCase")]
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(unique)]
    serial_number: Option<i64>,
    r#type: String,
    #[serde(rename = "org")]
    organisation: i64,
    #[service(index)]
    done: bool,
    #[service(references(User))]
    requester_id: i64,
    #[service(references(User, on_delete = set_null))]
    agent_id: Option<i64>,
    #[service(references(Ticket, on_delete = cascade), unique)]
    copy_of: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    #[service(hidden, unique, default)]
    secret: Option<String>,
}

#[test]
fn the_schema_has_the_constraints_by_their_wire_names() {
    let schema = Ticket::schema();
    let expected =
        [Unique::new(&["serialNumber"]), Unique::new(&["copyOf"]), Unique::new(&["org", "type"]).ignore_case()];
    assert_eq!(schema.constraints.unique, expected);
    assert_eq!(schema.constraints.indexes, [&["done"][..], &["done", "org"]]);
    let references = schema.constraints.references.iter();
    let references: Vec<_> = references.map(|it| (it.field, it.target().name, it.on_delete)).collect();
    let expected = [
        ("requesterId", "User", OnDelete::Restrict),
        ("agentId", "User", OnDelete::SetNull),
        ("copyOf", "Ticket", OnDelete::Cascade),
    ];
    assert_eq!(references, expected);
    assert_eq!(schema.reference("agentId").unwrap().on_delete, OnDelete::SetNull);
    assert!(schema.reference("done").is_none());
}

/// Starts an app with one service, and returns what it says.
async fn refusal<S: Service>(service: S) -> String {
    let mut app = App::new();
    app.service("it", service);
    app.start().await.err().map(|error| error.message().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_store_that_refers_to_others_is_made_by_a_database() {
    let alone = refusal(Memory::<Ticket>::new()).await;
    let expected = "service 'it': Ticket refers to User by 'requesterId': stores that refer to each other are made by one \
                    database, such as `Database::memory()`, and not each by `Memory::new()`";
    assert_eq!(alone.lines().next(), Some(expected));
    assert_eq!(alone.lines().count(), 3, "{alone}");
    assert_eq!(refusal(Memory::<User>::new()).await, "");

    let expected = "service 'it': Ticket refers to User by 'requesterId', and its database has no store of User: make both by \
                    one `Database`";
    let (memory, sqlite) = (Database::memory(), Database::connect("sqlite::memory:").await.unwrap());
    let _elsewhere = Database::memory().store::<User>().await.unwrap();
    for found in
        [refusal(memory.store::<Ticket>().await.unwrap()).await, refusal(sqlite.store::<Ticket>().await.unwrap()).await]
    {
        assert_eq!(found.lines().next(), Some(expected));
        assert_eq!(found.lines().count(), 2, "one for each reference: {found}");
    }
    let tickets = memory.store::<Ticket>().await.unwrap();
    let _ = memory.store::<User>().await.unwrap();
    assert_eq!(refusal(tickets).await, "", "the order does not matter");

    // A store alone, which no app has started, refuses what it cannot check.
    let store = MemoryStore::<Ticket>::new(Ticket::schema());
    let data = json!({ "type": "a", "org": 1, "done": false, "requesterId": 1 });
    let data = serde_json::from_value(data).unwrap();
    let error = store.create(vec![data], &feathers::store::StoreContext::NONE).await.unwrap_err();
    assert!(error.message().contains("are made by one database"), "{error}");
}

#[tokio::test]
async fn one_of_several_stores_is_meant() {
    let db = MemoryDatabase::new();
    let tickets = db.store::<Ticket>().await.unwrap();
    let _ = db.store_in::<User>("staff").await.unwrap();
    assert_eq!(refusal(tickets.clone()).await, "", "the only one");
    let _ = db.store_in::<User>("clients").await.unwrap();
    let expected = "service 'it': Ticket refers to User by 'requesterId', and its database has User in 'staff' and 'clients': \
                    the one that is made by `store` is meant, and there is none";
    assert_eq!(refusal(tickets.clone()).await.lines().next(), Some(expected));
    let _ = db.store::<User>().await.unwrap();
    assert_eq!(refusal(tickets).await, "");

    let db = Database::connect("sqlite::memory:").await.unwrap();
    let tickets = db.store::<Ticket>().await.unwrap();
    let _ = db.store_in::<User>("staff").await.unwrap();
    let expected = "service 'it': Ticket refers to User by 'requesterId' in table 'user', and its store is in 'staff': make \
                    that one first";
    assert_eq!(refusal(tickets).await.lines().next(), Some(expected));
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let _ = db.store_in::<User>("staff").await.unwrap();
    assert_eq!(refusal(db.store::<Ticket>().await.unwrap()).await, "");
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Egg {
    #[service(id)]
    id: i64,
    #[service(references(Hen, on_delete = cascade))]
    hen: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Hen {
    #[service(id)]
    id: i64,
    #[service(references(Egg, on_delete = cascade))]
    egg: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Own {
    #[service(id)]
    id: i64,
    #[service(references(Own))]
    own: i64,
}

#[tokio::test]
async fn a_circle_without_a_first_record_does_not_start() {
    let end = "no first record of this circle could be stored, so one of the fields must be an `Option`";
    let (memory, sqlite) = (Database::memory(), Database::connect("sqlite::memory:").await.unwrap());
    let _ = memory.store::<Hen>().await.unwrap();
    let _ = sqlite.store::<Hen>().await.unwrap();
    let expected = format!("service 'it': Egg refers to Hen by 'hen', Hen refers to Egg by 'egg': {end}");
    assert_eq!(refusal(memory.store::<Egg>().await.unwrap()).await, expected);
    assert_eq!(refusal(sqlite.store::<Egg>().await.unwrap()).await, expected);
    let expected = format!("service 'it': Own refers to Own by 'own': {end}");
    assert_eq!(refusal(memory.store::<Own>().await.unwrap()).await, expected);
}

#[tokio::test]
async fn hidden_fields_are_not_named() {
    let sqlite = Database::connect("sqlite::memory:").await.unwrap();
    let mut app = App::new();
    app.service("memory", Memory::<User>::new());
    app.service("sqlite", sqlite.store::<User>().await.unwrap());
    let app = app.start().await.unwrap();
    for path in ["memory", "sqlite"] {
        let users = app.service(path).unwrap();
        users.create(json!({ "secret": "a" }), ()).await.unwrap();
        let error = users.create(json!({ "secret": "a" }), ()).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (409, "A record like this exists already"), "{path}");
        assert_eq!(error.data(), None);
    }
}
