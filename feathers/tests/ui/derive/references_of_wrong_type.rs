//! A reference has the type of the id of the other record, or is an `Option` of it.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(references(User))]
    by_name: String,
    #[service(references(User, on_delete = cascade))]
    short: i32,
    #[service(references(User, on_delete = set_null))]
    many: Option<Vec<i64>>,
}

fn main() {}
