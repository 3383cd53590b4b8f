//! Hidden fields of a record that a field of another record writes by a function of its own.

use feathers::prelude::*;
use feathers_testing::Client;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Writer {
    #[service(id)]
    id: i64,
    name: String,
    #[service(hidden)]
    password: String,
}

/// A record of simple types, one of which is written by a function.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Letter {
    #[service(id)]
    id: i64,
    #[serde(serialize_with = "with_writer")]
    text: String,
}

fn with_writer<S: serde::Serializer>(text: &str, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    Writer { id: 1, name: text.to_owned(), password: "hush".to_owned() }.serialize(serializer)
}

#[tokio::test]
async fn what_a_field_writes_by_itself_is_looked_through_too() {
    let mut app = App::new();
    app.service("letters", Memory::<Letter>::new());
    let client = Client::connect(&app.start().await.unwrap()).await;
    let letter = client.service("letters").create(json!({ "text": "Ann" })).await.unwrap();
    assert_eq!(letter, json!({ "id": 1, "text": { "id": 1, "name": "Ann" } }));
}
