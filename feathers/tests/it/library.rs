//! The hooks that many apps need, the record before a change, and channels that leave fields out.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use feathers::call::Provider;
use feathers::hook::{WithDeleted, cache_control, debounce, disallow, rate_limit, require, soft_delete, typed, when};
use feathers::prelude::*;
use feathers_testing::Client;
use serde_json::Value;

use crate::arguments::{OfConnection, User};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    #[service(length(1..=20))]
    text: String,
    #[service(server, default)]
    author: i64,
    #[service(default)]
    deleted: bool,
    #[service(server)]
    deleted_at: Option<i64>,
    #[service(hidden, default)]
    secret: String,
}

fn user(client: &Client, id: i64) {
    client.connection().insert(Payload::new(User { id, name: format!("user {id}") }));
    client.connection().set_subject(Some(&id.to_string()));
}

async fn sign(draft: &mut NoteDraft, ctx: &mut Context) -> Result<()> {
    draft.author = ctx.params.is_external().then_some(7);
    Ok(())
}

#[tokio::test]
async fn typed_hooks_see_drafts_one_for_each_element() {
    let mut app = App::new();
    app.service("notes", Memory::<Note>::new().multi(true))
        .before(["create", "update"], typed(sign))
        .before(
            "create",
            typed(hook::with_state("!", async |end: &&str, draft: &mut NoteDraft, _ctx: &mut Context| {
                draft.text.push_str(end);
                Ok(())
            })),
        )
        .before(
            "patch",
            typed(async |draft: &mut NotePatchDraft, _ctx: &mut Context| match &draft.text {
                Some(text) if text == "no" => Err(Error::unprocessable("say yes")),
                _ => Ok(()),
            }),
        );
    let app = app.start().await.unwrap();
    let client = Client::connect(&app).await;
    let notes = client.service("notes");
    let made = notes.create(json!([{ "text": "a" }, { "text": "b" }])).await.unwrap();
    assert_eq!((&made[0]["text"], &made[1]["text"], &made[1]["author"]), (&json!("a!"), &json!("b!"), &json!(7)));
    assert_eq!(
        app.service("notes").unwrap().create(json!({ "text": "c" }), ()).await.unwrap().value().unwrap()["author"],
        0
    );
    // What is no draft does not reach the hook, and says all that is wrong.
    let error = notes.create(json!({ "text": 1, "other": 2 })).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "validation failed"));
    assert_eq!(notes.patch(Some(1.into()), json!({ "text": "no" })).await.unwrap_err().code(), 422);
    notes.patch(Some(1.into()), json!({ "text": "yes" })).await.unwrap();
}

#[tokio::test]
async fn require_asks_something_of_the_user() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.service("notes", Memory::<Note>::new()).before("all", require(|user: &User| user.id == 1));
    let app = app.start().await.unwrap();
    let client = Client::connect(&app).await;
    let code = async || client.service("notes").find().await.map_err(|error| error.code());
    assert_eq!(code().await, Err(401));
    user(&client, 2);
    assert_eq!(code().await, Err(403));
    user(&client, 1);
    assert_eq!(code().await, Ok(json!([])));
    // As JSON, and as no user at all.
    client.connection().insert(Payload::from(json!({ "id": 1, "name": "Ann" })));
    assert_eq!(code().await, Ok(json!([])));
    client.connection().insert(Payload::from(json!({ "id": "one" })));
    assert_eq!(code().await, Err(500));
    app.service("notes").unwrap().find(()).await.unwrap();
}

