//! A record needs an id; a field of that name is pointed at.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    id: i64,
    text: String,
}

fn main() {}
