//! `#[derive(Service)]`: a record served from memory, as its users and its clients see it.

use std::sync::atomic::{AtomicI64, Ordering};

use feathers::Method;
use feathers::call::{Call, Encoding, Provider};
use feathers::prelude::*;
use feathers::schema::{Columns, DataType, FieldValue, Record, Rule};
use serde_json::Value;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Todo {
    #[service(id)]
    id: i64,
    /// What is to be done.
    #[service(length(1..=280))]
    text: String,
    #[service(default)]
    done: bool,
    #[service(default = "inbox", one_of("inbox", "later"))]
    list_name: String,
    due: Option<String>,
    #[serde(rename = "prio")]
    #[service(default = Some(3), range(1..=5))]
    priority: Option<u8>,
    #[service(server, default = next_stamp())]
    created_at: i64,
    #[service(hidden, default)]
    secret: String,
    #[service(json, default)]
    place: Place,
    #[service(default)]
    tags: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Place {
    city: String,
}

static STAMP: AtomicI64 = AtomicI64::new(100);

fn next_stamp() -> i64 {
    STAMP.fetch_add(1, Ordering::Relaxed)
}

fn todo(text: &str) -> TodoData {
    TodoData {
        id: None,
        text: text.to_owned(),
        done: None,
        list_name: None,
        due: None,
        priority: None,
        secret: Some("hush".to_owned()),
        place: None,
        tags: None,
    }
}

async fn app() -> AppHandle {
    let mut app = App::new();
    app.service("todos", Memory::<Todo>::new());
    app.start().await.unwrap()
}

/// Calls a method as a client does.
async fn from_outside(app: &AppHandle, method: Method, id: Option<Id>, data: Value) -> Result<Value> {
    let route = app.lookup("todos", Encoding::Plain)?.unwrap();
    let mut params = Params::new();
    params.provider = Some(Provider::REST);
    let reply = app.call(Call { route, method, id, data: data.into(), params }).await?;
    reply.body().value().cloned()
}

#[tokio::test]
async fn typed_calls_take_and_give_records() -> Result<()> {
    let todos = app().await.typed::<Todo>("todos")?;
    let milk = todos.create(todo("milk"), ()).await?;
    assert_eq!((milk.id, milk.done, milk.list_name.as_str(), milk.priority), (1, false, "inbox", Some(3)));
    assert_eq!(todos.get(1, ()).await?, milk);
    assert_eq!(todos.find(()).await?, std::slice::from_ref(&milk));

    let done = todos.patch(1, TodoPatch { done: Some(true), ..TodoPatch::default() }, ()).await?;
    assert_eq!(done, Todo { done: true, ..milk.clone() });

    let bread = todos.update(1, TodoData { id: Some(99), ..todo("bread") }, ()).await?;
    assert_eq!(bread, Todo { text: "bread".to_owned(), ..milk });

    assert_eq!(todos.remove(1, ()).await?, bread);
    assert!(todos.get(1, ()).await.unwrap_err().is_not_found());
    Ok(())
}

#[tokio::test]
async fn an_id_in_the_data_is_kept_once() -> Result<()> {
    let todos = app().await.typed::<Todo>("todos")?;
    assert_eq!(todos.create(TodoData { id: Some(7), ..todo("milk") }, ()).await?.id, 7);
    assert!(todos.create(TodoData { id: Some(7), ..todo("milk") }, ()).await.unwrap_err().is_conflict());
    assert_eq!(todos.create(todo("bread"), ()).await?.id, 8);
    Ok(())
}

#[tokio::test]
async fn hidden_fields_stay_on_the_server() -> Result<()> {
    let app = app().await;
    let data = json!({ "text": "milk", "secret": "hush" });
    let created = from_outside(&app, Method::Create, None, data).await?;
    assert_eq!(created["text"], "milk");
    assert_eq!(created.get("secret"), None);
    let list = from_outside(&app, Method::Find, None, Value::Null).await?;
    assert_eq!(list[0].get("secret"), None);

    let inside = app.service("todos")?.get(1, ()).await?;
    assert_eq!(inside.value()?["secret"], "hush");
    Ok(())
}

#[tokio::test]
async fn the_wire_has_the_names_that_serde_gives() -> Result<()> {
    let app = app().await;
    let data = json!({ "text": "milk", "listName": "later", "prio": 5 });
    let created = from_outside(&app, Method::Create, None, data).await?;
    assert_eq!((&created["listName"], &created["prio"]), (&json!("later"), &json!(5)));
    assert!(created["createdAt"].is_i64());

    let wrong = from_outside(&app, Method::Create, None, json!({ "text": "milk", "list_name": "later" })).await;
    assert!(wrong.unwrap_err().is_bad_request());
    Ok(())
}

#[tokio::test]
async fn null_is_not_the_same_as_left_out() -> Result<()> {
    let app = app().await;
    let data = json!({ "text": "milk", "due": "today", "prio": null });
    let created = from_outside(&app, Method::Create, None, data).await?;
    assert_eq!((&created["due"], &created["prio"]), (&json!("today"), &Value::Null));

    let patched = from_outside(&app, Method::Patch, Some(1.into()), json!({ "done": true })).await?;
    assert_eq!((&patched["due"], &patched["done"]), (&json!("today"), &json!(true)));
    let patched = from_outside(&app, Method::Patch, Some(1.into()), json!({ "due": null })).await?;
    assert_eq!((&patched["due"], &patched["done"]), (&Value::Null, &json!(true)));

    let wrong = from_outside(&app, Method::Patch, Some(1.into()), json!({ "done": null })).await;
    assert!(wrong.unwrap_err().is_bad_request());
    let wrong = from_outside(&app, Method::Create, None, json!({ "text": "milk", "done": null })).await;
    assert!(wrong.unwrap_err().is_bad_request());
    Ok(())
}

#[tokio::test]
async fn a_patch_may_send_the_id_along() -> Result<()> {
    let app = app().await;
    from_outside(&app, Method::Create, None, json!({ "text": "milk" })).await?;
    let patch = json!({ "id": "seventeen", "text": "bread" });
    let patched = from_outside(&app, Method::Patch, Some("1".into()), patch).await?;
    assert_eq!((&patched["id"], &patched["text"]), (&json!(1), &json!("bread")));
    Ok(())
}

#[tokio::test]
async fn clients_cannot_set_what_only_the_server_sets() -> Result<()> {
    let app = app().await;
    let created = from_outside(&app, Method::Create, None, json!({ "text": "milk" })).await?;
    assert!(created["createdAt"].as_i64().unwrap() >= 100);
    for (method, id) in [(Method::Create, None), (Method::Update, Some(1.into())), (Method::Patch, Some(1.into()))] {
        let data = json!({ "text": "bread", "createdAt": 1 });
        assert!(from_outside(&app, method, id, data).await.unwrap_err().is_bad_request());
    }
    let updated = from_outside(&app, Method::Update, Some(1.into()), json!({ "text": "bread" })).await?;
    assert_eq!((&updated["text"], &updated["createdAt"]), (&json!("bread"), &created["createdAt"]));
    Ok(())
}

#[tokio::test]
async fn data_that_does_not_fit_is_refused_and_nothing_is_stored() -> Result<()> {
    let app = app().await;
    for data in [json!({}), json!({ "text": 7 }), json!({ "text": "milk", "colour": "white" }), json!("milk")] {
        let refused = from_outside(&app, Method::Create, None, data).await;
        assert!(refused.unwrap_err().is_bad_request());
    }
    assert_eq!(from_outside(&app, Method::Find, None, Value::Null).await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn the_schema_rules_queries_and_data() -> Result<()> {
    let app = app().await;
    for (text, prio) in [("milk", 1), ("bread", 5), ("salt", 3)] {
        from_outside(&app, Method::Create, None, json!({ "text": text, "prio": prio })).await?;
    }
    let todos = app.service("todos")?;
    let found: Vec<Todo> = todos.find(json!({ "prio": { "$gt": "2" }, "$sort": { "text": 1 } })).await?.decode()?;
    assert_eq!(found.iter().map(|todo| todo.text.as_str()).collect::<Vec<_>>(), ["bread", "salt"]);

    let mut params = Params::query(json!({ "secret": "hush" }));
    params.provider = Some(Provider::REST);
    assert!(todos.find(params).await.unwrap_err().is_bad_request());

    let data = json!({ "text": "", "prio": 9, "listName": "never" });
    let error = from_outside(&app, Method::Create, None, data).await.unwrap_err();
    assert_eq!((error.code(), error.data().and_then(Value::as_array).map(Vec::len)), (400, Some(3)), "{error:?}");
    Ok(())
}

#[test]
fn data_and_patch_are_written_as_they_are_read() {
    let data = TodoData { due: Some("today".to_owned()), priority: Some(None), ..todo("milk") };
    let written = serde_json::to_value(&data).unwrap();
    assert_eq!(written, json!({ "text": "milk", "due": "today", "prio": null, "secret": "hush" }));
    assert_eq!(serde_json::from_value::<TodoData>(written).unwrap().priority, Some(None));

    let patch = TodoPatch { due: Some(None), ..TodoPatch::default() };
    assert_eq!(serde_json::to_value(&patch).unwrap(), json!({ "due": null }));
    let read: TodoPatch = serde_json::from_value(json!({ "due": null })).unwrap();
    assert_eq!((read.due, read.text), (Some(None), None));
}

#[test]
fn the_schema_tells_everything() {
    let schema = Todo::schema();
    assert_eq!((schema.name, schema.id, schema.docs), ("Todo", "id", "One thing to do."));
    let names: Vec<_> = schema.fields.iter().map(|field| field.name).collect();
    assert_eq!(names, ["id", "text", "done", "listName", "due", "prio", "createdAt", "secret", "place", "tags"]);
    let field = |name| schema.field(name).unwrap();
    assert_eq!(field("text").docs, "What is to be done.");
    assert_eq!(field("text").rules, [Rule::MinLength(1), Rule::MaxLength(280)]);
    assert_eq!(field("prio").rules, [Rule::Minimum(1.0), Rule::Maximum(5.0)]);
    assert_eq!(field("listName").rules, [Rule::OneOf(&["inbox", "later"])]);
    assert_eq!((field("due").data_type, field("due").nullable, field("due").optional), (DataType::String, true, true));
    assert_eq!((field("text").optional, field("done").optional, field("id").optional), (false, true, true));
    assert_eq!(
        (field("place").data_type, field("tags").data_type),
        (DataType::Json, DataType::List(&DataType::String))
    );
    assert!(field("createdAt").server && field("secret").hidden);
}

#[test]
fn fields_are_read_and_built_by_index() {
    let data: TodoDraft = serde_json::from_value(json!({ "text": "milk", "place": { "city": "Ulm" } })).unwrap();
    let set: Vec<_> = Todo::data_fields(&data).into_iter().map(|(index, value)| (index, value.into_owned())).collect();
    assert!(set.contains(&(1, FieldValue::Text("milk".into()))));
    assert!(set.contains(&(8, FieldValue::Json(json!({ "city": "Ulm" })))));
    assert!(!set.iter().any(|(index, _)| [0, 2, 3, 5, 6, 7].contains(index)), "{set:?}");

    let record = Todo::create(data, "id", &Id::from("12")).unwrap();
    assert_eq!((record.id, Todo::id(&record, "id")), (12, Some(Id::Int(12))));
    let schema = Todo::schema();
    let lookup = |path: &str| record.lookup(&feathers::query::FieldPath::new(path, &schema)).into_owned();
    assert_eq!(lookup("place.city"), FieldValue::Text("Ulm".into()));
    assert_eq!((lookup("text.inside"), lookup("unknown")), (FieldValue::Null, FieldValue::Null));

    let columns: Vec<_> = (0..schema.fields.len()).map(|index| record.field(index).into_owned()).collect();
    assert_eq!(Todo::from_columns(columns.clone()).unwrap(), record);
    let wrong = Todo::from_columns(columns.into_iter().take(2).collect()).unwrap_err();
    assert!(wrong.source().unwrap().to_string().contains("column 'done'"), "{wrong:?}");

    let patch: TodoPatchDraft = serde_json::from_value(json!({ "due": null, "tags": ["a"] })).unwrap();
    assert_eq!(Todo::changes(&patch), [(4, FieldValue::Null), (9, FieldValue::Json(json!(["a"])))]);
    assert!(Todo::create(todo("milk").into(), "id", &Id::from("twelve")).unwrap_err().is_bad_request());
}

/// A colour as `#rrggbb`; the record holds a number.
mod colour {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(crate) fn serialize<S: Serializer>(colour: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("#{colour:06x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix('#').ok_or_else(|| D::Error::custom("no colour"))?;
        u32::from_str_radix(digits, 16).map_err(D::Error::custom)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Paint {
    #[service(id)]
    name: String,
    #[serde(with = "colour")]
    wall: u32,
    #[serde(with = "colour")]
    #[service(default = 0xff_0000)]
    door: u32,
    #[serde(with = "colour")]
    #[service(json, default)]
    roof: u32,
}

#[tokio::test]
async fn a_codec_of_serde_counts_for_data_and_patch_too() -> Result<()> {
    let mut app = App::new();
    app.service("paints", Memory::<Paint>::new());
    let paints = app.start().await?.service("paints")?;
    let data = json!({ "name": "ours", "wall": "#00ff00", "roof": "#0000ff" });
    let created = paints.create(data, ()).await?;
    let expected = json!({ "name": "ours", "wall": "#00ff00", "door": "#ff0000", "roof": "#0000ff" });
    assert_eq!(created.value()?, &expected);
    let patched = paints.patch(Id::from("ours"), json!({ "door": "#000001", "wall": "#000002" }), ()).await?;
    assert_eq!((&patched.value()?["door"], &patched.value()?["wall"]), (&json!("#000001"), &json!("#000002")));
    assert!(paints.patch(Id::from("ours"), json!({ "door": 7 }), ()).await.unwrap_err().is_bad_request());

    // What is stored of a JSON field is what is on the wire.
    let record: Paint = patched.decode()?;
    assert_eq!(record.field(2).into_owned(), FieldValue::Int(1));
    assert_eq!(record.field(3).into_owned(), FieldValue::Text("#0000ff".into()));
    let columns = (0..4).map(|index| record.field(index).into_owned()).collect();
    assert_eq!(Paint::from_columns(columns)?, record);
    let patch = PaintPatch { door: Some(2), ..PaintPatch::default() };
    assert_eq!(serde_json::to_value(&patch).unwrap(), json!({ "door": "#000002" }));
    Ok(())
}
