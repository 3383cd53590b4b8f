//! Filters through relations: what they match, what is refused, and what they cost.

use feathers::prelude::*;
use feathers_testing::Client;
use serde_json::Value;

use super::support::{Counts, Message, User, find, seed, serve};

#[tokio::test]
async fn records_are_found_by_what_is_said_of_related_ones() {
    for sqlite in [false, true] {
        let app = serve(sqlite, |app| {
            app.messages.filter_through(["user.email", "user.id"]);
        })
        .await;
        seed(&app).await;
        let client = Client::connect(&app).await;
        let ids = async |query: Value| {
            let found =
                find(&client, "messages", query.clone()).await.unwrap_or_else(|error| panic!("{query}: {error}"));
            found.as_array().unwrap().iter().map(|message| message["id"].clone()).collect::<Value>()
        };
        let (ann, bob) = ("ann@example.com", "bob@example.com");
        let cases = [
            (json!({ "user.email": ann }), json!([1, 3])),
            (json!({ "user.email": { "$in": [ann, bob] } }), json!([1, 2, 3])),
            (json!({ "user.email": { "$gt": "b" } }), json!([2])),
            (json!({ "user.email": "nobody" }), json!([])),
            (json!({ "user.email": ann, "text": "one" }), json!([1])),
            (json!({ "$or": [{ "user.email": bob }, { "text": "lost" }] }), json!([2, 4])),
            (
                json!({ "$and": [{ "user.email": ann }, { "$or": [{ "text": "three" }, { "user.email": bob }] }] }),
                json!([3]),
            ),
            // Texts, as REST sends them.
            (json!({ "user.id": "2" }), json!([2])),
            (json!({ "user.id": { "$lt": "2" } }), json!([1, 3])),
        ];
        for (query, expected) in cases {
            assert_eq!(ids(query.clone()).await, expected, "{query}");
        }
        // Changes of many use them too.
        let changed =
            client.service("messages").query(json!({ "user.email": ann })).patch(None, json!({ "text": "x" })).await;
        assert_eq!(changed.unwrap().as_array().unwrap().len(), 2);

        for (query, code) in [
            (json!({ "user.name": "Ann" }), 400),
            (json!({ "user.password": "hush" }), 400),
            (json!({ "user.id": "two" }), 400),
            (json!({ "user.email": { "$like": "a%" } }), 400),
            (json!({ "user": 1 }), 400),
        ] {
            assert_eq!(find(&client, "messages", query.clone()).await.unwrap_err().code(), code, "{query}");
        }
        let many: Vec<Value> = (0..9).map(|id| json!({ "user.id": id })).collect();
        let error = find(&client, "messages", json!({ "$or": many })).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (400, "Query has more than 8 conditions through relations"));
    }
}

#[tokio::test]
async fn a_condition_is_one_query_and_matches_a_bounded_number() {
    let (mut counts, mut app) = (Counts::default(), App::new());
    app.service("users", counts.memory::<User>());
    app.service("messages", counts.memory::<Message>()).filter_through(["user.name"]);
    let app = app.start().await.unwrap();
    let users: Vec<Value> =
        (0..10_000).map(|n| json!({ "name": "x", "email": n.to_string(), "password": "p" })).collect();
    app.service("users").unwrap().create(Value::from(users), ()).await.unwrap();
    app.service("messages").unwrap().create(json!([{ "text": "a", "userId": 9_999 }]), ()).await.unwrap();
    let client = Client::connect(&app).await;
    counts.take();
    // It costs what a query of the related service costs, and not one comparison for each key.
    let query = json!({ "$or": [{ "user.name": "x" }, { "text": "b", "user.name": "x" }] });
    assert_eq!(find(&client, "messages", query.clone()).await.unwrap()[0]["text"], "a");
    assert_eq!(counts.take(), [1, 1]);

    let one = json!({ "name": "x", "email": "one", "password": "p" });
    app.service("users").unwrap().create(one, ()).await.unwrap();
    let error = find(&client, "messages", query).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (400, "'user.name' matches more than 10000 records: ask for fewer"));
}

#[tokio::test]
async fn paths_that_lead_nowhere_stop_the_start() {
    for (path, words) in [
        ("user", "service 'messages': filters through relations are named like 'author.email', and 'user' is not"),
        ("room.name", "service 'messages': Message has no relation 'room'; it has 'user'"),
        ("user.password", "service 'messages': User has no field 'password' that clients may see"),
        ("user.nothing", "service 'messages': User has no field 'nothing' that clients may see"),
    ] {
        let mut app = App::new();
        app.service("users", Memory::<User>::new());
        app.service("messages", Memory::<Message>::new()).filter_through([path]);
        assert_eq!(app.start().await.unwrap_err().message(), words);
    }
}
