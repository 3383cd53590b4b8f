//! What outsiders can do, and cannot, with a client in the process.

use feathers::prelude::*;
use feathers_testing::{Client, ReceivedEvent};
use serde_json::Value;

const PASSWORD: &str = "enchantress";
/// The address of Ann's picture.
const AVATAR: &str = "https://s.gravatar.com/avatar/257c57037d384ae37ea27a07e8a01665?s=60";

async fn start() -> AppHandle {
    let mut settings = AuthConfig::new("what signs the tokens of these tests");
    // Quick, since these passwords need no protection.
    (settings.password.memory, settings.password.iterations) = (8, 1);
    settings.revoke_on_logout = true;
    let db = Database::connect("sqlite::memory:").await.unwrap();
    crate::chat(&db, settings).await.unwrap().start().await.unwrap()
}

fn account(name: &str) -> Value {
    json!({ "email": format!("{name}@example.com"), "password": PASSWORD })
}

async fn log_in(client: &Client, name: &str) -> Result<Value> {
    let mut login = account(name);
    login["strategy"] = json!("local");
    client.service("authentication").create(login).await
}

/// Signs a user up and in, and returns the connection and the id.
async fn person(app: &AppHandle, name: &str) -> (Client, i64) {
    let client = Client::connect(app).await;
    let user = client.service("users").create(account(name)).await.unwrap();
    log_in(&client, name).await.unwrap();
    (client, user["id"].as_i64().unwrap())
}

/// Returns the names of the events that have come, and forgets them.
fn heard(client: &mut Client) -> Vec<String> {
    client.events().iter().map(ReceivedEvent::name).collect()
}

#[tokio::test]
async fn any_client_may_sign_up_and_nobody_sees_a_password() {
    let app = start().await;
    let (ann, id) = person(&app, "ann").await;
    let (mut bob, _) = person(&app, "bob").await;
    heard(&mut bob);

    let login = log_in(&ann, "ann").await.unwrap();
    let user = ann.service("users").get(id).await.unwrap();
    let expected = json!({ "id": id, "email": "ann@example.com", "avatar": AVATAR, "role": "admin", "banned": false });
    assert_eq!((&user, &login["user"]), (&expected, &expected));

    let patched = ann.service("users").patch(Id::from(id), json!({ "password": "another one" })).await.unwrap();
    assert_eq!(patched, expected);
    let event = bob.event().await;
    assert_eq!((event.name().as_str(), event.data), ("users patched", expected));
    for query in [json!({ "password": "x" }), json!({ "$select": ["password"] }), json!({ "$sort": { "password": 1 } })]
    {
        assert_eq!(bob.service("users").query(query).find().await.unwrap_err().code(), 400);
    }
}

#[tokio::test]
async fn an_address_is_there_once_in_whatever_letters() {
    let app = start().await;
    let client = Client::connect(&app).await;
    let users = client.service("users");
    let (one, other) = tokio::join!(users.create(account("ann")), users.create(account("ANN")));
    let mut codes = [one, other].map(|result| result.map_or_else(|error| error.code(), |_| 201));
    codes.sort_unstable();
    assert_eq!(codes, [201, 409]);
    assert_eq!(log_in(&client, "Ann").await.unwrap()["user"]["email"], "ann@example.com");
}

#[tokio::test]
async fn nobody_sets_what_is_for_the_server_to_set() {
    let app = start().await;
    let (ann, id) = person(&app, "ann").await;
    for (name, value) in [("role", json!("admin")), ("banned", json!(true)), ("avatar", json!("x")), ("id", json!(77))]
    {
        let mut data = account("bob");
        data[name] = value.clone();
        assert_eq!(ann.service("users").create(data).await.unwrap_err().code(), 400, "{name}");
        let patch = ann.service("users").patch(Id::from(id), json!({ name: value })).await;
        // The id of the call counts, and not that of the data.
        let code = patch.map_or_else(|error| error.code(), |user| if user["id"] == id { 200 } else { 500 });
        assert_eq!(code, if name == "id" { 200 } else { 400 }, "{name}");
    }
    for (name, value) in [("userId", json!(2)), ("createdAt", json!(1)), ("user", json!({})), ("id", json!(77))] {
        let data = json!({ "text": "hello", name: value });
        assert_eq!(ann.service("messages").create(data).await.unwrap_err().code(), 400, "{name}");
    }
    let several = json!([{ "text": "one" }, { "text": "two", "userId": 2 }]);
    assert_eq!(ann.service("messages").create(several).await.unwrap_err().code(), 405);

    let message = ann.service("messages").create(json!({ "text": "hello" })).await.unwrap();
    let patched = ann.service("messages").patch(Id::from(1), json!({ "text": "hi" })).await.unwrap();
    assert_eq!((&patched["text"], &patched["createdAt"]), (&json!("hi"), &message["createdAt"]));
    for (name, value) in [("userId", json!(2)), ("createdAt", json!(1)), ("room", json!(1))] {
        let patch = json!({ name: value });
        assert_eq!(ann.service("messages").patch(Id::from(1), patch).await.unwrap_err().code(), 400, "{name}");
    }
}

