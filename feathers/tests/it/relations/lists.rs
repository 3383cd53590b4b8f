//! Lists of related records, relations inside of relations, and what bounds them.

use feathers::prelude::*;
use feathers::schema::{Related, RelatedMany};
use feathers_testing::Client;
use serde_json::Value;

use super::support::{Counts, User, find, get};

/// A question with its answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    #[service(id)]
    id: i64,
    title: String,
    requester_id: i64,
    #[service(belongs_to(requester_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    requester: Related<User>,
    /// The newest two, and how many there are.
    #[service(has_many(ticket_id, limit = 2, sort = desc(written_at), total))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    comments: RelatedMany<Comment>,
    #[service(has_many(ticket_id, through = TicketTag, to = tag_id, sort = place))]
    #[serde(default, skip_serializing_if = "RelatedMany::is_absent")]
    tags: RelatedMany<Tag>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct Comment {
    #[service(id)]
    id: i64,
    ticket_id: i64,
    author_id: i64,
    text: String,
    written_at: i64,
    #[service(belongs_to(author_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    author: Related<User>,
    #[service(belongs_to(ticket_id))]
    #[serde(default, skip_serializing_if = "Related::is_absent")]
    ticket: Related<Ticket>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Tag {
    #[service(id)]
    id: String,
    colour: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
#[serde(rename_all = "camelCase")]
struct TicketTag {
    #[service(id)]
    id: i64,
    ticket_id: i64,
    tag_id: String,
    place: i64,
}

async fn serve(sqlite: bool, counts: &mut Counts, change: impl FnOnce(&mut feathers::app::Mount<Ticket>)) -> AppHandle {
    let mut app = App::new();
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        app.service("users", counts.wrap(&database.store::<User>().await.unwrap()));
        app.service("comments", counts.wrap(&database.store::<Comment>().await.unwrap()));
        app.service("tags", counts.wrap(&database.store::<Tag>().await.unwrap()));
        app.service("ticket-tags", counts.wrap(&database.store::<TicketTag>().await.unwrap()));
        change(app.service("tickets", counts.wrap(&database.store::<Ticket>().await.unwrap())));
    } else {
        app.service("users", counts.memory::<User>());
        app.service("comments", counts.memory::<Comment>());
        app.service("tags", counts.memory::<Tag>());
        app.service("ticket-tags", counts.memory::<TicketTag>());
        change(app.service("tickets", counts.memory::<Ticket>()));
    }
    app.publish(|_event, app: &AppHandle| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    let app = app.start().await.unwrap();
    seed(&app).await;
    app
}

async fn seed(app: &AppHandle) {
    let create = async |path: &str, data: Value| drop(app.service(path).unwrap().create(data, ()).await.unwrap());
    create(
        "users",
        json!([
            { "name": "Ann", "email": "ann@x", "password": "hush" },
            { "name": "Bob", "email": "bob@x", "password": "hush" }
        ]),
    )
    .await;
    create("tickets", json!([
        { "title": "one", "requesterId": 1 }, { "title": "two", "requesterId": 2 }, { "title": "three", "requesterId": 1 }
    ])).await;
    create(
        "comments",
        json!([
            { "ticketId": 1, "authorId": 1, "text": "a", "writtenAt": 10 },
            { "ticketId": 2, "authorId": 1, "text": "b", "writtenAt": 20 },
            { "ticketId": 1, "authorId": 2, "text": "c", "writtenAt": 30 },
            { "ticketId": 1, "authorId": 1, "text": "d", "writtenAt": 20 }
        ]),
    )
    .await;
    create("tags", json!([{ "id": "red", "colour": "f00" }, { "id": "blue", "colour": "00f" }])).await;
    create(
        "ticket-tags",
        json!([
            { "ticketId": 1, "tagId": "red", "place": 2 },
            { "ticketId": 1, "tagId": "blue", "place": 1 },
            { "ticketId": 3, "tagId": "red", "place": 1 },
            { "ticketId": 3, "tagId": "gone", "place": 2 }
        ]),
    )
    .await;
}

fn texts(ticket: &Value) -> Value {
    ticket["comments"]["data"].as_array().unwrap().iter().map(|comment| comment["text"].clone()).collect()
}

#[tokio::test]
async fn lists_have_a_limit_an_order_and_a_total_in_one_query_each() {
    for sqlite in [false, true] {
        let mut counts = Counts::default();
        let app = serve(sqlite, &mut counts, |tickets| {
            tickets.populate(["comments", "comments.author", "tags"]);
        })
        .await;
        let client = Client::connect(&app).await;
        counts.take();
        let found = find(&client, "tickets", json!({})).await.unwrap();
        assert_eq!(counts.take(), [1, 1, 1, 1, 1], "users, comments, tags, what is between, tickets");
        let [one, two, three] = &found.as_array().unwrap()[..] else { panic!("{found}") };
        assert_eq!((texts(one), &one["comments"]["total"]), (json!(["c", "d"]), &json!(3)));
        assert_eq!((texts(two), &two["comments"]["total"]), (json!(["b"]), &json!(1)));
        assert_eq!(three["comments"], json!({ "total": 0, "data": [] }));
        let authors = [&one["comments"]["data"][0]["author"], &one["comments"]["data"][1]["author"]];
        assert_eq!(
            authors,
            [
                &json!({ "id": 2, "name": "Bob", "email": "bob@x" }),
                &json!({ "id": 1, "name": "Ann", "email": "ann@x" })
            ]
        );
        let (red, blue) = (json!({ "id": "red", "colour": "f00" }), json!({ "id": "blue", "colour": "00f" }));
        assert_eq!([&one["tags"], &two["tags"], &three["tags"]], [&json!([blue, red]), &json!([]), &json!([red])]);
        assert_eq!(one.get("requester"), None);

        // The server reads them as their types.
        let ticket: Ticket = app
            .typed("tickets")
            .unwrap()
            .get(1, json!({ "$populate": ["comments.author", "requester"] }))
            .await
            .unwrap();
        assert_eq!(ticket.comments.total(), Some(3));
        let authors: Vec<&str> = ticket.comments.iter().map(|comment| &*comment.author.get().unwrap().name).collect();
        assert_eq!((authors, &*ticket.requester.get().unwrap().name), (vec!["Bob", "Ann"], "Ann"));
        assert!(ticket.tags.is_absent());
    }
}

#[tokio::test]
async fn clients_choose_fewer_in_another_order_and_two_levels() {
    for sqlite in [false, true] {
        let app = serve(sqlite, &mut Counts::default(), |tickets| {
            tickets.allow_populate(["requester", "comments", "comments.author", "comments.ticket"]);
        })
        .await;
        let client = Client::connect(&app).await;
        let one = async |asked: Value| get(&client, "tickets", 1, json!({ "$populate": asked })).await;
        let ticket = one(json!({ "comments": { "$limit": 1, "$select": ["text"] } })).await.unwrap();
        assert_eq!(ticket["comments"], json!({ "total": 3, "data": [{ "id": 3, "text": "c" }] }));
        // No more than the relation has.
        let ticket = one(json!({ "comments": { "$limit": 9, "$sort": { "writtenAt": 1 } } })).await.unwrap();
        assert_eq!(texts(&ticket), json!(["a", "d"]));
        let none = one(json!({ "comments": { "$limit": 0 } })).await.unwrap();
        assert_eq!(none["comments"], json!({ "total": 3, "data": [] }));

        let asked = [
            json!(["requester", "comments.author"]),
            json!({ "requester": true, "comments": { "$populate": "author" } }),
            json!({ "requester": {}, "comments.author": {} }),
        ];
        for asked in asked {
            let ticket = one(asked.clone()).await.unwrap();
            assert_eq!(ticket["requester"]["name"], "Ann", "{asked}");
            assert_eq!(ticket["comments"]["data"][0]["author"]["name"], "Bob", "{asked}");
        }
        let deep = one(json!({ "comments": { "$populate": { "ticket": { "$select": ["title"] } } } })).await.unwrap();
        assert_eq!(deep["comments"]["data"][1]["ticket"], json!({ "id": 1, "title": "one" }));

        for (asked, words) in [
            (json!("comments.author.id"), "$populate is 2 levels deep at most, and 'comments.author.id' is deeper"),
            (
                json!({ "comments": { "$populate": { "author": { "$populate": "x" } } } }),
                "$populate is 2 levels deep at most, and 'comments.author.x' is deeper",
            ),
            (
                json!("tags"),
                "$populate: 'tags' cannot be populated; what can be is 'comments', 'comments.author', 'comments.ticket', 'requester'",
            ),
            (json!({ "comments": { "$limit": -1 } }), "validation failed"),
            (json!({ "comments": { "$sort": { "nothing": 1 } } }), "validation failed"),
        ] {
            let error = one(asked.clone()).await.unwrap_err();
            assert_eq!((error.code(), error.message()), (400, words), "{asked}");
        }
    }
}

#[tokio::test]
async fn events_have_lists_too() {
    let mut counts = Counts::default();
    let app = serve(false, &mut counts, |tickets| {
        tickets.populate(["comments.author", "tags"]);
    })
    .await;
    let mut client = Client::connect(&app).await;
    client.events();
    client.service("tickets").patch(Some(1.into()), json!({ "title": "x" })).await.unwrap();
    let event = client.event().await;
    assert_eq!((texts(&event.data), &event.data["tags"][0]["id"]), (json!(["c", "d"]), &json!("blue")));
    assert_eq!(event.data["comments"]["data"][0]["author"], json!({ "id": 2, "name": "Bob", "email": "bob@x" }));
}

#[tokio::test]
async fn related_records_are_bounded() {
    let app = serve(false, &mut Counts::default(), |tickets| {
        tickets.populate(["comments"]).max_related(2);
    })
    .await;
    let client = Client::connect(&app).await;
    let error = find(&client, "tickets", json!({})).await.unwrap_err();
    let words = "'comments' has more than 2 related records here: ask for less with $limit";
    assert_eq!((error.code(), error.message()), (400, words));
    assert!(find(&client, "tickets", json!({ "id": 1 })).await.is_ok());
    // Code of the server has no such bound.
    let all = app.service("tickets").unwrap().find(json!({ "$populate": "comments" })).await.unwrap();
    assert_eq!(all.value().unwrap().as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn ten_thousand_ids_are_asked_for_in_chunks_and_more_are_refused() {
    let mut counts = Counts::default();
    let mut app = App::new();
    app.service("users", counts.memory::<User>());
    let comments = counts.memory::<Comment>().max_unpaginated(20_000);
    app.service("comments", comments).allow_populate(["author"]);
    app.service("tickets", counts.memory::<Ticket>());
    let app = app.start().await.unwrap();
    let users: Vec<Value> =
        (1..=10_001).map(|id| json!({ "name": "x", "email": id.to_string(), "password": "p" })).collect();
    let texts: Vec<Value> =
        (1..=10_001).map(|id| json!({ "ticketId": 1, "authorId": id, "text": "x", "writtenAt": 1 })).collect();
    app.service("users").unwrap().create(Value::from(users), ()).await.unwrap();
    app.service("comments").unwrap().create(Value::from(texts), ()).await.unwrap();
    counts.take();
    let asked = json!({ "$populate": "author" });
    let found = app.typed::<Comment>("comments").unwrap().find(asked.clone()).await.unwrap();
    assert!(found.iter().all(|comment| comment.author.get().is_some_and(|author| author.id == comment.author_id)));
    assert_eq!(counts.take(), [3, 1, 0], "users, comments, tickets");

    let client = Client::connect(&app).await;
    let error = find(&client, "comments", asked).await.unwrap_err();
    let words = "'author' has more than 10000 related records here: ask for less with $limit";
    assert_eq!((error.code(), error.message()), (400, words));
    assert_eq!(counts.take()[0], 0, "nothing was asked for");
    let most = find(&client, "comments", json!({ "$limit": 10_000, "$populate": "author" })).await.unwrap();
    assert_eq!(most[9_999]["author"]["id"], 10_000);
}
