//! Hidden fields: not even the events of calls from inside carry them.

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