#[tokio::test]
async fn a_message_has_its_author_and_a_text_of_some_length() {
    let app = start().await;
    let (mut ann, id) = person(&app, "ann").await;
    heard(&mut ann);
    let message = ann.service("messages").create(json!({ "text": "é".repeat(2_000) })).await.unwrap();
    assert_eq!(ann.event().await.data, message);
    let user = json!({ "id": id, "email": "ann@example.com", "avatar": AVATAR });
    assert_eq!((&message["userId"], &message["user"], &message["room"]), (&json!(id), &user, &Value::Null));
    assert!(message["createdAt"].as_i64().unwrap() > 1_600_000_000_000);
    for text in [String::new(), "x".repeat(2_001)] {
        assert_eq!(ann.service("messages").create(json!({ "text": text })).await.unwrap_err().code(), 400);
    }
    let page =
        ann.service("messages").query(json!({ "$sort": { "createdAt": -1 }, "$limit": 25 })).find().await.unwrap();
    assert_eq!((&page["total"], &page["limit"], &page["data"][0]), (&json!(1), &json!(25), &message));
    let most = ann.service("messages").query(json!({ "$limit": 1_000 })).find().await.unwrap();
    assert_eq!(most["limit"], 50);
}

#[tokio::test]
async fn only_authors_change_and_remove_messages() {
    let app = start().await;
    let (ann, _) = person(&app, "ann").await;
    let (bob, bobs) = person(&app, "bob").await;
    let message = ann.service("messages").create(json!({ "text": "mine" })).await.unwrap();
    let id = Id::from(message["id"].as_i64().unwrap());

    for (query, code) in [
        (json!({}), 403),
        (json!({ "userId": 1 }), 403),
        (json!({ "$or": [{ "userId": 1 }] }), 403),
        (json!({ "userId": bobs }), 404),
    ] {
        let messages = bob.service("messages").query(query);
        assert_eq!(messages.patch(id.clone(), json!({ "text": "his" })).await.unwrap_err().code(), code);
        assert_eq!(messages.remove(id.clone()).await.unwrap_err().code(), code);
    }
    assert_eq!(bob.service("messages").patch(None, json!({ "text": "all" })).await.unwrap_err().code(), 405);
    assert_eq!(bob.service("messages").remove(None).await.unwrap_err().code(), 405);
    assert_eq!(bob.service("messages").update(id.clone(), json!({ "text": "his" })).await.unwrap_err().code(), 405);
    assert_eq!(ann.service("messages").get(id.clone()).await.unwrap(), message);
    ann.service("messages").remove(id).await.unwrap();
}

#[tokio::test]
async fn only_the_user_himself_changes_his_password() {
    let app = start().await;
    let (ann, anns) = person(&app, "ann").await;
    let (bob, bobs) = person(&app, "bob").await;
    let patch = json!({ "password": "something else" });
    for (client, other) in [(&ann, bobs), (&bob, anns)] {
        let users = client.service("users").query(json!({ "id": other }));
        assert_eq!(users.patch(Id::from(other), patch.clone()).await.unwrap_err().code(), 404);
        assert_eq!(users.remove(Id::from(other)).await.unwrap_err().code(), 405);
    }
    log_in(&ann, "ann").await.unwrap();
    log_in(&bob, "bob").await.unwrap();
}

#[tokio::test]
async fn strangers_are_told_nothing() {
    let app = start().await;
    let (ann, _) = person(&app, "ann").await;
    let mut stranger = Client::connect(&app).await;
    ann.service("rooms").create(json!({ "name": "Rust" })).await.unwrap();
    ann.service("messages").create(json!({ "text": "hello" })).await.unwrap();
    ann.service("typing").create(json!({ "room": null })).await.unwrap();

    for path in ["users", "messages", "rooms", "presence"] {
        assert_eq!(stranger.service(path).find().await.unwrap_err().code(), 401, "{path}");
    }
    for path in ["messages", "rooms", "rooms/1/members", "typing", "bans"] {
        assert_eq!(stranger.service(path).create(json!({})).await.unwrap_err().code(), 401, "{path}");
    }
    assert_eq!(stranger.service("users").patch(Id::from(1), json!({})).await.unwrap_err().code(), 401);
    assert_eq!(heard(&mut stranger), [""; 0]);
}

