//! A reference names a record, and what becomes of this one when the other is removed.

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
    #[service(references)]
    a: i64,
    #[service(references = User)]
    b: i64,
    #[service(references(User, cascade))]
    c: i64,
    #[service(references(User, on_delete = remove))]
    d: i64,
    #[service(references(User, on_delete))]
    e: i64,
    #[service(references(User), references(User))]
    f: i64,
    #[service(references("users"))]
    g: i64,
}

fn main() {}
