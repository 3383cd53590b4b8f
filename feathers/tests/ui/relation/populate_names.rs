//! A relation is named by a text, or by that and the fields to show.

#![allow(unused)]

use feathers::prelude::*;
use feathers::schema::Related;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
}

fn mount(app: &mut App) {
    app.service("users", Memory::<User>::new()).populate([1]);
    app.service("people", Memory::<User>::new()).allow_populate([("boss", "id")]);
}

fn main() {}
