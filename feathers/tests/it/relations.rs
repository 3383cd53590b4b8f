//! Related records: who gets them, in answers and in events, and what it costs.

mod filters;
mod lists;
mod rights;
mod support;

use feathers::prelude::*;
use feathers::schema::Related;
use feathers_testing::Client;
use serde_json::Value;

use self::support::{Counts, Message, MessageData, User, UserData, find, get, seed, serve};

fn ann() -> Value {
    json!({ "id": 1, "name": "Ann", "email": "ann@example.com" })
}

#[tokio::test]
async fn a_related_record_is_in_answers_and_events_and_nowhere_else() {
    for sqlite in [false, true] {
        let app = serve(sqlite, |app| {
            app.messages.populate(["user"]);
        })
        .await;
        seed(&app).await;
        let mut client = Client::connect(&app).await;
        assert_eq!(
            get(&client, "messages", 1, json!({})).await.unwrap(),
            json!({ "id": 1, "text": "one", "userId": 1, "user": ann() })
        );
        let found = find(&client, "messages", json!({ "$sort": { "id": 1 } })).await.unwrap();
        let users: Vec<&Value> = found.as_array().unwrap().iter().map(|message| &message["user"]["name"]).collect();
        assert_eq!(json!(users), json!(["Ann", "Bob", "Ann", null, null]));
        assert_eq!(found[3], json!({ "id": 4, "text": "lost", "userId": 9, "user": null }));

        // A selection is of the record's own fields.
        let selected = get(&client, "messages", 1, json!({ "$select": ["text"] })).await.unwrap();
        assert_eq!(selected, json!({ "id": 1, "text": "one", "user": ann() }));

        let messages = client.service("messages");
        let created = messages.create(json!({ "text": "new", "userId": 2 })).await.unwrap();
        assert_eq!(created["user"]["name"], "Bob");
        messages.patch(Some(6.into()), json!({ "userId": 1 })).await.unwrap();
        messages.remove(Some(6.into())).await.unwrap();
        let events = client.events();
        let told: Vec<_> = events.iter().map(|event| (&*event.event, event.data["user"]["name"].clone())).collect();
        assert_eq!(json!(told), json!([["created", "Bob"], ["patched", "Ann"], ["removed", "Ann"]]));
        assert!(events.iter().all(|event| event.data["user"].get("password").is_none()), "{events:?}");

        // Code of the server asks for what it needs.
        let inside = app.typed::<Message>("messages").unwrap();
        assert!(inside.get(1, ()).await.unwrap().user.is_absent());
        let asked = inside.get(1, json!({ "$populate": "user" })).await.unwrap();
        assert_eq!(asked.user.get().map(|user| &*user.password), Some("hush"), "the server sees whole records");
    }
}

#[tokio::test]
async fn data_with_a_related_record_is_refused() {
    let app = serve(false, |app| {
        app.messages.populate(["user"]);
    })
    .await;
    seed(&app).await;
    let client = Client::connect(&app).await;
    let messages = client.service("messages");
    for error in [
        messages.create(json!({ "text": "x", "user": { "id": 1 } })).await.unwrap_err(),
        messages.update(1, json!({ "text": "x", "user": null })).await.unwrap_err(),
        messages.patch(Some(1.into()), json!({ "user": ann() })).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), 400);
        assert_eq!(error.data().unwrap()[0]["params"]["additionalProperty"], "user");
    }
}

