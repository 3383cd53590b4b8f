//! Computed fields: not stored, in answers and events, selectable, and in no condition.

use std::sync::atomic::{AtomicI64, Ordering};

use feathers::prelude::*;
use feathers::query::Query;
use feathers::schema::{DataType, Record};
use feathers::store::{Store, StoreContext};
use feathers_testing::Client;
use serde_json::Value;

/// A person with a name of two parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Person {
    #[service(id)]
    id: i64,
    #[service(computed = Self::full_name)]
    name: String,
    first: String,
    last: String,
    #[serde(rename = "asked")]
    #[service(computed = |_| ASKED.load(Ordering::Relaxed))]
    times_asked: i64,
    #[service(json, computed = |person| vec![person.first.len(), person.name.len()])]
    lengths: Vec<usize>,
}

static ASKED: AtomicI64 = AtomicI64::new(0);

impl Person {
    fn full_name(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

async fn serve(sqlite: bool) -> AppHandle {
    let mut app = App::new();
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        app.service("people", database.store::<Person>().await.unwrap().multi(true));
    } else {
        app.service("people", Memory::<Person>::new().multi(true));
    }
    app.publish(|_, app| app.channel("all"));
    app.on_connect(|connection, app| app.channel("all").join(connection));
    app.start().await.unwrap()
}

/// Returns the place of the one mistake.
fn refused(result: Result<Value>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code(), 400, "{error:?}");
    error.data().unwrap()[0]["instancePath"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn whatever_leaves_has_it() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let mut client = Client::connect(&app).await;
        let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
        let people = client.service("people");
        let ann = people.create(json!({ "first": "Ann", "last": "Lee" })).await.unwrap();
        assert_eq!((name(&ann), &ann["lengths"]), ("Ann Lee".to_owned(), &json!([3, 7])), "each sees those before it");
        let two = json!([{ "first": "Bo", "last": "Ek" }, { "first": "Cy", "last": "Fu" }]);
        assert_eq!(name(&people.create(two).await.unwrap()[1]), "Cy Fu");
        assert_eq!(name(&people.get(1).await.unwrap()), "Ann Lee");
        assert_eq!(name(&people.find().await.unwrap()[2]), "Cy Fu");
        assert_eq!(name(&people.patch(Some(1.into()), json!({ "last": "Ray" })).await.unwrap()), "Ann Ray");
        assert_eq!(name(&people.patch(None, json!({ "last": "Ox" })).await.unwrap()[1]), "Bo Ox");
        assert_eq!(name(&people.update(2, json!({ "first": "Di", "last": "Go" })).await.unwrap()), "Di Go");
        assert_eq!(name(&people.remove(Some(3.into())).await.unwrap()), "Cy Ox");
        let told: Vec<_> = client.events().iter().map(|event| name(&event.data)).collect();
        assert_eq!(told, ["Ann Lee", "Bo Ek", "Cy Fu", "Ann Ray", "Ann Ox", "Bo Ox", "Cy Ox", "Di Go", "Cy Ox"]);
        let typed = app.typed::<Person>("people").unwrap();
        assert_eq!(typed.get(1, ()).await.unwrap().name, "Ann Ox");
    }
}

#[tokio::test]
async fn it_is_made_again_for_every_answer_and_not_stored() {
    let database = Database::connect("sqlite::memory:").await.unwrap();
    let service = database.store::<Person>().await.unwrap();
    let store = service.store().clone();
    let mut app = App::new();
    app.service("people", service);
    let app = app.start().await.unwrap();
    let client = Client::connect(&app).await;
    client.service("people").create(json!({ "first": "Ann", "last": "Lee" })).await.unwrap();
    ASKED.fetch_add(1, Ordering::Relaxed);
    let first = client.service("people").get(1).await.unwrap()["asked"].as_i64().unwrap();
    ASKED.fetch_add(1, Ordering::Relaxed);
    assert!(client.service("people").get(1).await.unwrap()["asked"].as_i64().unwrap() > first);
    let stored = store.get(&1.into(), &Query::default(), &StoreContext::NONE).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.times_asked), ("", 0));
}

#[tokio::test]
async fn it_can_be_selected_and_no_query_compares_it() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        client.service("people").create(json!({ "first": "Ann", "last": "Lee" })).await.unwrap();
        let ask = async |query: Value| client.service("people").query(query).find().await;
        assert_eq!(ask(json!({ "$select": ["name"] })).await.unwrap(), json!([{ "id": 1, "name": "Ann Lee" }]));
        assert_eq!(ask(json!({ "$select": ["first"] })).await.unwrap(), json!([{ "id": 1, "first": "Ann" }]));
        assert_eq!(refused(ask(json!({ "name": "Ann Lee" })).await), "/name");
        assert_eq!(refused(ask(json!({ "asked": { "$gt": 0 } })).await), "/asked");
        assert_eq!(refused(ask(json!({ "$or": [{ "first": "x" }, { "name": "x" }] })).await), "/$or/1/name");
        assert_eq!(refused(ask(json!({ "$sort": { "name": 1 } })).await), "/$sort/name");
        let inside = app.service("people").unwrap();
        assert_eq!(inside.find(json!({ "name": "Ann Lee" })).await.unwrap_err().code(), 400, "from inside, too");
        let remove = client.service("people").query(json!({ "name": "Ann Lee" })).remove(None).await;
        assert_eq!(refused(remove), "/name");
    }
}

#[tokio::test]
async fn nobody_sets_it() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let people = client.service("people");
        let data = json!({ "first": "Ann", "last": "Lee", "name": "x" });
        assert_eq!(refused(people.create(data.clone()).await), "/name");
        people.create(json!({ "first": "Ann", "last": "Lee" })).await.unwrap();
        assert_eq!(refused(people.update(1, data.clone()).await), "/name");
        assert_eq!(refused(people.patch(Some(1.into()), json!({ "name": "x" })).await), "/name");
        let inside = app.service("people").unwrap();
        assert_eq!(inside.create(data, ()).await.unwrap_err().code(), 400);
        assert_eq!(people.find().await.unwrap().as_array().unwrap().len(), 1);
    }
}

#[test]
fn the_schema_says_that_it_is_not_stored() {
    let schema = Person::schema();
    let stored: Vec<_> = schema.stored().iter().map(|field| field.name).collect();
    assert_eq!(stored, ["id", "first", "last"]);
    let name = schema.field("name").unwrap();
    assert!(name.computed && name.server && name.data_type == DataType::String);
    let data = PersonData { id: None, first: "a".to_owned(), last: "b".to_owned() };
    assert!(serde_json::to_value(PersonDraft::from(data)).unwrap().get("name").is_none());
}
