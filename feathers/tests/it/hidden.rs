//! Hidden fields never leave, whatever returns the record; hooks, publishers and listeners see whole records.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use feathers::Method;
use feathers::app::Page;
use feathers::event::Channel;
use feathers::prelude::*;
use feathers::schema::Record;
use feathers::store::{MemoryStore, Store};
use feathers_testing::Client;
use serde_json::Value;

/// A user with a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    name: String,
    #[service(default)]
    room: i64,
    #[service(hidden)]
    password: String,
}

/// A record that is mounted nowhere, and has another name on the wire.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[serde(rename = "Purse")]
struct Account {
    #[service(id)]
    id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[service(hidden)]
    pin: String,
}

fn ann() -> User {
    User { id: 1, name: "Ann".to_owned(), room: 3, password: "hush".to_owned() }
}

fn public() -> Value {
    json!({ "id": 1, "name": "Ann", "room": 3 })
}

/// Serves users from memory or SQLite; all clients get their events.
async fn serve(sqlite: bool, more: impl FnOnce(&mut App)) -> AppHandle {
    let mut app = App::new();
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        let users = database.store::<User>().await.unwrap();
        app.service("users", users.multi(true).paginate(Paginate::new(10)));
    } else {
        app.service("users", Memory::<User>::new().multi(true).paginate(Paginate::new(10)));
    }
    app.publish(|_event, app: &AppHandle| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    more(&mut app);
    app.start().await.unwrap()
}

#[tokio::test]
async fn events_of_calls_from_inside_do_not_carry_hidden_fields() {
    let app = serve(false, |_| ()).await;
    let mut client = Client::connect(&app).await;

    let users = app.service("users").unwrap();
    let ann = users.create(json!({ "name": "Ann", "password": "hush" }), ()).await.unwrap();
    assert_eq!(ann.value().unwrap()["password"], "hush", "callers on the server see everything");
    users.create(json!([{ "name": "Bob", "password": "hush" }]), ()).await.unwrap();
    users.patch(None, json!({ "name": "Cleo" }), ()).await.unwrap();
    users.remove(Some(1.into()), ()).await.unwrap();

    let heard = client.events();
    assert_eq!(heard.len(), 5);
    for event in heard {
        assert_eq!(event.data.get("password"), None, "{event:?}");
    }
}

#[tokio::test]
async fn hooks_cannot_let_hidden_fields_out_by_accident() {
    let app = serve(false, |app| {
        app.after("create", async |ctx: &mut Context| {
            // Reads from inside, where nothing is hidden.
            let all = ctx.app().service(ctx.path())?.get(1, ()).await?;
            ctx.result = Some(all);
            Ok(())
        });
        app.after("patch", async |ctx: &mut Context| {
            // A whole page that is JSON of the hook's own.
            let all = ctx.app().service(ctx.path())?.find(()).await?;
            ctx.dispatch = Some(all.value()?.clone().into());
            Ok(())
        });
        app.after("update", async |ctx: &mut Context| {
            // A record put into another, as JSON and in part.
            let user = ctx.app().service(ctx.path())?.get(1, ()).await?;
            let mut part = user.value()?.clone();
            part.as_object_mut().unwrap().remove("room");
            let result = ctx.result.as_mut().unwrap().object_mut()?;
            result.insert("author".to_owned(), user.value()?.clone());
            result.insert("readers".to_owned(), json!([{ "user": part }]));
            Ok(())
        });
    })
    .await;
    let mut client = Client::connect(&app).await;
    let users = client.service("users");

    let created = users.create(json!({ "name": "Ann", "room": 3, "password": "hush" })).await.unwrap();
    assert_eq!(created, public());
    let page = users.patch(Some(1.into()), json!({ "name": "Ann" })).await.unwrap();
    assert_eq!(page, json!({ "total": 1, "limit": 10, "skip": 0, "data": [public()] }));
    let data = json!({ "name": "Ann", "room": 3, "password": "hush" });
    let updated = users.update(1, data).await.unwrap();
    let part = json!({ "id": 1, "name": "Ann" });
    let expected = json!({ "id": 1, "name": "Ann", "room": 3, "author": public(), "readers": [{ "user": part }] });
    assert_eq!(updated, expected);
    let heard: Vec<Value> = client.events().into_iter().map(|event| event.data).collect();
    assert_eq!(heard, [created, page, updated]);
}

