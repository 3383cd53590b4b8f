//! Services over a store: methods of their own beside the six, and methods that replace one of the six.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use feathers::Method;
use feathers::prelude::*;
use feathers::schema::TypeSchema;
use feathers_testing::{Client, ReceivedEvent};

/// One request for help.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(length(1..=20))]
    text: String,
    #[service(default)]
    closed: bool,
    #[service(hidden, default)]
    note: String,
}

#[derive(Deserialize)]
struct Close {
    id: i64,
}

/// What `setup` and `teardown` have done.
#[derive(Default)]
struct Steps(AtomicUsize);

struct Tickets {
    records: Memory<Ticket>,
    steps: Arc<Steps>,
}

/// Tickets that can be closed.
#[service(over = records, record = Ticket, events("rang"))]
impl Tickets {
    /// Closes a ticket.
    #[method]
    async fn close(&self, data: Close, app: &AppHandle) -> Result<Ticket> {
        // Through the service, so that its hooks run and the event leaves.
        app.typed::<Ticket>("tickets")?
            .patch(data.id, TicketPatch { closed: Some(true), ..Default::default() }, ())
            .await
    }

    /// Open tickets stay.
    async fn remove(&self, request: Request<'_>) -> Result<Payload> {
        let id = request.require_id()?;
        let ticket: Ticket = request.app.typed("tickets")?.get(id, ()).await?;
        if !ticket.closed {
            return Err(Error::forbidden("close it first"));
        }
        self.records.call(request).await
    }

    async fn setup(&self, _app: &AppHandle, path: &str) -> Result<()> {
        assert_eq!(path, "tickets");
        self.steps.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn teardown(&self, _app: &AppHandle, _path: &str) -> Result<()> {
        self.steps.0.fetch_add(10, Ordering::Relaxed);
        Err(Error::general("torn down"))
    }
}

fn tickets() -> (Tickets, Arc<Steps>) {
    let steps = Arc::new(Steps::default());
    (Tickets { records: Memory::new(), steps: steps.clone() }, steps)
}

#[tokio::test]
async fn methods_of_the_store_and_own_ones_are_one_service() {
    let (tickets, steps) = tickets();
    let mut app = App::new();
    // The mount knows the type of the records.
    app.service("tickets", tickets).publish(|_event, app| app.channel("all"));
    app.on_connect(|connection, app| app.channel("all").join(connection));
    let app = app.start().await.unwrap();
    assert_eq!(steps.0.load(Ordering::Relaxed), 1);

    let mut client = Client::connect(&app).await;
    let made = client.service("tickets").create(json!({ "text": "help", "note": "secret" })).await.unwrap();
    assert_eq!(made, json!({ "id": 1, "text": "help", "closed": false }));
    let refused = client.service("tickets").create(json!({ "text": "" })).await.unwrap_err();
    assert_eq!(refused.code(), 400);
    let refused = client.service("tickets").remove(Some(Id::from(1))).await.unwrap_err();
    assert_eq!((refused.code(), refused.message()), (403, "close it first"));
    let closed = client.service("tickets").call("close", json!({ "id": 1 })).await.unwrap();
    assert_eq!(closed, json!({ "id": 1, "text": "help", "closed": true }));
    client.service("tickets").remove(Some(Id::from(1))).await.unwrap();
    let names: Vec<String> = client.events().iter().map(ReceivedEvent::name).collect();
    assert_eq!(names, ["tickets created", "tickets patched", "tickets removed"]);

    let error = app.shutdown(std::time::Duration::ZERO).await.unwrap_err();
    assert_eq!((error.message(), steps.0.load(Ordering::Relaxed)), ("torn down", 11));
}

#[test]
fn the_descriptor_is_of_both() {
    let descriptor = tickets().0.descriptor();
    let names: Vec<_> = descriptor.methods.iter().map(|info| (info.method.name(), &*info.docs)).collect();
    let expected = [
        ("find", ""),
        ("get", ""),
        ("create", ""),
        ("update", ""),
        ("patch", ""),
        ("remove", "Open tickets stay."),
        ("close", "Closes a ticket."),
    ];
    assert_eq!(names, expected);
    assert_eq!((&*descriptor.docs, &*descriptor.events[0]), ("Tickets that can be closed.", "rang"));
    assert!(descriptor.volatile && descriptor.schema.is_some() && descriptor.multi.is_some());
    let close = descriptor.info(&Method::named("close")).unwrap();
    assert!(matches!((&close.data, &close.result), (Some(TypeSchema::Unknown), TypeSchema::Record(_))));
    // Its signature does not say what it returns.
    assert_eq!(descriptor.info(&Method::Remove).unwrap().result, TypeSchema::Unknown);
}

#[tokio::test]
async fn a_check_asks_the_store_for_what_the_block_does_not_do_itself() {
    let mut app = App::new();
    app.service("tickets", tickets().0).before("all", async |ctx: &mut Context| {
        ctx.check(ctx.data.clone()).await.map_err(|error| Error::conflict(error.message().to_owned()))
    });
    let tickets = app.start().await.unwrap().service("tickets").unwrap();
    let error = tickets.create(json!({ "text": "" }), ()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (409, "validation failed"));
    // `close` has data of its own, which is no ticket; the patch that it makes is checked.
    let error = tickets.call("close", json!({ "id": 5 }), ()).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (409, "No record found for id '5'"));
}

/// A shared service in a field without a name, and nothing known of its records.
struct Shared(Arc<Memory<Document>>);

#[service(over = 0)]
impl Shared {
    /// Counts.
    #[method]
    async fn size(&self, app: &AppHandle) -> Result<usize> {
        Ok(app.typed::<Document>("shared")?.find(()).await?.len())
    }

    async fn create(&self, data: String, app: &AppHandle) -> Result<Payload> {
        app.service("shared")?.patch(Id::from(1), json!({ "text": data }), ()).await
    }
}

#[tokio::test]
async fn a_shared_service_can_be_inside_and_a_method_may_have_other_data() {
    let memory = Arc::new(Memory::new());
    let mut app = App::new();
    app.service("shared", Shared(memory.clone()));
    app.service("plain", memory);
    let app = app.start().await.unwrap();
    let (shared, plain) = (app.service("shared").unwrap(), app.service("plain").unwrap());
    plain.create(json!({ "text": "a" }), ()).await.unwrap();
    shared.create(json!("b"), ()).await.unwrap();
    assert_eq!(plain.get(1, ()).await.unwrap().value().unwrap()["text"], "b");
    assert_eq!(shared.call("size", Payload::NULL, ()).await.unwrap().value().unwrap(), 1);
}