#[tokio::test]
async fn load_is_the_record_before_the_change() {
    async fn look(ctx: &mut Context) -> Result<()> {
        let before: Note = ctx.load().await?.decode()?;
        assert!(!before.secret.is_empty(), "fields that are hidden or not selected are there");
        ctx.http.header("x-before", &before.text)?;
        if before.text == "stay" { Err(Error::forbidden("it stays")) } else { Ok(()) }
    }

    let mut app = App::new();
    app.service("notes", Memory::<Note>::new()).before(["update", "patch", "remove"], look).before(
        "create",
        when(|ctx| ctx.params.query.contains_key("load"), async |ctx: &mut Context| ctx.load().await.map(drop)),
    );
    let app = app.start().await.unwrap();
    let notes = app.service("notes").unwrap();
    for text in ["stay", "go"] {
        notes.create(json!({ "text": text, "secret": "s" }), ()).await.unwrap();
    }
    let client = Client::connect(&app).await;
    let error = client.service("notes").patch(Some(1.into()), json!({ "text": "went" })).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (403, "it stays"));
    let selected = json!({ "$select": ["id"], "text": "go" });
    let patched = notes.patch(Id::from(2), json!({ "text": "went" }), selected).await.unwrap();
    assert_eq!(patched.value().unwrap(), &json!({ "id": 2 }));
    // What the call would not find is not looked at, and neither are many.
    let error = notes.remove(Id::from(1), json!({ "text": "go" })).await.unwrap_err();
    assert_eq!(error.code(), 404);
    assert_eq!(client.service("notes").remove(None).await.unwrap_err().code(), 405);
    assert_eq!(notes.create(json!({ "text": "x" }), json!({ "load": 1 })).await.unwrap_err().code(), 500);
}

#[tokio::test]
async fn disallow_refuses_transports() {
    let mut app = App::new();
    app.service("notes", Memory::<Note>::new()).before("create", disallow([Provider::new("test")]));
    let app = app.start().await.unwrap();
    let client = Client::connect(&app).await;
    let error = client.service("notes").create(json!({ "text": "a" })).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (405, "Provider 'test' can not call 'create'"));
    client.service("notes").find().await.unwrap();
    app.service("notes").unwrap().create(json!({ "text": "a" }), ()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rate_limit_counts_each_user() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    app.service("notes", Memory::<Note>::new()).before("find", rate_limit(2, Duration::from_mins(1)));
    let app = app.start().await.unwrap();
    let (ann, tab, bob) = (Client::connect(&app).await, Client::connect(&app).await, Client::connect(&app).await);
    user(&ann, 1);
    user(&tab, 1);
    user(&bob, 2);
    ann.service("notes").find().await.unwrap();
    tab.service("notes").find().await.unwrap();
    let error = ann.service("notes").find().await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (429, Some(Duration::from_secs(30))));
    bob.service("notes").find().await.unwrap();
    app.service("notes").unwrap().find(()).await.unwrap();
    tokio::time::advance(Duration::from_secs(30)).await;
    tab.service("notes").find().await.unwrap();
    assert_eq!(ann.service("notes").find().await.unwrap_err().code(), 429);
}

#[tokio::test]
async fn cache_control_is_private_where_a_user_is_logged_in() {
    let mut app = App::new();
    app.authenticator(OfConnection);
    let seen = Arc::new(Mutex::new(Vec::new()));
    app.after(
        "all",
        hook::with_state(seen.clone(), async |seen: &Arc<Mutex<Vec<String>>>, ctx: &mut Context| {
            let values = ctx.http.headers.iter().map(|(_, value)| value.to_str().unwrap_or_default().to_owned());
            seen.lock().unwrap().extend(values);
            Ok(())
        }),
    );
    app.service("open", Memory::<Note>::new()).after("all", cache_control(Duration::from_mins(1)).public());
    app.service("own", Memory::<Note>::new()).after("all", cache_control(Duration::from_secs(5)));
    let app = app.start().await.unwrap();
    let client = Client::connect(&app).await;
    client.service("open").find().await.unwrap();
    client.service("own").find().await.unwrap();
    client.service("open").create(json!({ "text": "a" })).await.unwrap();
    user(&client, 1);
    client.service("open").get(1).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), ["public, max-age=60", "private, max-age=5", "private, max-age=60"]);
}