#[tokio::test]
async fn hooks_see_whole_records() {
    for sqlite in [false, true] {
        let seen: Arc<Mutex<Vec<User>>> = Arc::default();
        let hook = seen.clone();
        let app = serve(sqlite, move |app| {
            let see = async |seen: &Arc<Mutex<Vec<User>>>, ctx: &mut Context| {
                let result = ctx.result.clone().unwrap_or_default();
                let users = match *ctx.method() {
                    Method::Find => result.decode::<Page<User>>()?.data,
                    _ => match result.items()? {
                        Some(items) => items.iter().map(Payload::decode).collect::<Result<_>>()?,
                        None => vec![result.decode::<User>()?],
                    },
                };
                seen.lock().unwrap().extend(users);
                Ok(())
            };
            app.after("all", hook::with_state(hook, see));
        })
        .await;
        let client = Client::connect(&app).await;
        let users = client.service("users");
        let data = json!({ "name": "Ann", "room": 3, "password": "hush" });
        assert_eq!(users.create(data.clone()).await.unwrap(), public());
        assert_eq!(users.get(1).await.unwrap(), public());
        assert_eq!(users.find().await.unwrap()["data"], json!([public()]));
        assert_eq!(users.update(1, data).await.unwrap(), public());
        assert_eq!(users.patch(None, json!({ "room": 3 })).await.unwrap(), json!([public()]));
        let chosen = client.service("users").query(json!({ "$select": ["name"] }));
        assert_eq!(chosen.get(1).await.unwrap(), json!({ "id": 1, "name": "Ann" }));
        assert_eq!(chosen.remove(Some(1.into())).await.unwrap(), json!({ "id": 1, "name": "Ann" }));
        assert_eq!(*seen.lock().unwrap(), vec![ann(); 7], "sqlite: {sqlite}");
    }
}

#[tokio::test]
async fn a_selection_takes_away_what_is_in_the_schema_and_leaves_what_hooks_add() {
    let app = serve(false, |app| {
        app.service("notes", Memory::<Document>::new());
        app.after("all", async |ctx: &mut Context| {
            let result = ctx.result.as_mut().unwrap().value_mut()?;
            let records = if result.get("total").is_some() { &mut result["data"] } else { result };
            let record = if records.is_array() { &mut records[0] } else { records };
            record["greeting"] = json!(format!("Hello {}", record["name"].as_str().unwrap_or_default()));
            Ok(())
        });
    })
    .await;
    let client = Client::connect(&app).await;
    for path in ["users", "notes"] {
        let data = json!({ "name": "Ann", "room": 3, "password": "hush" });
        let chosen = client.service(path).query(json!({ "$select": ["room"] }));
        let expected = json!({ "id": 1, "room": 3, "greeting": "Hello Ann" });
        assert_eq!(chosen.create(data).await.unwrap(), expected, "{path}");
        assert_eq!(chosen.get(1).await.unwrap(), expected, "{path}");
        let found = chosen.find().await.unwrap();
        let found = if path == "users" { found["data"][0].clone() } else { found[0].clone() };
        assert_eq!(found, expected, "{path}");
        // Callers on the server select as clients do.
        let inside = app.service(path).unwrap().get(1, json!({ "$select": ["room"] })).await.unwrap();
        assert_eq!(*inside.value().unwrap(), expected, "{path}");
    }
}

#[tokio::test]
async fn events_are_of_whole_records_whatever_the_caller_selects() {
    for sqlite in [false, true] {
        let seen: Arc<Mutex<Vec<User>>> = Arc::default();
        let (published, listened) = (seen.clone(), seen.clone());
        let app = serve(sqlite, move |app| {
            app.publish(move |event, app| {
                // A field that the caller does not select chooses the channel.
                let user: User = event.data.decode().unwrap();
                let channel = app.channel(format!("room {}", user.room));
                published.lock().unwrap().push(user);
                channel
            });
            app.on_event("users", "removed", move |event, _| {
                listened.lock().unwrap().push(event.data.decode().unwrap());
            });
            app.on_connect(|connection, app| app.channel("room 3").join(connection));
        })
        .await;
        let mut client = Client::connect(&app).await;
        let chosen = client.service("users").query(json!({ "$select": ["name"] }));
        let short = json!({ "id": 1, "name": "Ann" });
        let data = json!({ "name": "Ann", "room": 3, "password": "hush" });
        assert_eq!(chosen.create(data.clone()).await.unwrap(), short);
        assert_eq!(chosen.update(1, data).await.unwrap(), short);
        assert_eq!(chosen.patch(Some(1.into()), json!({ "room": 3 })).await.unwrap(), short);
        assert_eq!(chosen.patch(None, json!({ "room": 3 })).await.unwrap(), json!([short]));
        assert_eq!(chosen.remove(Some(1.into())).await.unwrap(), short);
        let heard: Vec<Value> = client.events().into_iter().map(|event| event.data).collect();
        assert_eq!(heard, vec![public(); 5], "sqlite: {sqlite}");
        assert_eq!(*seen.lock().unwrap(), vec![ann(); 6]);
    }
}

