//! A reference is to a record.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct User {
    #[service(id)]
    id: i64,
}

struct Plain;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    #[service(references(Plain))]
    plain: i64,
    #[service(references(Nowhere))]
    nowhere: i64,
}

fn main() {}
