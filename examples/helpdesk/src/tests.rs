//! What people of two organisations see and do, and what they cannot, with clients in the process.

use std::sync::LazyLock;

use feathers::prelude::*;
use feathers::transports::Running;
use feathers_testing::{Client, ReceivedEvent};
use serde_json::Value;
use tempfile::TempDir;

use crate::seed::PASSWORD;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

async fn serve() -> Running {
    let mut settings = AuthConfig::new("what signs the tokens of these tests");
    // Quick, since these passwords need no protection.
    (settings.password.memory, settings.password.iterations) = (8, 1);
    let db = Database::connect("sqlite::memory:").await.unwrap();
    let server = crate::helpdesk(&db, settings, FOLDER.path().join("files")).await.unwrap();
    server.bind("127.0.0.1:0").start().await.unwrap()
}

/// Logs a person in, and returns the client and the token.
async fn person(server: &Running, email: &str) -> (Client, String) {
    let client = Client::connect(server.handle()).await;
    let login = json!({ "strategy": "local", "email": email, "password": PASSWORD });
    let login = client.service("authentication").create(login).await.unwrap();
    (client, login["accessToken"].as_str().unwrap().to_owned())
}

/// Returns the names and the data of the events of a service that have come, and forgets them.
fn heard(client: &mut Client, path: &str) -> Vec<(String, Value)> {
    let of_service = |event: ReceivedEvent| (event.path == path).then_some((event.event, event.data));
    client.events().into_iter().filter_map(of_service).collect()
}