/// Everything that a service written by hand may return, by the name of the method.
struct ByHand {
    accounts: MemoryStore<Account>,
}

#[derive(Clone, Serialize)]
struct Envelope {
    user: User,
    shared: Arc<User>,
    maybe: Option<Box<User>>,
    both: (i64, User),
    note: &'static str,
}

#[derive(Clone, Serialize)]
enum Answer {
    One(User),
    Named { user: User },
}

#[derive(Serialize)]
struct Flat {
    fresh: bool,
    #[serde(flatten)]
    user: User,
}

#[derive(Serialize)]
struct Around {
    inner: Payload,
}

#[service(events("joined"))]
impl ByHand {
    async fn create(&self, _data: Value) -> Result<User> {
        Ok(ann())
    }

    async fn find(&self) -> Result<Vec<User>> {
        Ok(vec![ann(), ann()])
    }

    async fn get(&self, id: String, params: &Params) -> Result<Payload> {
        let _ = params;
        let envelope = Envelope {
            user: ann(),
            shared: Arc::new(ann()),
            maybe: Some(Box::new(ann())),
            both: (1, ann()),
            note: "password",
        };
        Ok(match id.as_str() {
            "page" => Payload::new(Page { total: 1, limit: 1, skip: 0, data: vec![ann()] }),
            "map" => Payload::new(BTreeMap::from([("ann", ann())])),
            "lists" => Payload::new(HashMap::from([("all", vec![vec![ann()]])])),
            "struct" => Payload::new(envelope),
            "enum" => Payload::new([Answer::One(ann()), Answer::Named { user: ann() }]),
            "flat" => Payload::new(Flat { fresh: true, user: ann() }),
            "json" => Payload::new(json!({ "deep": [{ "user": ann() }] })),
            "value" => json!({ "deep": [{ "user": ann() }] }).into(),
            "text" => Payload::from_json(serde_json::to_vec(&vec![ann()])?.into())?,
            "escaped" => {
                let text = serde_json::to_string(&ann())?.replace("password", "\\u0070assword");
                Payload::from_json(text.into_bytes().into())?
            }
            "payload" => Payload::new(Around { inner: Payload::new(ann()) }),
            _ => Payload::NULL,
        })
    }

    #[method]
    async fn account(&self, data: Value) -> Result<Account> {
        let data = serde_json::from_value(data)?;
        let accounts = self.accounts.create(vec![data], &feathers::store::StoreContext::NONE).await?;
        Ok(Account::clone(&accounts[0]))
    }
}

#[tokio::test]
async fn records_returned_by_hand_leave_without_hidden_fields() {
    let app = serve(false, |app| {
        app.service("byHand", ByHand { accounts: MemoryStore::new(Account::schema()) });
    })
    .await;
    let mut client = Client::connect(&app).await;
    let service = client.service("byHand");
    assert_eq!(service.create(json!({})).await.unwrap(), public());
    assert_eq!(service.find().await.unwrap(), json!([public(), public()]));
    let deep = json!({ "deep": [{ "user": public() }] });
    for (id, expected) in [
        ("page", json!({ "total": 1, "limit": 1, "skip": 0, "data": [public()] })),
        ("map", json!({ "ann": public() })),
        ("lists", json!({ "all": [[public()]] })),
        (
            "struct",
            json!({
                "user": public(), "shared": public(), "maybe": public(), "both": [1, public()], "note": "password"
            }),
        ),
        ("enum", json!([{ "One": public() }, { "Named": { "user": public() } }])),
        ("flat", json!({ "fresh": true, "id": 1, "name": "Ann", "room": 3 })),
        ("json", deep.clone()),
        ("value", deep),
        ("text", json!([public()])),
        ("escaped", public()),
        ("payload", json!({ "inner": public() })),
    ] {
        assert_eq!(service.get(id).await.unwrap(), expected, "{id}");
    }
    let account = service.call("account", json!({ "owner": "Ann", "pin": "1234" })).await.unwrap();
    assert_eq!(account, json!({ "id": 1, "owner": "Ann" }));
    let nobodys = service.call("account", json!({ "pin": "1234" })).await.unwrap();
    assert_eq!(nobodys, json!({ "id": 2 }));
    assert_eq!(client.event().await.data, public(), "the sign-up is published");

    let inside = app.service("byHand").unwrap().create(json!({}), ()).await.unwrap();
    assert_eq!(inside.value().unwrap()["password"], "hush", "callers on the server see everything");
}