#[tokio::test]
async fn what_is_said_in_a_room_stays_there() {
    let app = start().await;
    let (ann, _) = person(&app, "ann").await;
    let (mut bob, bobs) = person(&app, "bob").await;
    let (mut carl, _) = person(&app, "carl").await;
    let room = ann.service("rooms").create(json!({ "name": "Rust" })).await.unwrap();
    let members = format!("rooms/{}/members", room["id"]);
    bob.service(&members).create(json!({})).await.unwrap();
    heard(&mut bob);
    heard(&mut carl);

    let said = ann.service("messages").create(json!({ "text": "psst", "room": room["id"] })).await.unwrap();
    let id = Id::from(said["id"].as_i64().unwrap());
    // A caller who leaves the room out of the answer does not take it out of the event.
    let query = json!({ "$select": ["text"] });
    ann.service("messages").query(query.clone()).patch(id.clone(), json!({ "text": "Psst" })).await.unwrap();
    ann.service("typing").create(json!({ "room": room["id"] })).await.unwrap();
    ann.service("messages").query(query).remove(id).await.unwrap();
    assert_eq!(heard(&mut bob), ["messages created", "messages patched", "messages typing", "messages removed"]);
    assert_eq!(heard(&mut carl), [""; 0]);

    bob.service(&members).remove(Id::from(bobs)).await.unwrap();
    ann.service("messages").create(json!({ "text": "psst", "room": room["id"] })).await.unwrap();
    ann.service("messages").create(json!({ "text": "to all" })).await.unwrap();
    for client in [&mut bob, &mut carl] {
        assert_eq!(client.events().iter().map(|event| event.data["text"].clone()).collect::<Vec<_>>(), ["to all"]);
    }

    let nowhere = json!({ "text": "hello", "room": 77 });
    assert_eq!(ann.service("messages").create(nowhere).await.unwrap_err().code(), 400);
    assert_eq!(ann.service("typing").create(json!({ "room": 77 })).await.unwrap_err().code(), 404);
    for path in ["rooms/77/members", "rooms/rust/members"] {
        assert_eq!(ann.service(path).create(json!({})).await.unwrap_err().code(), 404, "{path}");
    }
}

#[tokio::test]
async fn several_tabs_of_one_user_count_once() {
    let app = start().await;
    let (mut ann, _) = person(&app, "ann").await;
    let (bob, id) = person(&app, "bob").await;
    let tab = Client::connect(&app).await;
    log_in(&tab, "bob").await.unwrap();
    let presence = |events: Vec<ReceivedEvent>| -> Vec<(String, Value)> {
        let events = events.into_iter().filter(|event| event.path == "presence");
        events.map(|event| (event.event, event.data["id"].clone())).collect()
    };
    assert_eq!(presence(ann.events()), [("came".to_owned(), json!(id))]);
    let online = ann.service("presence").find().await.unwrap();
    assert_eq!(online.as_array().unwrap().len(), 2);
    assert_eq!(online[1], json!({ "id": id, "email": "bob@example.com", "avatar": online[1]["avatar"] }));

    drop(bob);
    tokio::task::yield_now().await;
    assert_eq!(presence(ann.events()), []);
    tab.service("authentication").remove(None).await.unwrap();
    assert_eq!(ann.event().await.name(), "presence went");
    assert_eq!(ann.service("presence").find().await.unwrap().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_banned_user_is_out_at_once() {
    let app = start().await;
    let (ann, anns) = person(&app, "ann").await;
    let (mut bob, id) = person(&app, "bob").await;
    let mut tab = Client::connect(&app).await;
    log_in(&tab, "bob").await.unwrap();
    for error in [
        bob.service("bans").create(json!({ "userId": anns })).await.unwrap_err(),
        ann.service("bans").create(json!({ "userId": 77 })).await.unwrap_err(),
        ann.service("bans").create(json!({ "userId": anns })).await.unwrap_err(),
    ] {
        assert!([400, 403, 404].contains(&error.code()), "{error}");
    }
    heard(&mut bob);
    heard(&mut tab);

    ann.service("bans").create(json!({ "userId": id })).await.unwrap();
    ann.service("messages").create(json!({ "text": "he is gone" })).await.unwrap();
    for client in [&mut bob, &mut tab] {
        assert!(client.connection().is_closed());
        assert!(!heard(client).contains(&"messages created".to_owned()));
        assert_eq!(client.service("messages").find().await.unwrap_err().code(), 401);
    }
    let stranger = Client::connect(&app).await;
    assert_eq!(log_in(&stranger, "bob").await.unwrap_err().message(), "you are banned");

    ann.service("bans").remove(Id::from(id)).await.unwrap();
    log_in(&stranger, "bob").await.unwrap();
}
