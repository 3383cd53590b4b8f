//! Fields that the server sets by itself: `set`, `set_on_change`, `created_at`, `updated_at`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use feathers::prelude::*;
use feathers::schema::SetContext;
use feathers::session::{Authenticator, HandshakeCredentials, Headers, Login};
use feathers::{Method, async_trait};
use feathers_testing::Client;
use serde_json::Value;

/// A ticket that says who made and changed it, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    title: String,
    #[service(set = current_user)]
    author_id: i64,
    #[service(set = region)]
    region: String,
    #[service(set = |_| NUMBER.fetch_add(1, Ordering::Relaxed))]
    number: i64,
    #[service(created_at)]
    made_at: i64,
    #[service(updated_at)]
    changed_at: Option<i64>,
    #[service(set_on_change = current_user)]
    changed_by: Option<String>,
    #[service(set_on_change = self::method)]
    last: String,
}

static NUMBER: AtomicI64 = AtomicI64::new(1);

fn region(call: &SetContext<'_>) -> Result<Option<String>> {
    match call.params().get::<Region>().map(|region| region.0.as_str()) {
        Some("moon") => Err(Error::forbidden("not on the moon")),
        Some(region) => Ok(Some(region.to_owned())),
        None => Ok(Some(format!("{} at {}", call.method(), call.path()))),
    }
}

fn method(call: &SetContext<'_>) -> String {
    call.method().to_string()
}

/// Takes what a hook has put among the parameters for the user.
struct Users;

#[derive(Clone)]
struct User(Value);

#[derive(Clone)]
struct Region(String);

#[async_trait]
impl Authenticator for Users {
    fn path(&self) -> &'static str {
        "authentication"
    }

    async fn admit(&self, _: &Connection, _: HandshakeCredentials, _: &AppHandle) -> Result<Option<Login>> {
        Ok(None)
    }

    async fn check_owner(&self, _: &Connection, _: &HandshakeCredentials, _: &Headers, _: &AppHandle) -> Result<()> {
        Ok(())
    }

    fn user(&self, params: &Params) -> Option<Payload> {
        params.get::<User>().map(|user| user.0.clone().into())
    }
}

async fn serve(sqlite: bool) -> AppHandle {
    let mut app = App::new();
    app.authenticator(Users);
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        app.service("tickets", database.store::<Ticket>().await.unwrap().multi(true));
    } else {
        app.service("tickets", Memory::<Ticket>::new().multi(true));
    }
    app.before("all", async |ctx: &mut Context| {
        if let Some(user) = ctx.params.query.remove("as") {
            ctx.params.insert(User(json!({ "id": user })));
        }
        if let Some(author) = ctx.params.query.remove("author") {
            ctx.data.object_mut()?.insert("author_id".to_owned(), author);
        }
        if let Some(region) = ctx.params.query.remove("region").as_ref().and_then(Value::as_str) {
            ctx.params.insert(Region(region.to_owned()));
        }
        Ok(())
    });
    app.start().await.unwrap()
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

#[tokio::test]
async fn a_new_record_says_who_made_it_and_when() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let tickets = client.service("tickets").query(json!({ "as": 7 }));
        let before = now();
        let ticket = tickets.create(json!({ "title": "a" })).await.unwrap();
        let made = ticket["made_at"].as_i64().unwrap();
        assert!((before..=now()).contains(&made), "{ticket}");
        assert_eq!((&ticket["author_id"], &ticket["changed_by"]), (&json!(7), &json!("7")));
        assert_eq!((&ticket["region"], &ticket["last"]), (&json!("create at tickets"), &json!("create")));
        assert_eq!(ticket["changed_at"], made, "a call has one instant");

        // A list runs once for each of its elements.
        let list = tickets.create(json!([{ "title": "b" }, { "title": "c" }])).await.unwrap();
        let number = |ticket: &Value| ticket["number"].as_i64().unwrap();
        assert!(number(&ticket) < number(&list[0]) && number(&list[0]) < number(&list[1]), "{list}");
        assert_eq!((&list[1]["author_id"], &list[0]["made_at"]), (&json!(7), &list[1]["made_at"]));

        // What a function returns instead of a value is the answer.
        let moon = client.service("tickets").query(json!({ "as": 7, "region": "moon" }));
        assert_eq!(moon.create(json!({ "title": "d" })).await.unwrap_err().code(), 403);
        let mars = client.service("tickets").query(json!({ "as": 7, "region": "mars" }));
        assert_eq!(mars.create(json!({ "title": "d" })).await.unwrap()["region"], "mars");
        assert_eq!(client.service("tickets").find().await.unwrap().as_array().unwrap().len(), 4);
    }
}

