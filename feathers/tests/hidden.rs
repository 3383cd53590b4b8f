//! Hidden fields: they do not leave in events of calls from inside, and not through hooks that read from inside.

#![allow(clippy::unwrap_used, reason = "tests")]

use feathers::prelude::*;
use feathers::testing::Client;

/// Somebody with a secret.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
    name: String,
    #[service(hidden)]
    password: String,
}

#[tokio::test]
async fn events_of_calls_from_inside_do_not_carry_hidden_fields() {
    let mut app = App::new();
    app.service("users", Memory::<User>::new().multi(true)).publish(|_event, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    let app = app.start().await.unwrap();
    let mut client = Client::connect(&app).await;

    let users = app.service("users").unwrap();
    let ann = users.create(json!({ "name": "Ann", "password": "hush" }), ()).await.unwrap();
    assert_eq!(ann.value().unwrap()["password"], "hush", "callers on the server see everything");
    users.create(json!([{ "name": "Bob", "password": "hush" }]), ()).await.unwrap();
    users.patch(None, json!({ "name": "Cleo" }), ()).await.unwrap();
    users.remove(Some(1.into()), ()).await.unwrap();

    let heard = client.events();
    assert_eq!(heard.len(), 5);
    for event in heard {
        assert_eq!(event.data.get("password"), None, "{event:?}");
    }
}

#[tokio::test]
async fn hooks_cannot_let_hidden_fields_out_by_accident() {
    let mut app = App::new();
    app.service("users", Memory::<User>::new())
        .after("create", async |ctx: &mut Context| {
            // Reads from inside, where nothing is hidden.
            let all = ctx.app().service(ctx.path())?.find(()).await?;
            ctx.result = all.items()?.and_then(|mut users| users.pop());
            Ok(())
        })
        .after("find", async |ctx: &mut Context| {
            let all = ctx.app().service(ctx.path())?.get(1, ()).await?;
            ctx.dispatch = Some(json!([all.value()?]).into());
            Ok(())
        })
        .publish(|_event, app| app.channel("everyone"));
    app.on_connect(|connection, app| app.channel("everyone").join(connection));
    let app = app.start().await.unwrap();
    let mut client = Client::connect(&app).await;

    let public = json!({ "id": 1, "name": "Ann" });
    let created = client.service("users").create(json!({ "name": "Ann", "password": "hush" })).await.unwrap();
    assert_eq!(created, public);
    assert_eq!(client.event().await.data, public);
    assert_eq!(client.service("users").find().await.unwrap(), json!([public]));
}
