//! What a mount knows of the records of its service.

use std::sync::Arc;

use feathers::app::Mount;
use feathers::prelude::*;
use feathers_testing::Client;

/// A message in a room.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Message {
    #[service(id)]
    id: i64,
    text: String,
    room: i64,
    #[service(hidden, default)]
    draft: bool,
}

struct Rooms;

#[service]
impl Rooms {
    async fn find(&self) -> Result<Vec<i64>> {
        Ok(vec![1, 2])
    }
}

/// Makes the result what the data says.
async fn disguise(ctx: &mut Context) -> Result<()> {
    let result = ctx.result.as_mut().unwrap();
    match result.value()?["text"].as_str() {
        Some("populated") => drop(result.object_mut()?.insert("author".to_owned(), json!("Ann"))),
        Some("broken") => *result = json!("no message").into(),
        _ => {}
    }
    Ok(())
}

#[tokio::test]
async fn a_publisher_of_records_sees_the_record_as_its_type() {
    let database = Database::connect("sqlite::memory:").await.unwrap();
    let mut app = App::new();
    let rooms = |message: &Message, event: &Publication, app: &AppHandle| {
        assert!(event.call.is_some(), "{event:?}");
        (!message.draft).then(|| app.channel(("rooms", message.room)))
    };
    app.service("messages", Memory::<Message>::new().multi(true))
        .events(["typing"])
        .after(["create", "patch"], disguise)
        .publish(|_, app| app.channel("others"))
        .publish_record(rooms)
        .publish_event("removed", |_, app: &AppHandle| app.channel("others"));
    app.service("stored", database.store::<Message>().await.unwrap()).publish_record(rooms);
    app.on_connect(|connection, app| app.channel(("rooms", 1)).join(connection));
    let app = app.start().await.unwrap();
    let mut in_room = Client::connect(&app).await;
    let mut elsewhere = Client::connect(&app).await;
    app.channel(("rooms", 1)).leave(elsewhere.connection());
    app.channel("others").join(elsewhere.connection());

    let messages = app.service("messages").unwrap();
    messages.create(json!({ "text": "a", "room": 1 }), ()).await.unwrap();
    messages.create(json!([{ "text": "b", "room": 2 }, { "text": "c", "room": 1 }]), ()).await.unwrap();
    messages.create(json!({ "text": "secret", "room": 1, "draft": true }), ()).await.unwrap();
    messages.create(json!({ "text": "populated", "room": 1 }), ()).await.unwrap();
    messages.create(json!({ "text": "broken", "room": 1 }), ()).await.unwrap();
    messages.patch(Some(2.into()), json!({ "room": 1 }), ()).await.unwrap();
    messages.remove(Some(1.into()), ()).await.unwrap();
    messages.emit("typing", json!("no message"));
    app.service("stored").unwrap().create(json!({ "text": "d", "room": 1 }), ()).await.unwrap();

    let mut seen = Vec::new();
    for _ in 0..5 {
        let event = in_room.event().await;
        seen.push(format!("{} {}", event.event, event.data["text"].as_str().unwrap()));
    }
    assert_eq!(seen, ["created a", "created c", "created populated", "patched b", "created d"]);
    let others = [elsewhere.event().await.event, elsewhere.event().await.event];
    assert_eq!(others, ["removed", "typing"]);
}

#[tokio::test]
async fn a_mount_has_the_type_of_the_records_if_there_is_one() {
    let shared = Arc::new(Memory::<Message>::new());
    let mut app = App::new();
    let _: &mut Mount<Message> = app.service("messages", Memory::<Message>::new());
    let _: &mut Mount<Message> = app.service("shared", shared.clone());
    let _: &mut Mount<Document> = app.service("anything", Memory::<Document>::new());
    let _: &mut Mount = app.service("rooms", Rooms);
    let _: &mut Mount = app.service("untyped", Mount::new(shared));
    let app = app.start().await.unwrap();
    app.service("shared").unwrap().create(json!({ "text": "a", "room": 1 }), ()).await.unwrap();
    assert_eq!(app.typed::<Message>("untyped").unwrap().get(1, ()).await.unwrap().text, "a");
}