#[tokio::test]
async fn a_change_keeps_what_the_record_began_with() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let first = client.service("tickets").query(json!({ "as": 7 })).create(json!({ "title": "a" })).await.unwrap();
        let tickets = client.service("tickets").query(json!({ "as": 8 }));
        for (method, title) in [(Method::Update, "b"), (Method::Patch, "c")] {
            let data = json!({ "title": title });
            let changed = match method {
                Method::Update => tickets.update(1, data).await.unwrap(),
                _ => tickets.patch(Some(1.into()), data).await.unwrap(),
            };
            for field in ["author_id", "region", "number", "made_at"] {
                assert_eq!(changed[field], first[field], "{method} changes {field}");
            }
            assert!(changed["changed_at"].as_i64() >= first["changed_at"].as_i64(), "{changed}");
            assert_eq!((&changed["changed_by"], &changed["last"]), (&json!("8"), &json!(method.name())));
        }
        let all = tickets.patch(None, json!({ "title": "d" })).await.unwrap();
        assert_eq!((&all[0]["changed_by"], &all[0]["last"]), (&json!("8"), &json!("patch")));
    }
}

#[tokio::test]
async fn a_client_without_a_user_is_refused_and_a_call_from_inside_names_one() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let tickets = client.service("tickets");
        for data in [json!({ "title": "a" }), json!([{ "title": "a" }])] {
            assert_eq!(tickets.create(data).await.unwrap_err().code(), 401);
        }
        assert_eq!(tickets.find().await.unwrap(), json!([]), "nothing is stored");

        let inside = app.service("tickets").unwrap();
        let error = inside.create(json!({ "title": "a" }), ()).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, "must have required property 'author_id'"));
        let made = json!({ "title": "a", "author_id": 3, "made_at": 1, "changed_at": null });
        let ticket = inside.create(made, ()).await.unwrap();
        let ticket = ticket.value().unwrap();
        // What is set already stays, and an `Option` that nothing sets is `null`.
        assert_eq!((&ticket["author_id"], &ticket["made_at"]), (&json!(3), &json!(1)));
        assert_eq!((&ticket["changed_at"], &ticket["changed_by"]), (&Value::Null, &Value::Null));
        let typed = app.typed::<Ticket>("tickets").unwrap();
        assert_eq!(
            typed.create(TicketData { id: None, title: "b".to_owned() }, json!({ "as": 9 })).await.unwrap().author_id,
            9
        );
    }
}

#[tokio::test]
async fn clients_set_none_of_it_and_hooks_do() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let tickets = client.service("tickets").query(json!({ "as": 7 }));
        tickets.create(json!({ "title": "a" })).await.unwrap();
        for (field, value) in [
            ("author_id", json!(7)),
            ("made_at", json!(0)),
            ("changed_at", Value::Null),
            ("changed_by", json!("x")),
            ("number", json!(1)),
        ] {
            let data = json!({ "title": "x", field: value });
            for refused in [
                tickets.create(data.clone()).await,
                tickets.update(1, data.clone()).await,
                tickets.patch(Some(1.into()), data).await,
            ] {
                let error = refused.unwrap_err();
                let mistake = &error.data().unwrap()[0];
                assert_eq!(
                    (&mistake["instancePath"], &mistake["message"]),
                    (&json!(format!("/{field}")), &json!("must NOT be set"))
                );
            }
        }
        let hooked = client.service("tickets").query(json!({ "as": 7, "author": 99 }));
        assert_eq!(hooked.create(json!({ "title": "b" })).await.unwrap()["author_id"], 99);
        assert_eq!(hooked.patch(Some(1.into()), json!({})).await.unwrap()["author_id"], 99);
    }
}
