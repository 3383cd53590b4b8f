//! Writes: listeners get what is stored, whatever hooks make of the call.

use std::sync::{Arc, Mutex};

use feathers_core::{App, Context, Document, Error, Id, Memory, Method, Multi, Params, Provider};
use serde_json::{Value, json};

/// A write that a listener got.
struct ReceivedEvent {
    method: String,
    result: Value,
}

#[tokio::test]
async fn listeners_for_writes_hear_of_the_whole_record_whatever_becomes_of_the_call() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = heard.clone();
    let (mut app, mut inner) = (App::new(), App::new());
    app.on_write("api/todos", |_, _| panic!("a listener panics"));
    app.on_write("api/todos", move |write, _| {
        let result = write.result.value().unwrap().clone();
        listener.lock().unwrap().push(ReceivedEvent { method: write.method.to_string(), result });
    });
    app.after(["patch", "remove"], async |ctx: &mut Context| {
        if ctx.params.is_external() {
            return Err(Error::general("the hook fails"));
        }
        ctx.result = Some(json!("replaced").into());
        ctx.event = None;
        Ok(())
    });
    inner.service("todos", Memory::<Document>::new().multi(Multi::All));
    app.nest("api", inner);
    let app = app.start().await.unwrap();
    let todos = app.service("api/todos").unwrap();
    let assert_told = |expected: &[(&str, Value)]| {
        let heard = std::mem::take(&mut *heard.lock().unwrap());
        let heard: Vec<_> = heard.iter().map(|heard| (heard.method.as_str(), heard.result.clone())).collect();
        assert_eq!(heard, expected);
    };
    let milk = json!({ "id": 1, "text": "milk" });
    todos.create(json!({ "text": "milk" }), ()).await.unwrap();
    assert_told(&[("create", milk.clone())]);
    todos.find(()).await.unwrap();
    todos.get(1, ()).await.unwrap();
    todos.patch(Id::from(2), json!({ "done": true }), ()).await.unwrap_err();
    assert_told(&[]);
    let select = || {
        let mut params = Params::query(json!({ "$select": ["id"] }));
        params.provider = Some(Provider::REST);
        params
    };
    let done = json!({ "id": 1, "text": "milk", "done": true });
    todos.patch(Id::from(1), json!({ "done": true }), select()).await.unwrap_err();
    assert_told(&[("patch", done.clone())]);
    todos.patch(None, json!({ "done": true }), ()).await.unwrap();
    assert_told(&[("patch", json!([done]))]);
    todos.remove(None, select()).await.unwrap_err();
    assert_told(&[("remove", json!([done]))]);
    // A service that is mounted later is included.
    app.unmount("api/todos").await.unwrap();
    app.mount("api/todos", Memory::<Document>::new()).await.unwrap();
    app.service("api/todos").unwrap().create(json!({ "text": "milk" }), ()).await.unwrap();
    assert_told(&[("create", milk)]);
}

#[tokio::test]
async fn a_hook_that_answers_for_the_service_counts_as_a_write() {
    let heard = Arc::new(Mutex::new(0));
    let listener = heard.clone();
    let mut app = App::new();
    app.service("todos", Memory::<Document>::new()).before("remove", async |ctx: &mut Context| {
        ctx.result = Some(json!({ "id": 1, "deleted": true }).into());
        Ok(())
    });
    app.on_write("todos", move |write, _| {
        assert_eq!((write.method, write.result.value().unwrap()["deleted"].clone()), (&Method::Remove, json!(true)));
        *listener.lock().unwrap() += 1;
    });
    let app = app.start().await.unwrap();
    app.service("todos").unwrap().remove(Id::from(1), ()).await.unwrap();
    assert_eq!(*heard.lock().unwrap(), 1);
}