#[tokio::test]
async fn one_query_for_a_relation_and_a_page() {
    let (mut counts, mut app) = (Counts::default(), App::new());
    let messages = counts.memory::<Message>();
    app.service("messages", messages).populate(["user"]).publish(|_, app| app.channel("everyone"));
    app.service("users", counts.memory::<User>());
    let app = app.start().await.unwrap();
    let users = app.typed::<User>("users").unwrap();
    let messages = app.typed::<Message>("messages").unwrap();
    for id in 1..=100 {
        let data = UserData { id: None, name: format!("u{id}"), email: format!("{id}@x"), password: Some("p".into()) };
        users.create(data, ()).await.unwrap();
        messages.create(MessageData { id: None, text: "x".into(), user_id: Some(id) }, ()).await.unwrap();
    }
    let client = Client::connect(&app).await;
    counts.take();
    let found = client.service("messages").find().await.unwrap();
    assert_eq!(found.as_array().unwrap().len(), 100);
    assert!(found.as_array().unwrap().iter().all(|message| message["user"]["id"] == message["userId"]));
    assert_eq!(counts.take(), [1, 1], "messages and users");

    // For a call with several events, too: once for the answer, and once for all events.
    counts.take();
    let created = json!([{ "text": "a", "userId": 1 }, { "text": "b", "userId": 2 }]);
    client.service("messages").create(created).await.unwrap();
    assert_eq!(counts.take(), [0, 2]);

    // Nothing is asked where nothing refers to anything.
    counts.take();
    client.service("messages").create(json!({ "text": "a" })).await.unwrap();
    assert_eq!(counts.take(), [0, 0]);
}

#[tokio::test]
async fn clients_ask_for_what_the_service_allows() {
    let app = serve(false, |app| {
        app.messages.allow_populate([("user", ["name"])]);
    })
    .await;
    seed(&app).await;
    let mut client = Client::connect(&app).await;
    let shown = json!({ "id": 1, "name": "Ann" });
    let one = async |query: Value| get(&client, "messages", 1, query).await;
    assert_eq!(one(json!({})).await.unwrap().get("user"), None);
    for asked in [json!("user"), json!(["user"]), json!({ "user": {} }), json!({ "user": "true" })] {
        assert_eq!(one(json!({ "$populate": asked })).await.unwrap()["user"], shown, "{asked}");
    }
    let some = one(json!({ "$populate": { "user": { "$select": ["id"] } } })).await.unwrap();
    assert_eq!(some["user"], json!({ "id": 1 }));

    let refused = [
        (json!("room"), "$populate: 'room' cannot be populated; what can be is 'user'"),
        (json!("user.messages"), "$populate: 'user.messages' cannot be populated; what can be is 'user'"),
        (json!("user.messages.user"), "$populate is 2 levels deep at most, and 'user.messages.user' is deeper"),
        (json!(7), "$populate must be a name, a list of names, or an object of names"),
        (json!([7]), "$populate must be a list of names"),
        (json!({ "user": 7 }), "$populate: 'user' must be true, or an object with $select, $limit, $sort or $populate"),
        (
            json!({ "user": { "$skip": 1 } }),
            "$populate: 'user' cannot have '$skip'; it may have $select, $limit, $sort and $populate",
        ),
        (json!({ "user": { "$limit": 1 } }), "$populate: 'user' is one record, and has no $limit and no $sort"),
        (json!({ "user": { "$select": ["email"] } }), "$populate: 'user' does not show 'email'; it shows 'name', 'id'"),
    ];
    for (asked, words) in refused {
        let query = json!({ "$populate": asked });
        for error in [
            one(query.clone()).await.unwrap_err(),
            client
                .service("messages")
                .query(query)
                .patch(Some(1.into()), json!({ "text": "changed" }))
                .await
                .unwrap_err(),
        ] {
            assert_eq!((error.code(), error.message()), (400, words), "{asked}");
        }
    }
    for hidden in ["password", "unknown"] {
        let asked = json!({ "$populate": { "user": { "$select": [hidden] } } });
        assert_eq!(one(asked).await.unwrap_err().code(), 400);
    }
    assert_eq!(one(json!({})).await.unwrap()["text"], "one", "nothing was changed by the calls that were refused");

    // What a caller asks for is in the answer, and not in the event.
    let query = json!({ "$populate": "user" });
    let patched = client.service("messages").query(query).patch(Some(1.into()), json!({ "text": "x" })).await.unwrap();
    assert_eq!(patched["user"], shown);
    let events: Vec<Value> = client.events().into_iter().map(|event| event.data).collect();
    assert_eq!(events, [json!({ "id": 1, "text": "x", "userId": 1 })]);
}

