//! Fields that the server sets or hides: hooks set them, clients do not, and a `PUT` leaves them as they are.

use feathers::prelude::*;
use feathers_testing::Client;
use serde_json::Value;
use uuid::Uuid;

/// A note with an author.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Note {
    #[service(id)]
    id: i64,
    text: String,
    #[serde(alias = "writer")]
    #[service(server)]
    author: i64,
    #[service(server)]
    mark: Option<Uuid>,
}

/// A user with secrets.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    name: String,
    #[service(hidden, length(4..))]
    password: String,
    #[service(hidden)]
    key: Option<String>,
    #[service(hidden, default = "none")]
    note: String,
    #[service(hidden, server, default = 3)]
    tries: i64,
}

const MARK: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

/// Sets the author, if the query asks for that.
async fn sign(ctx: &mut Context) -> Result<()> {
    let Some(author) = ctx.params.query.remove("as") else { return Ok(()) };
    match ctx.data.value_mut()? {
        Value::Array(notes) => notes.iter_mut().for_each(|note| note["author"] = author.clone()),
        note => note["author"] = author,
    }
    Ok(())
}

/// Reads the data and writes it again, so that its text changes and its meaning does not.
async fn rewrite(ctx: &mut Context) -> Result<()> {
    if ctx.params.query.remove("rewrite").is_some() {
        ctx.data = Payload::new(ctx.data.decode::<NoteDraft>()?);
    }
    Ok(())
}

async fn serve(sqlite: bool) -> AppHandle {
    let mut app = App::new();
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        app.service("notes", database.store::<Note>().await.unwrap().multi(true));
        app.service("users", database.store::<User>().await.unwrap());
    } else {
        app.service("notes", Memory::<Note>::new().multi(true));
        app.service("users", Memory::<User>::new());
    }
    app.before(["create", "update", "patch"], sign).before(["create", "update"], rewrite);
    app.start().await.unwrap()
}

/// Returns the fields of the mistakes, and the messages.
fn mistakes(result: Result<Value>) -> Vec<(String, String)> {
    let error = result.unwrap_err();
    assert_eq!(error.code(), 400, "{error:?}");
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let items = error.data().and_then(Value::as_array).cloned().unwrap_or_default();
    items.iter().map(|item| (text(item, "instancePath"), text(item, "message"))).collect()
}

fn refused(place: &str) -> Vec<(String, String)> {
    vec![(place.to_owned(), "must NOT be set".to_owned())]
}

