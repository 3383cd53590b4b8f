//! A reference stands on its field.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(references(User), unique(id), index(id))]
struct Ticket {
    #[service(id)]
    id: i64,
}

fn main() {}
