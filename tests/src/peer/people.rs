//! Four stores of people: with and without a schema, with the usual and with another id field. Clients may choose ids,
//! as they may on the recorded server, and the age is a number, whole or not.

use feathers::prelude::*;
use feathers::schema::Record;

use super::control::control;

/// One of the people, with a schema.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Person {
    #[service(id)]
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
}

/// The same with another id field.
#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct CustomPerson {
    #[service(id)]
    customid: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
}

fn people<R: Record>(app: &mut App, path: &str, store: Memory<R>) {
    app.service(path, store.client_ids(true)).events(["testing"]).before("all", control);
}

/// Mounts the four.
pub(super) fn mount(app: &mut App) {
    people(app, "people", Memory::<Document>::new());
    people(app, "people-customid", Memory::<Document>::with_id("customid"));
    people(app, "people-typed", Memory::<Person>::new());
    people(app, "people-customid-typed", Memory::<CustomPerson>::new());
}
