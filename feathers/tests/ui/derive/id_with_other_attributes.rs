//! An id cannot be hidden, server, JSON, unique, an index or have a default.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id, default, server, hidden, json, unique, index)]
    id: i64,
    text: String,
}

fn main() {}