#[tokio::test]
async fn custom_events_and_payloads_of_publishers_hide_too() {
    let app = serve(false, |app| {
        app.service("byHand", ByHand { accounts: MemoryStore::new(Account::schema()) });
        app.publish_event("joined", |event, app| app.channel("everyone").send(event.data.clone()));
        app.publish_event("created", |event, app: &AppHandle| -> Channel {
            // JSON of the record, without a field that the publisher removes.
            let mut data = event.data.value().unwrap().clone();
            data.as_object_mut().unwrap().retain(|name, _| name == "id" || name == "password");
            app.channel("everyone").send(data)
        });
    })
    .await;
    let mut client = Client::connect(&app).await;
    let service = app.service("byHand").unwrap();
    service.emit("joined", Payload::new(ann()));
    service.emit("joined", json!({ "user": ann() }));
    app.service("users").unwrap().create(json!({ "name": "Ann", "password": "hush" }), ()).await.unwrap();
    let heard: Vec<Value> = client.events().into_iter().map(|event| event.data).collect();
    assert_eq!(heard, [public(), json!({ "user": public() }), json!({ "id": 1 })]);
}

#[tokio::test]
async fn errors_hide_too() {
    let app = serve(false, |app| {
        app.before("create", async |_: &mut Context| {
            Err(Error::conflict("taken").with_data(json!({ "by": ann() })).with_errors(json!([ann()])))
        });
    })
    .await;
    let client = Client::connect(&app).await;
    let error = client.service("users").create(json!({})).await.unwrap_err();
    assert_eq!(error.data(), Some(&json!({ "by": public() })));
    assert_eq!(error.errors(), Some(&json!([public()])));
    let inside = app.service("users").unwrap().create(json!({}), ()).await.unwrap_err();
    assert_eq!(inside.data().unwrap()["by"]["password"], "hush");
}

/// A service over any type: at compile time nothing is known of the type.
struct Echo<T>(T);

#[service]
impl<T: Clone + Serialize + Send + Sync + 'static> Echo<T> {
    async fn find(&self) -> Result<Vec<T>> {
        Ok(vec![self.0.clone()])
    }
}

#[tokio::test]
async fn generic_code_hides_too() {
    let app = serve(false, |app| {
        app.service("users2", Echo(ann()));
        app.service("answers", Echo(Answer::One(ann())));
    })
    .await;
    let client = Client::connect(&app).await;
    assert_eq!(client.service("users2").find().await.unwrap(), json!([public()]));
    assert_eq!(client.service("answers").find().await.unwrap(), json!([{ "One": public() }]));
}

mod other {
    use super::{Deserialize, Serialize, Service};

    /// A record of the same name, from which nothing is hidden.
    #[derive(Clone, Serialize, Deserialize, Service)]
    pub(super) struct User {
        #[service(id)]
        pub(super) id: i64,
        pub(super) password: String,
    }

    /// No record, but with the name of one; it may hold one in disguise.
    pub(super) mod plain {
        use super::Serialize;

        #[derive(Clone, Serialize)]
        pub(in super::super) struct User {
            pub(in super::super) password: String,
            pub(in super::super) other: i64,
        }
    }
}

#[tokio::test]
async fn records_of_one_name_are_told_apart() {
    let app = serve(false, |app| {
        app.service("others", Echo(other::User { id: 1, password: "mine".to_owned() }));
        app.service("plain", Echo(other::plain::User { password: "?".to_owned(), other: 1 }));
    })
    .await;
    let client = Client::connect(&app).await;
    assert_eq!(client.service("others").find().await.unwrap(), json!([{ "id": 1, "password": "mine" }]));
    assert_eq!(client.service("plain").find().await.unwrap(), json!([{ "other": 1 }]));
}
