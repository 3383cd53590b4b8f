//! A record is cloneable.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    text: String,
}

fn main() {}
