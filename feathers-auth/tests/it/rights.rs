//! Rights: what the rules of a service make of a user in events, on every transport, and when the user changes.

use feathers::app::Access;
use feathers::prelude::*;
use feathers_transports::SocketIoxide;
use serde_json::Value;

use crate::client::{Claim, Client, Seen, Way};
use crate::endings::{come_back, listening};
use crate::support::{ADA, BOB, World, app, config};

/// Stands in what bob may not read.
const CANARY: &str = "canary";

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    owner: i64,
    text: String,
    cost: Option<String>,
}

/// What the rules look at.
#[derive(Deserialize)]
struct Reader {
    id: i64,
    role: Option<String>,
    private: Option<Value>,
}

/// A user reads its own tickets; one with something in `private`, which is no field of permissions, reads all.
fn tickets(app: &mut App) {
    app.service("tickets", Memory::<Ticket>::new()).access(
        Access::of::<Reader>()
            .read(|reader| Ticket::OWNER.eq(reader.id) | reader.private.is_some().into())
            .field(Ticket::COST, |reader| reader.role.as_deref() == Some("admin")),
    );
}

impl World {
    async fn ticket_of(&self, owner: i64, text: &str) -> i64 {
        let data = json!({ "owner": owner, "text": text, "cost": CANARY });
        let ticket = self.handle().service("tickets").unwrap().create(data, ()).await.unwrap();
        ticket.value().unwrap()["id"].as_i64().unwrap()
    }

    async fn change(&self, id: i64, data: Value) {
        self.handle().service("tickets").unwrap().patch(Id::from(id), data, ()).await.unwrap();
    }
}

/// Reads so many events of tickets, and resets.
async fn news(client: &mut Client, count: usize) -> Vec<(String, Value)> {
    let mut news = Vec::new();
    while news.len() < count {
        match client.next().await {
            Seen::Event(name, data, _) => news.push((name, data)),
            Seen::Notice(name, data) if name == "reset" => news.push((name, data["reason"].clone())),
            Seen::Notice(..) => {}
            other => panic!("{:?}: {other:?} after {news:?}", client.way),
        }
    }
    news
}

fn event(name: &str, data: Value) -> (String, Value) {
    (format!("tickets {name}"), data)
}

/// Lets a client of bob see tickets come, change and go.
async fn assert_sees_what_is_its_own(world: &World, way: Way) {
    let mut bob = Client::listen(world, way, Claim::token(&world.login("bob").await)).await;
    let own = world.ticket_of(BOB, "a").await;
    let other = world.ticket_of(ADA, CANARY).await;
    world.change(own, json!({ "cost": format!("another {CANARY}") })).await;
    world.change(own, json!({ "text": "b" })).await;
    world.change(own, json!({ "owner": ADA, "text": CANARY })).await;
    world.change(other, json!({ "text": "c" })).await;
    world.change(other, json!({ "owner": BOB })).await;
    let expected = [
        event("created", json!({ "id": own, "owner": BOB, "text": "a" })),
        event("patched", json!({ "id": own, "owner": BOB, "text": "b" })),
        event("removed", json!({ "id": own })),
        event("created", json!({ "id": other, "owner": BOB, "text": "c" })),
    ];
    assert_eq!(news(&mut bob, 4).await, expected, "{way:?}");
    assert!(!bob.bytes.contains(CANARY), "{way:?}: {}", bob.bytes);
}

#[tokio::test]
async fn each_client_sees_what_its_user_may_read() {
    for way in Way::ALL {
        let world = World::start(config(), tickets).await;
        assert_sees_what_is_its_own(&world, way).await;
    }
}

#[tokio::test]
async fn each_client_of_the_other_engine_sees_what_its_user_may_read() {
    let (mut app, auth) = app(config(), |_| {});
    tickets(&mut app);
    let world = World::serve_alone(app, auth, SocketIoxide::new()).await;
    world.add_users().await;
    assert_sees_what_is_its_own(&world, Way::SocketIo).await;
}

#[tokio::test]
async fn any_field_that_a_rule_looks_at_reconnects_the_user_and_resets_the_client() {
    for way in Way::ALL {
        let world = World::start(config(), tickets).await;
        let token = world.login("bob").await;
        let mut bob = listening(&world, way, &token).await;
        world.patch(BOB, json!({ "email": "bob@example.org" })).await;
        let own = world.ticket_of(BOB, "a").await;
        let seen = event("created", json!({ "id": own, "owner": BOB, "text": "a" }));
        assert_eq!(news(&mut bob, 1).await, [seen], "{way:?}: an e-mail is no right");
        world.ticket_of(ADA, CANARY).await;
        world.patch(BOB, json!({ "private": { "team": 1 } })).await;
        let mut bob = come_back(&world, bob, &token).await;
        assert_eq!(news(&mut bob, 1).await, [("reset".to_owned(), json!("principal"))], "{way:?}");
        assert!(!bob.bytes.contains(CANARY), "{way:?}: {}", bob.bytes);
        let other = world.ticket_of(ADA, "b").await;
        let seen = event("created", json!({ "id": other, "owner": ADA, "text": "b" }));
        assert_eq!(news(&mut bob, 1).await, [seen], "{way:?}");
    }
}

/// What goes with its ticket.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Comment {
    #[service(id)]
    id: i64,
    #[service(references(Ticket, on_delete = cascade))]
    ticket: i64,
    owner: i64,
    text: String,
}

#[tokio::test]
async fn what_goes_with_another_record_is_told_to_those_who_could_read_it() {
    let db = Database::memory();
    let (tickets, comments) = (db.store::<Ticket>().await.unwrap(), db.store::<Comment>().await.unwrap());
    let world = World::start(config(), |app| {
        app.service("tickets", tickets).access(Access::of::<Reader>().read(|_| false));
        let own = Access::of::<Reader>().read(|reader: &Reader| Comment::OWNER.eq(reader.id));
        app.service("comments", comments).access(own);
    })
    .await;
    let ticket = world.ticket_of(ADA, CANARY).await;
    let mut bob = Client::listen(&world, Way::WebSocket, Claim::token(&world.login("bob").await)).await;
    let service = world.handle().service("comments").unwrap();
    for (owner, text) in [(ADA, CANARY), (BOB, "mine"), (ADA, CANARY)] {
        service.create(json!({ "ticket": ticket, "owner": owner, "text": text }), ()).await.unwrap();
    }
    world.handle().service("tickets").unwrap().remove(Id::from(ticket), ()).await.unwrap();
    let own = json!({ "id": 2, "ticket": ticket, "owner": BOB, "text": "mine" });
    let expected = [("comments created".to_owned(), own.clone()), ("comments removed".to_owned(), own)];
    assert_eq!(news(&mut bob, 2).await, expected);
    assert!(!bob.bytes.contains(CANARY), "{}", bob.bytes);
}
