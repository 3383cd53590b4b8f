//! What can be null can become it; an id and JSON refer to nothing.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id, references(User))]
    id: i64,
    #[service(references(User, on_delete = set_null))]
    user_id: i64,
    #[service(json, references(User))]
    other: i64,
}

fn main() {}
