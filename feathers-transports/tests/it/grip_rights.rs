//! GRIP: clients with other rights are another audience, and no item holds what its audience may not read.

use feathers_core::query::TypedField;
use feathers_core::{
    Access, App, AppHandle, Authenticator, Connection, Document, HandshakeCredentials, Headers, Login, Memory, Payload,
    Result, async_trait,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::grip_support::{Control, get, grip, serve, stream};

const OWNER: TypedField<Document, i64> = TypedField::new("owner");
const COST: TypedField<Document, Value> = TypedField::new("cost");

#[derive(Deserialize)]
struct User {
    id: i64,
}

/// The word `as` of the query is the id of the user.
struct ByQuery;

#[async_trait]
impl Authenticator for ByQuery {
    fn path(&self) -> &'static str {
        "logins"
    }

    async fn admit(&self, connection: &Connection, _: HandshakeCredentials, _: &AppHandle) -> Result<Option<Login>> {
        connection.set_subject(connection.query().get("as").and_then(Value::as_str));
        Ok(None)
    }

    async fn check_owner(&self, _: &Connection, _: &HandshakeCredentials, _: &Headers, _: &AppHandle) -> Result<()> {
        Ok(())
    }

    fn user_of(&self, connection: &Connection) -> Option<Payload> {
        let id: i64 = connection.subject()?.parse().ok()?;
        Some(json!({ "id": id }).into())
    }
}

fn app() -> App {
    let mut app = App::new();
    app.authenticator(ByQuery);
    app.service("tickets", Memory::<Document>::new())
        .access(Access::of::<User>().read(|user| OWNER.eq(user.id)).field(COST, |user| user.id == 3));
    app
}

#[tokio::test]
async fn each_rule_value_is_an_audience_that_gets_its_own_view() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let (one, again) = (stream(&server, "?as=1").await, stream(&server, "?as=1").await);
    let two = stream(&server, "?as=2").await;
    assert_eq!(one.seat().0, again.seat().0, "equal rights are one audience");
    assert_ne!(one.seat().0, two.seat().0);
    let tickets = server.handle().service("tickets").unwrap();
    tickets.create(json!({ "id": 7, "owner": 1, "cost": "canary" }), ()).await.unwrap();
    tickets.patch(Some(7.into()), json!({ "owner": 2, "text": "canary for the first" }), ()).await.unwrap();
    let content = |item: &Value| item["formats"]["http-stream"]["content"].as_str().unwrap().to_owned();
    let items = control.on(&one.seat().0, 2).await;
    assert!(content(&items[0]).ends_with("\"event\":\"created\",\"data\":{\"id\":7,\"owner\":1}}\n\n"), "{items:?}");
    assert!(content(&items[1]).ends_with("\"event\":\"removed\",\"data\":{\"id\":7}}\n\n"), "{items:?}");
    let message: Value = serde_json::from_str(items[1]["formats"]["ws-message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!((&message["params"]["event"], &message["params"]["data"]), (&json!("removed"), &json!({ "id": 7 })));
    assert_eq!(items[1]["prev-id"], items[0]["id"]);
    let items = control.on(&two.seat().0, 1).await;
    assert!(content(&items[0]).contains("\"event\":\"created\""), "{items:?}");
    assert!(!control.items().iter().any(|item| item.to_string().contains("\"cost")), "a field is not theirs");
    let first = control.items().into_iter().filter(|item| item["channel"] == *one.seat().0);
    assert!(!first.into_iter().any(|item| item.to_string().contains("canary")));
}

#[tokio::test]
async fn a_proxy_that_asks_again_reads_with_the_rights_of_the_client() {
    let control = Control::default();
    let server = serve(app(), grip(&control.start().await)).await;
    let (one, two) = (stream(&server, "?as=1").await, stream(&server, "?as=2").await);
    let tickets = server.handle().service("tickets").unwrap();
    tickets.create(json!({ "id": 7, "owner": 1 }), ()).await.unwrap();
    for (client, expected) in [(&one, 1), (&two, 0)] {
        let last = format!("{}; last-id={}", client.seat().0, client.seat().1);
        assert_eq!(get(&server, &client.link().0, &[("grip-last", &last)]).await.ids().len(), expected);
    }
}
