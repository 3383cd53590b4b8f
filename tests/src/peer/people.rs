//! Four stores of people: with and without a schema, with the usual and with another id field. Clients may choose ids,
//! as they may on the recorded server, and the age is a number, whole or not.

use feathers::app::{IntoMount, Mount};
use feathers::prelude::*;

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

/// Mounts the four.
pub(super) fn mount(app: &mut App) {
    let mut people = |path: &str, store: Mount| {
        app.service(path, store).events(["testing"]).before("all", control);
    };
    people("people", Memory::<Document>::new().client_ids(true).into_mount());
    people("people-customid", Memory::<Document>::with_id("customid").client_ids(true).into_mount());
    people("people-typed", Memory::<Person>::new().client_ids(true).into_mount());
    people("people-customid-typed", Memory::<CustomPerson>::new().client_ids(true).into_mount());
}
