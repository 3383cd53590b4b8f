//! `#[service]`: methods written by hand, and what a call makes of their arguments and results.

use std::sync::atomic::{AtomicU64, Ordering};

use feathers::Method;
use feathers::app::Page;
use feathers::prelude::*;
use feathers::schema::{DataType, TypeSchema};
use serde_json::Value;
use uuid::Uuid;

struct Reminders {
    sent: AtomicU64,
}

#[derive(Debug, Serialize, Deserialize)]
struct NewReminder {
    text: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reminder {
    id: u64,
    text: String,
}

#[derive(Debug, Deserialize)]
struct Snooze {
    minutes: u64,
}

/// Rings when it is time.
#[service(events("ringing"))]
impl Reminders {
    async fn create(&self, data: NewReminder, params: &Params) -> Result<Reminder> {
        let id = self.sent.fetch_add(1, Ordering::Relaxed);
        let loud = params.query.contains_key("loud");
        Ok(Reminder { id, text: if loud { data.text.to_uppercase() } else { data.text } })
    }

    /// Reads one.
    async fn get(&self, id: u64) -> Result<Reminder> {
        Ok(Reminder { id, text: "milk".to_owned() })
    }

    async fn patch(&self, id: Option<u64>, data: Payload) -> Result<Payload> {
        assert_eq!(id, None);
        Ok(data)
    }

    async fn remove(&self, id: Uuid, _params: &Params) -> Result<String> {
        Ok(id.to_string())
    }

    /// A custom method.
    #[method]
    async fn snooze(&self, data: Snooze) -> Result<u64> {
        Ok(data.minutes * 60)
    }

    #[method]
    async fn stop_all(&self) -> Result<()> {
        Ok(())
    }

    #[method(name = "how_loud")]
    async fn loudness(&self, params: &Params) -> Result<Value> {
        Ok(params.query.get("of").cloned().unwrap_or_default())
    }

    #[method]
    async fn read_file(&self) -> Result<String, std::io::Error> {
        std::fs::read_to_string("no such file")
    }

    async fn setup(&self, app: &AppHandle, path: &str) -> Result<()> {
        assert_eq!((path, app.services().len()), ("reminders", 1));
        self.sent.store(1, Ordering::Relaxed);
        Ok(())
    }

    async fn teardown(&self, _app: &AppHandle, _path: &str) -> Result<()> {
        Err(Error::general("torn down"))
    }
}

async fn app() -> AppHandle {
    let mut app = App::new();
    app.service("reminders", Reminders { sent: AtomicU64::new(0) });
    app.start().await.unwrap()
}

#[test]
fn the_descriptor_lists_what_is_written() {
    let descriptor = Reminders { sent: AtomicU64::new(0) }.descriptor();
    let methods: Vec<_> = descriptor.methods.iter().map(|info| (info.method.name(), &*info.docs)).collect();
    assert_eq!(
        methods,
        [
            ("create", ""),
            ("get", "Reads one."),
            ("patch", ""),
            ("remove", ""),
            ("snooze", "A custom method."),
            ("stopAll", ""),
            ("how_loud", ""),
            ("readFile", ""),
        ]
    );
    assert_eq!(descriptor.methods[0].method, Method::Create);
    assert_eq!((descriptor.events[0].as_ref(), &*descriptor.docs), ("ringing", "Rings when it is time."));
}

#[tokio::test]
async fn arguments_are_decoded_and_results_are_wrapped() -> Result<()> {
    let reminders = app().await.service("reminders")?;
    let created = reminders.create(json!({ "text": "milk" }), json!({ "loud": true })).await?;
    assert_eq!(created.downcast_ref(), Some(&Reminder { id: 1, text: "MILK".to_owned() }));
    let got = reminders.get("7", ()).await?;
    assert_eq!(got.value()?, &json!({ "id": 7, "text": "milk" }));
    let id = Uuid::nil();
    assert_eq!(reminders.remove(Id::from(id), ()).await?.value()?, &json!(id));
    assert_eq!(reminders.call("snooze", json!({ "minutes": 2 }), ()).await?.value()?, 120);
    assert_eq!(reminders.call("how_loud", Value::Null, json!({ "of": "it" })).await?.value()?, "it");
    assert!(reminders.call("stopAll", Value::Null, ()).await?.is_null());
    Ok(())
}

#[tokio::test]
async fn a_payload_is_passed_through() -> Result<()> {
    let reminders = app().await.service("reminders")?;
    let data = Payload::new(NewReminder { text: "milk".to_owned() });
    let back = reminders.patch(None, data, ()).await?;
    assert_eq!(back.downcast_ref::<NewReminder>().unwrap().text, "milk");
    Ok(())
}

#[tokio::test]
async fn what_does_not_fit_is_a_feathers_error() -> Result<()> {
    let app = app().await;
    let reminders = app.service("reminders")?;
    let error = reminders.create(json!({ "words": "milk" }), ()).await.unwrap_err();
    let items = json!([{
        "instancePath": "", "schemaPath": "#/required", "keyword": "required", "params": { "missingProperty": "text" },
        "message": "must have required property 'text'",
    }]);
    assert_eq!((error.code(), error.message(), error.data()), (400, "validation failed", Some(&items)));
    let error = reminders.call("snooze", json!({ "minutes": "two" }), ()).await.unwrap_err();
    assert_eq!(error.data().unwrap()[0]["instancePath"], "/minutes");
    assert_eq!(error.data().unwrap()[0]["message"], "must be integer");
    assert_eq!(reminders.call("snooze", json!({ "minutes": 2.0 }), ()).await?.value()?, 120);
    for id in ["seven", "-7", "07"] {
        let error = reminders.get(id, ()).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (404, format!("No record found for id '{id}'").as_str()));
    }
    let error = reminders.remove(Id::from(7), ()).await.unwrap_err();
    assert!(error.is_not_found());
    let error = reminders.remove(None, ()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (405, "Can not remove multiple entries"));
    let error = reminders.find(()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (405, "Method 'find' not allowed on service 'reminders'"));
    let error = reminders.call("readFile", Value::Null, ()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (500, "Internal server error"));
    let error = app.shutdown(std::time::Duration::ZERO).await.unwrap_err();
    assert_eq!(error.message(), "torn down");
    Ok(())
}

