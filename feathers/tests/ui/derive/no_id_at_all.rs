//! A record needs an id.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    text: String,
}

fn main() {}
