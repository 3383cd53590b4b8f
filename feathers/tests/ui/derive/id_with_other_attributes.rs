//! An id cannot be hidden, readonly, JSON or have a default.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id, default, readonly, hidden, json)]
    id: i64,
    text: String,
}

fn main() {}