#[tokio::test]
async fn hooks_set_what_clients_cannot() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let plain = client.service("notes");
        let signed = client.service("notes").query(json!({ "as": 7 }));
        let note = |id: i64, text: &str| json!({ "id": id, "text": text, "author": 7, "mark": null });

        assert_eq!(signed.create(json!({ "text": "a" })).await.unwrap(), note(1, "a"));
        assert_eq!(
            signed.create(json!([{ "text": "b" }, { "text": "c" }])).await.unwrap(),
            json!([note(2, "b"), note(3, "c")])
        );
        assert_eq!(signed.update(1, json!({ "text": "d" })).await.unwrap(), note(1, "d"));
        assert_eq!(plain.update(1, json!({ "text": "e" })).await.unwrap(), note(1, "e"), "it stays as it is");
        let other = client.service("notes").query(json!({ "as": 8 }));
        assert_eq!(other.patch(Some(1.into()), json!({ "text": "f" })).await.unwrap()["author"], 8);
        assert_eq!(signed.patch(None, json!({ "text": "g" })).await.unwrap()[2], note(3, "g"));

        // A value that the hook has overwritten is no longer the client's.
        assert_eq!(signed.create(json!({ "text": "h", "author": 5 })).await.unwrap(), note(4, "h"));
        assert_eq!(mistakes(signed.create(json!({ "text": "h", "author": 7 })).await), refused("/author"));

        for data in [json!({ "text": "x", "author": 5 }), json!({ "text": "x", "writer": 5 })] {
            assert_eq!(mistakes(plain.create(data.clone()).await), refused("/author"));
            assert_eq!(mistakes(plain.create(json!([{ "text": "y" }, data])).await), refused("/author"));
            assert_eq!(mistakes(plain.update(1, data.clone()).await), refused("/author"));
            assert_eq!(mistakes(plain.patch(Some(1.into()), data.clone()).await), refused("/author"));
            assert_eq!(mistakes(plain.patch(None, data).await), refused("/author"));
        }
        assert_eq!(mistakes(plain.create(json!({ "text": "x", "mark": null })).await), refused("/mark"));
        let everything = mistakes(plain.create(json!({ "text": 1, "author": 5, "colour": "red" })).await);
        assert_eq!(everything.len(), 3, "{everything:?}");

        let rewritten = client.service("notes").query(json!({ "rewrite": true }));
        let loud = json!({ "text": "x", "mark": MARK.to_uppercase() });
        assert_eq!(mistakes(rewritten.create(loud).await), refused("/mark"));
        assert_eq!(plain.find().await.unwrap().as_array().unwrap().len(), 4, "nothing was stored");

        let inside = app.service("notes").unwrap();
        let made = inside.create(json!({ "text": "i", "author": 9, "mark": MARK }), ()).await.unwrap();
        assert_eq!(*made.value().unwrap(), json!({ "id": 5, "text": "i", "author": 9, "mark": MARK }));
        let changed = inside.patch(Some(5.into()), json!({ "author": 1 }), ()).await.unwrap();
        assert_eq!(changed.value().unwrap()["author"], 1);
    }
}

#[tokio::test]
async fn a_put_leaves_what_clients_cannot_see() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let users = client.service("users");
        let inside = app.service("users").unwrap();
        let stored = async || inside.get(1, ()).await.unwrap().value().unwrap().clone();

        let missing = mistakes(users.create(json!({ "name": "Ann" })).await);
        assert_eq!(missing, [(String::new(), "must have required property 'password'".to_owned())]);
        let missing = mistakes(users.create(json!({ "name": 1 })).await);
        assert_eq!(missing.len(), 2, "{missing:?}");

        let data = json!({ "name": "Ann", "password": "hush", "key": "k", "note": "n" });
        let seen = users.create(data).await.unwrap();
        assert_eq!(seen, json!({ "id": 1, "name": "Ann" }));
        let whole = json!({ "id": 1, "name": "Ann", "password": "hush", "key": "k", "note": "n", "tries": 3 });
        assert_eq!(stored().await, whole);

        // A client writes back what it has read.
        users.update(1, json!({ "name": "Bob" })).await.unwrap();
        let expected = json!({ "id": 1, "name": "Bob", "password": "hush", "key": "k", "note": "n", "tries": 3 });
        assert_eq!(stored().await, expected);
        users.update(1, json!({ "name": "Bob", "password": "other", "key": null })).await.unwrap();
        let expected = json!({ "id": 1, "name": "Bob", "password": "other", "key": null, "note": "n", "tries": 3 });
        assert_eq!(stored().await, expected);
        assert_eq!(mistakes(users.update(1, json!({ "name": "Bob", "password": "abc" })).await).len(), 1);
        assert_eq!(mistakes(users.update(1, json!({ "name": "Bob", "tries": 0 })).await), refused("/tries"));

        inside.update(1, json!({ "name": "Cleo", "tries": 4 }), ()).await.unwrap();
        let expected = json!({ "id": 1, "name": "Cleo", "password": "other", "key": null, "note": "n", "tries": 4 });
        assert_eq!(stored().await, expected);
        let typed = app.typed::<User>("users").unwrap();
        let error = typed.create(UserData { password: None, ..user() }, ()).await.unwrap_err();
        assert_eq!(error.code(), 400);
        assert_eq!(typed.create(user(), ()).await.unwrap().password, "hush");
    }
}

fn user() -> UserData {
    UserData { id: None, name: "Dan".to_owned(), password: Some("hush".to_owned()), key: None, note: None }
}