#[tokio::test]
async fn what_a_service_refuses_its_caller_is_null() {
    let app = serve(false, |app| {
        app.messages.populate(["user"]);
        app.users.before("find", async |_: &mut Context| Err::<(), _>(Error::forbidden("no")));
    })
    .await;
    seed(&app).await;
    let client = Client::connect(&app).await;
    let message = get(&client, "messages", 1, json!({})).await.unwrap();
    assert_eq!(message["user"], Value::Null);
}

#[tokio::test]
async fn hooks_see_related_records_as_their_type_and_as_json_without_what_is_hidden() {
    let app = serve(false, |app| {
        app.messages.populate(["user"]);
        app.messages.after("get", async |ctx: &mut Context| {
            let result = ctx.result.as_mut().unwrap();
            let user: Option<&Related<User>> = result.downcast_ref::<Message>().map(|message| &message.user);
            assert_eq!(user.unwrap().get().unwrap().name, "Ann");
            let value = result.value_mut()?;
            assert_eq!(value["user"].get("password"), None);
            value["seen"] = true.into();
            Ok::<_, Error>(())
        });
        app.messages.after("patch", async |ctx: &mut Context| {
            ctx.result.as_mut().unwrap().value_mut()?["seen"] = true.into();
            Ok::<_, Error>(())
        });
    })
    .await;
    seed(&app).await;
    let mut client = Client::connect(&app).await;
    let message = get(&client, "messages", 1, json!({})).await.unwrap();
    assert_eq!((&message["user"], &message["seen"]), (&ann(), &json!(true)));
    client.service("messages").patch(Some(1.into()), json!({ "text": "x" })).await.unwrap();
    let event = client.events().pop().unwrap();
    assert_eq!((&event.data["user"], &event.data["seen"]), (&ann(), &json!(true)));
}

#[tokio::test]
async fn mistakes_stop_the_start() {
    type Case = (fn(&mut App), &'static str);

    let start = async |build: fn(&mut App)| {
        let mut app = App::new();
        build(&mut app);
        app.start().await.unwrap_err().message().to_owned()
    };
    let cases: [Case; 7] = [
        (
            |app| {
                app.service("messages", Memory::<Message>::new()).populate(["user"]);
            },
            "service 'messages': 'user' cannot be populated: no service has records of type User",
        ),
        (
            |app| {
                app.service("a", Memory::<User>::new());
                app.service("b", Memory::<User>::new());
                app.service("messages", Memory::<Message>::new()).populate(["user"]);
            },
            "service 'messages': 'user' cannot be populated: services 'a' and 'b' have records of type User: name one with \
             `service = \"..\"`",
        ),
        (
            |app| {
                app.service("messages", Memory::<Message>::new()).populate(["author"]);
            },
            "service 'messages': Message has no relation 'author'; it has 'user'",
        ),
        (
            |app| {
                app.service("messages", Memory::<Message>::new()).populate(["user.a.b"]);
            },
            "service 'messages': related records are populated 2 levels deep, and 'user.a.b' is deeper",
        ),
        (
            |app| {
                app.service("messages", Memory::<Message>::new()).populate([("user", ["password"])]);
            },
            "service 'messages': 'user' cannot show 'password': the fields that clients may see are 'id', 'name', 'email'",
        ),
        (
            |app| {
                app.service("messages", Memory::<Message>::new()).populate(["user"]).allow_populate(["user"]);
            },
            "service 'messages': 'user' is to be populated twice",
        ),
        (
            |app| {
                app.service("users", Memory::<User>::new()).populate(["messages"]);
            },
            "service 'users': User has no relation 'messages'; it has none",
        ),
    ];
    for (build, words) in cases {
        assert_eq!(start(build).await, words);
    }
}
