//! Rules look at plain values.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(json, length(1..=3), email)]
    tags: Vec<String>,
}

fn main() {}
