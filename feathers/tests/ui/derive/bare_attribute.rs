//! The attribute needs its brackets.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service]
    id: i64,
    #[service = "id"]
    text: String,
}

fn main() {}