#[tokio::test(start_paused = true)]
async fn debounce_works_once_for_many_changes() {
    let done = Arc::new(Mutex::new(Vec::new()));
    let mut app = App::new();
    let index = debounce(Duration::from_secs(5), {
        let done = done.clone();
        move |app: AppHandle, id: Option<Id>| {
            let done = done.clone();
            async move {
                let id = id.ok_or_else(|| Error::general("no id"))?;
                let note = app.typed::<Note>("notes")?.get(id, ()).await?;
                done.lock().unwrap().push(note.text);
                Ok(())
            }
        }
    });
    app.service("notes", Memory::<Note>::new()).after(["create", "patch"], index);
    let app = app.start().await.unwrap();
    let notes = app.service("notes").unwrap();
    notes.create(json!({ "text": "a" }), ()).await.unwrap();
    notes.create(json!({ "text": "b" }), ()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    notes.patch(Id::from(1), json!({ "text": "c" }), ()).await.unwrap();
    assert!(done.lock().unwrap().is_empty());
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(*done.lock().unwrap(), ["b"]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(*done.lock().unwrap(), ["b", "c"]);

    // Changes without an end do not put it off for ever.
    for turn in 0..16 {
        notes.patch(Id::from(2), json!({ "text": format!("turn {turn}") }), ()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
    assert!(done.lock().unwrap().iter().any(|text| text == "turn 12"), "{done:?}");
    // The shutdown waits for none of it.
    done.lock().unwrap().clear();
    notes.patch(Id::from(2), json!({ "text": "last" }), ()).await.unwrap();
    app.shutdown(Duration::from_secs(2)).await.unwrap();
    assert_eq!(*done.lock().unwrap(), ["last"]);
}

async fn with_soft_delete(field: &str) -> AppHandle {
    let mut app = App::new();
    app.service("notes", Memory::<Note>::new().multi(true).paginate(Paginate::new(10)))
        .around("all", soft_delete(field))
        .publish(|_event, app| app.channel("all"));
    app.on_connect(|connection, app| app.channel("all").join(connection));
    app.start().await.unwrap()
}

fn with_deleted() -> Params {
    let mut params = Params::new();
    params.insert(WithDeleted);
    params
}

#[tokio::test]
async fn what_is_soft_deleted_is_gone_for_reads_and_writes_and_stays_in_the_store() {
    for field in ["deleted", "deleted_at"] {
        let app = with_soft_delete(field).await;
        let mut client = Client::connect(&app).await;
        let notes = app.service("notes").unwrap();
        for text in ["a", "b", "c"] {
            notes.create(json!({ "text": text }), ()).await.unwrap();
        }
        let removed = client.service("notes").remove(Some(1.into())).await.unwrap();
        assert_eq!(removed["text"], "a", "{field}");
        let names: Vec<_> = client.events().iter().map(|event| event.event.clone()).collect();
        assert_eq!(names, ["created", "created", "created", "removed"], "{field}");

        let found = client.service("notes").find().await.unwrap();
        assert_eq!((&found["total"], &found["data"][0]["text"]), (&json!(2), &json!("b")), "{field}");
        for code in [
            client.service("notes").get(1).await.unwrap_err().code(),
            client.service("notes").patch(Some(1.into()), json!({ "text": "x" })).await.unwrap_err().code(),
            client.service("notes").update(1, json!({ "text": "x" })).await.unwrap_err().code(),
            client.service("notes").remove(Some(1.into())).await.unwrap_err().code(),
            notes.get(1, ()).await.unwrap_err().code(),
        ] {
            assert_eq!(code, 404, "{field}");
        }
        // A query of the client's own does not get around it.
        for query in [json!({ "$and": [{ "id": 1 }] }), json!({ "$or": [{ "id": 1 }, { "text": "a" }] })] {
            assert_eq!(notes.find(query.clone()).await.unwrap().value().unwrap()["total"], 0, "{field} {query}");
        }

        let kept = notes.get(1, with_deleted()).await.unwrap();
        assert!(!matches!(kept.value().unwrap()[field], Value::Null | Value::Bool(false)), "{field}");
        assert_eq!(notes.find(with_deleted()).await.unwrap().value().unwrap()["total"], 3, "{field}");
        // All that match, and nothing of what is deleted already.
        let many = notes.remove(None, json!({ "text": { "$in": ["a", "b"] } })).await.unwrap();
        assert_eq!(many.value().unwrap().as_array().unwrap().len(), 1, "{field}");
        client.events();

        // Back again, and away for good.
        notes.patch(Id::from(1), json!({ "text": "quiet" }), with_deleted()).await.unwrap();
        notes.remove(Id::from(2), with_deleted()).await.unwrap();
        assert!(client.events().is_empty(), "{field}");
        let unmarked = if field == "deleted" { json!(false) } else { Value::Null };
        notes.patch(Id::from(1), json!({ field: unmarked }), with_deleted()).await.unwrap();
        assert_eq!(client.service("notes").get(1).await.unwrap()["text"], "quiet", "{field}");
        assert_eq!(notes.get(2, with_deleted()).await.unwrap_err().code(), 404, "{field}");
    }
}

#[tokio::test]
async fn a_client_does_not_mark_and_other_hooks_come_first() {
    let mut app = App::new();
    app.service("notes", Memory::<Note>::new())
        .around("all", soft_delete("deleted"))
        .before("remove", async |_ctx: &mut Context| Err(Error::forbidden("not you")))
        .before("find", async |ctx: &mut Context| {
            // Another hook that takes the whole query away.
            ctx.params.query.clear();
            Ok(())
        });
    app.service("wrong", Memory::<Note>::new()).around("all", soft_delete("text"));
    let app = app.start().await.unwrap();
    let client = Client::connect(&app).await;
    let notes = client.service("notes");
    notes.create(json!({ "text": "a" })).await.unwrap();
    for data in [json!({ "deleted": true }), json!({ "text": "b", "deleted": true })] {
        let error = notes.patch(Some(1.into()), data).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, "'deleted' is set by the server"));
    }
    assert_eq!(notes.remove(Some(1.into())).await.unwrap_err().code(), 403);
    assert_eq!(notes.get(1).await.unwrap()["text"], "a");
    assert_eq!(notes.remove(None).await.unwrap_err().code(), 403);
    let inside = app.service("notes").unwrap();
    inside.patch(Id::from(1), json!({ "deleted": true }), with_deleted()).await.unwrap();
    assert_eq!(notes.find().await.unwrap(), json!([]));
    assert_eq!(client.service("wrong").find().await.unwrap_err().code(), 500);
}

#[tokio::test]
async fn a_channel_leaves_fields_out() {
    let mut app = App::new();
    app.service("notes", Memory::<Note>::new())
        .publish_record(|note: &Note, _event, app| {
            vec![app.channel(("authors", note.author)), app.channel("all").without((Note::AUTHOR, ["deleted_at"]))]
        })
        .publish_event("removed", |_event, app: &AppHandle| {
            app.channel("all").send(json!({ "id": 1, "text": "own" })).without(["text"])
        });
    app.on_connect(|connection, app| app.channel("all").join(connection));
    let app = app.start().await.unwrap();
    let (mut own, mut other) = (Client::connect(&app).await, Client::connect(&app).await);
    app.channel(("authors", 3)).join(own.connection());
    let notes = app.service("notes").unwrap();
    notes.create(json!({ "text": "a", "author": 3, "secret": "s" }), ()).await.unwrap();
    let whole = json!({ "id": 1, "text": "a", "author": 3, "deleted": false, "deleted_at": null });
    assert_eq!(own.event().await.data, whole);
    assert_eq!(other.event().await.data, json!({ "id": 1, "text": "a", "deleted": false }));
    notes.remove(Id::from(1), ()).await.unwrap();
    assert_eq!(other.event().await.data, json!({ "id": 1 }));
}
