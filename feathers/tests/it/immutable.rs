//! Fields that clients set in a new record and never change: `immutable`.

use feathers::prelude::*;
use feathers_testing::Client;
use serde_json::Value;

/// A ticket of a customer.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    title: String,
    #[serde(alias = "requester")]
    #[service(immutable)]
    requester_id: i64,
    #[service(immutable)]
    source: Option<String>,
    #[service(immutable, default = "web")]
    channel: String,
}

async fn serve(sqlite: bool) -> AppHandle {
    let mut app = App::new();
    if sqlite {
        let database = Database::connect("sqlite::memory:").await.unwrap();
        app.service("tickets", database.store::<Ticket>().await.unwrap().multi(true));
    } else {
        app.service("tickets", Memory::<Ticket>::new().multi(true));
    }
    app.before("all", async |ctx: &mut Context| {
        if let Some(requester) = ctx.params.query.remove("move") {
            ctx.data.object_mut()?.insert("requester_id".to_owned(), requester);
        }
        Ok(())
    });
    app.start().await.unwrap()
}

/// Returns the places of the mistakes, and checks what they say.
fn refused(result: Result<Value>) -> Vec<String> {
    let error = result.unwrap_err();
    assert_eq!(error.code(), 400, "{error:?}");
    let items = error.data().and_then(Value::as_array).cloned().unwrap_or_default();
    assert!(items.iter().all(|item| item["message"] == "must NOT be changed"), "{items:?}");
    items.iter().map(|item| item["instancePath"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn clients_set_it_once() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let tickets = client.service("tickets");
        let ticket = |title: &str, requester: i64| json!({ "id": 1, "title": title, "requester_id": requester, "source": "mail", "channel": "web" });
        let created = tickets.create(json!({ "title": "a", "requester_id": 7, "source": "mail" })).await.unwrap();
        assert_eq!(created, ticket("a", 7));
        assert_eq!(tickets.create(json!({ "title": "b" })).await.unwrap_err().code(), 400, "a new record needs it");

        // The same value is no change, and refused all the same: a patch says what is to be changed.
        let patches = [
            (json!({ "title": "x", "requester_id": 7 }), "/requester_id"),
            (json!({ "title": "x", "requester": 8 }), "/requester_id"),
            (json!({ "title": "x", "channel": "phone" }), "/channel"),
        ];
        for (patch, place) in patches {
            for id in [Some(1.into()), None] {
                assert_eq!(refused(tickets.patch(id, patch.clone()).await), [place], "{patch}");
            }
        }
        assert_eq!(refused(tickets.patch(Some(1.into()), json!({ "source": null })).await), ["/source"]);
        assert_eq!(tickets.get(1).await.unwrap(), ticket("a", 7), "nothing has changed");
        assert_eq!(tickets.patch(Some(1.into()), json!({ "title": "c" })).await.unwrap(), ticket("c", 7));
    }
}

#[tokio::test]
async fn an_update_leaves_it_as_it_is_or_names_the_same() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        let tickets = client.service("tickets");
        let whole = json!({ "id": 1, "title": "a", "requester_id": 7, "source": "mail", "channel": "phone" });
        tickets.create(json!({ "title": "a", "requester_id": 7, "source": "mail", "channel": "phone" })).await.unwrap();

        // What is read can be written back, and what may be left out stays.
        assert_eq!(tickets.update(1, whole.clone()).await.unwrap(), whole);
        assert_eq!(tickets.update(1, json!({ "title": "a", "requester_id": 7 })).await.unwrap(), whole);
        for (name, value) in [("requester_id", json!(8)), ("source", json!("chat")), ("channel", json!("web"))] {
            let mut data = whole.clone();
            data[name] = value;
            assert_eq!(refused(tickets.update(1, data).await), [format!("/{name}")]);
        }
        assert_eq!(tickets.get(1).await.unwrap(), whole, "nothing has changed");
    }
}

#[tokio::test]
async fn hooks_and_calls_from_inside_change_it_by_a_patch() {
    for sqlite in [false, true] {
        let app = serve(sqlite).await;
        let client = Client::connect(&app).await;
        client.service("tickets").create(json!({ "title": "a", "requester_id": 7 })).await.unwrap();
        let moved = client.service("tickets").query(json!({ "move": 8 }));
        assert_eq!(moved.patch(Some(1.into()), json!({ "title": "b" })).await.unwrap()["requester_id"], 8);

        let typed = app.typed::<Ticket>("tickets").unwrap();
        let title = TicketPatch { title: Some("c".to_owned()), ..Default::default() };
        assert_eq!(typed.patch(1, title, ()).await.unwrap().requester_id, 8);
        let patch = TicketPatchDraft { requester_id: Some(9), ..Default::default() };
        assert_eq!(typed.patch(1, patch, ()).await.unwrap().requester_id, 9);
    }
}
