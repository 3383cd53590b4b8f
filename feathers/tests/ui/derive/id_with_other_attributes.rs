//! An id cannot be hidden, server, JSON or have a default.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id, default, server, hidden, json)]
    id: i64,
    text: String,
}

fn main() {}