struct Echo<T>(T);

#[service]
impl<T: Clone + Serialize + Send + Sync + 'static> Echo<T> {
    async fn find(&self) -> Result<T> {
        Ok(self.0.clone())
    }

    #[cfg(any())]
    async fn get(&self, id: NoSuchType) -> Result<()> {}

    #[method]
    async fn call(&self, data: Option<String>) -> Result<String> {
        Ok(data.unwrap_or_else(|| "nothing".to_owned()))
    }
}

#[tokio::test]
async fn a_generic_type_can_be_a_service() -> Result<()> {
    let mut app = App::new();
    app.service("echo", Echo(vec![1, 2]));
    let echo = app.start().await?.service("echo")?;
    assert_eq!(echo.find(()).await?.value()?, &json!([1, 2]));
    assert_eq!(echo.call("call", Payload::new("hello".to_owned()), ()).await?.value()?, "hello");
    assert_eq!(echo.call("call", Payload::NULL, ()).await?.value()?, "nothing");
    assert!(echo.get(1, ()).await.unwrap_err().is_method_not_allowed());
    Ok(())
}

/// One thing to do.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    text: String,
    #[service(hidden, default)]
    note: Option<String>,
}

type DeskResult<T> = Result<T>;
type Todos = Vec<Todo>;

struct Desk;

#[service]
impl Desk {
    async fn find(&self) -> Result<Page<Todo>> {
        Ok(Page { total: 0, limit: 10, skip: 0, data: Vec::new() })
    }

    async fn create(&self, data: TodoData) -> DeskResult<Todo> {
        Ok(Todo { id: 1, text: data.text, note: None })
    }

    /// Changes it, if it is there.
    #[method]
    async fn amend(&self, _data: TodoPatch, _params: &Params) -> Result<Option<Todo>> {
        Ok(None)
    }

    #[method]
    async fn sort_all(&self, _data: Vec<Option<u8>>) -> Result<Todos> {
        Ok(Vec::new())
    }

    #[method]
    async fn look_up(&self, _data: Option<Vec<Value>>) -> Result<Vec<Reminder>> {
        Ok(Vec::new())
    }

    #[method]
    async fn count(&self) -> Result<u64> {
        Ok(0)
    }

    #[method]
    async fn ratio(&self, data: (bool, Snooze)) -> Result<impl Serialize + Send + Sync + 'static + use<>> {
        Ok(data.0)
    }

    #[method]
    async fn ping(&self, _data: Uuid) -> Result<()> {
        Ok(())
    }
}

/// A service that does not know the type of what it returns.
struct Generic<T>(T);

#[service]
impl<T: Serialize + Clone + Send + Sync + 'static> Generic<T> {
    #[method]
    async fn own(&self, _data: bool) -> Result<T> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_service_tells_the_types_of_what_its_methods_take_and_return() {
    use TypeSchema::{Data, Null, Patch, Record, Scalar, Unknown};

    let mut app = App::new();
    app.service("desk", Desk);
    app.service("todos", Memory::<Todo>::new().paginate(Paginate::new(10)));
    app.service("generic", Generic(7));
    let app = app.start().await.unwrap();
    let known = |path: &str, method: &str| {
        let service = app.services().into_iter().find(|service| service.path() == path).unwrap();
        let info = service.descriptor().info(&method.into()).unwrap().clone();
        (info.data, info.result)
    };

    let todo = <Todo as feathers::schema::Record>::schema();
    assert_eq!(known("desk", "find"), (None, Record(todo.clone()).page()));
    assert_eq!(known("desk", "create"), (Some(Data(todo.clone())), Record(todo.clone())));
    assert_eq!(known("desk", "amend"), (Some(Patch(todo.clone())), Record(todo.clone()).nullable()));
    let numbers = Scalar(DataType::Integer).nullable().list();
    assert_eq!(known("desk", "sortAll"), (Some(numbers), Record(todo.clone()).list()));
    assert_eq!(known("desk", "lookUp"), (Some(Unknown.list().nullable()), Unknown.list()));
    assert_eq!(known("desk", "count"), (None, Scalar(DataType::Integer)));
    assert_eq!(known("desk", "ratio"), (Some(Unknown), Unknown));
    assert_eq!(known("desk", "ping"), (Some(Scalar(DataType::Uuid)), Null));

    assert_eq!(known("todos", "find"), (None, Record(todo.clone()).page()));
    assert_eq!(known("todos", "create"), (Some(Data(todo.clone())), Record(todo.clone())));
    assert_eq!(known("todos", "patch"), (Some(Patch(todo.clone())), Record(todo.clone())));
    assert_eq!(known("todos", "remove"), (None, Record(todo)));
    assert_eq!(known("generic", "own"), (Some(Scalar(DataType::Boolean)), Unknown));
}