async fn subjects(client: &Client) -> Vec<String> {
    let page = client.service("tickets").find().await.unwrap();
    page["data"].as_array().unwrap().iter().map(|ticket| ticket["subject"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_sees_the_tickets_that_are_theirs_to_see() {
    let server = serve().await;
    let (cara, _) = person(&server, "Cara@acme.example").await;
    let (alan, _) = person(&server, "alan@acme.example").await;
    let (gus, _) = person(&server, "gus@globex.example").await;
    assert_eq!(subjects(&cara).await, ["Cara cannot print"]);
    assert_eq!(subjects(&alan).await, ["Cara cannot print", "Dave cannot print"]);
    assert_eq!(subjects(&gus).await, ["Gwen cannot print"]);

    let ticket = cara.service("tickets").get(Id::from(1)).await.unwrap();
    assert_eq!((&ticket["requester"], ticket.get("cost")), (&json!({ "id": 1, "name": "Cara" }), None));
    assert_eq!(alan.service("tickets").get(Id::from(1)).await.unwrap()["cost"], "19.90");
    for (client, id) in [(&cara, 2), (&cara, 3), (&alan, 3), (&gus, 1)] {
        assert_eq!(client.service("tickets").get(Id::from(id)).await.unwrap_err().code(), 404);
    }
    for query in [json!({ "cost": "19.90" }), json!({ "$sort": { "cost": 1 } }), json!({ "$select": ["cost"] })] {
        assert_eq!(cara.service("tickets").query(query).find().await.unwrap_err().code(), 400);
    }
    let anonymous = Client::connect(server.handle()).await;
    for path in ["tickets", "comments", "attachments", "users", "organisations", "presence"] {
        assert_eq!(anonymous.service(path).find().await.unwrap_err().code(), 401, "{path}");
    }
}

#[tokio::test]
async fn only_the_staff_works_on_tickets_and_all_who_see_one_hear_of_it() {
    let server = serve().await;
    let (mut cara, _) = person(&server, "cara@acme.example").await;
    let (mut dave, _) = person(&server, "dave@acme.example").await;
    let (alan, _) = person(&server, "alan@acme.example").await;
    let (gus, _) = person(&server, "gus@globex.example").await;

    assert_eq!(cara.service("tickets").patch(Id::from(1), json!({ "subject": "!" })).await.unwrap_err().code(), 403);
    assert_eq!(gus.service("tickets").patch(Id::from(1), json!({ "subject": "!" })).await.unwrap_err().code(), 404);
    assert_eq!(alan.service("tickets").remove(Id::from(1)).await.unwrap_err().code(), 403);
    heard(&mut cara, "tickets");
    alan.service("tickets").patch(Id::from(1), json!({ "cost": "25.00" })).await.unwrap();
    for (client, code) in [(&cara, 403), (&gus, 404)] {
        assert_eq!(client.service("tickets").call("close", json!({ "id": 1 })).await.unwrap_err().code(), code);
    }
    alan.service("tickets").call("close", json!({ "id": 1 })).await.unwrap();
    let events = heard(&mut cara, "tickets");
    // The version has changed with the cost, which customers do not see.
    let [(_, first), (name, ticket)] = events.as_slice() else { panic!("two events, not {events:?}") };
    assert_eq!((&first["status"], first.get("cost")), (&json!("open"), None));
    assert_eq!((&**name, &ticket["status"], ticket.get("cost")), ("patched", &json!("closed"), None));
    assert_eq!(heard(&mut dave, "tickets"), []);

    // Of two agents who have read the same version, one gets through.
    let version = json!({ "$version": ticket["version"] });
    let agreed = alan.service("tickets").query(version);
    agreed.patch(Id::from(1), json!({ "dueAt": "2027-01-31T18:00:00+01:00" })).await.unwrap();
    assert_eq!(agreed.patch(Id::from(1), json!({ "dueAt": null })).await.unwrap_err().code(), 412);
}

#[tokio::test]
async fn internal_comments_come_into_sight_and_leave_it() {
    let server = serve().await;
    let (mut cara, _) = person(&server, "cara@acme.example").await;
    let (dave, _) = person(&server, "dave@acme.example").await;
    let (alan, _) = person(&server, "alan@acme.example").await;
    let note = json!({ "ticketId": 1, "text": "he has no paper", "internal": true });
    assert_eq!(cara.service("comments").create(note.clone()).await.unwrap_err().code(), 403);
    assert_eq!(dave.service("comments").create(json!({ "ticketId": 1, "text": "x" })).await.unwrap_err().code(), 404);

    let note = alan.service("comments").create(note).await.unwrap();
    assert_eq!(note["author"], json!({ "id": 3, "name": "Alan" }));
    assert_eq!(heard(&mut cara, "comments"), []);
    let id = Id::from(note["id"].as_i64().unwrap());
    alan.service("comments").patch(id.clone(), json!({ "internal": false, "text": "Is there paper?" })).await.unwrap();
    let events = heard(&mut cara, "comments");
    assert_eq!((events.len(), &*events[0].0, &events[0].1["text"]), (1, "created", &json!("Is there paper?")));
    alan.service("comments").patch(id.clone(), json!({ "internal": true })).await.unwrap();
    assert_eq!(heard(&mut cara, "comments"), [("removed".to_owned(), json!({ "id": note["id"] }))]);
    assert_eq!(cara.service("comments").get(id).await.unwrap_err().code(), 404);
}

#[tokio::test]
async fn files_have_the_rights_of_their_ticket() {
    let server = serve().await;
    let (mut alan, alans) = person(&server, "alan@acme.example").await;
    let (_cara, caras) = person(&server, "cara@acme.example").await;
    let (_dave, daves) = person(&server, "dave@acme.example").await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let upload = async |token: &str, ticket: i64, body: Vec<u8>| {
        let url = format!("{}/files/{ticket}?name=page.txt", server.url());
        http.post(url).bearer_auth(token).body(body).send().await.unwrap()
    };
    let download = async |token: &str, id: &str| {
        http.get(format!("{}/files/{id}", server.url())).bearer_auth(token).send().await.unwrap()
    };
    let page = b"all work and no play".repeat(10_000);
    let made: Value = upload(&caras, 1, page.clone()).await.json().await.unwrap();
    assert_eq!((&made["name"], &made["size"], &made["ticketId"]), (&json!("page.txt"), &json!(200_000), &json!(1)));
    assert_eq!(heard(&mut alan, "attachments"), [("created".to_owned(), made.clone())]);

    let id = made["id"].as_str().unwrap();
    for token in [&caras, &alans] {
        let file = download(token, id).await;
        assert_eq!(file.headers()["content-disposition"], "attachment");
        assert_eq!(file.bytes().await.unwrap(), page);
    }
    assert_eq!(download(&daves, id).await.status(), 404);
    assert_eq!(download("nonsense", id).await.status(), 401);
    assert_eq!(upload(&daves, 1, page).await.status(), 404);
    assert_eq!(upload(&caras, 1, vec![0; (10 << 20) + 1]).await.status(), 413);
    assert_eq!(std::fs::read_dir(FOLDER.path().join("files")).unwrap().count(), 1);
    assert_eq!(alan.service("attachments").create(made).await.unwrap_err().code(), 403);
}

#[tokio::test]
async fn people_see_which_colleagues_are_online() {
    let server = serve().await;
    let (mut cara, _) = person(&server, "cara@acme.example").await;
    let (_gus, _) = person(&server, "gus@globex.example").await;
    let profile = |id, name, role| json!({ "id": id, "name": name, "role": role, "organisationId": 1 });
    let online = cara.service("presence").find().await.unwrap();
    assert_eq!(online, json!([profile(1, "Cara", "customer")]));
    heard(&mut cara, "presence");
    let (alan, _) = person(&server, "alan@acme.example").await;
    drop(alan);
    let expected = [("came".to_owned(), profile(3, "Alan", "agent")), ("went".to_owned(), profile(3, "Alan", "agent"))];
    assert_eq!(heard(&mut cara, "presence"), expected);
    let colleagues = cara.service("users").find().await.unwrap();
    assert_eq!((&colleagues["total"], colleagues["data"][1].get("email")), (&json!(4), None));
}
