//! A record has one id.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(id)]
    other: i64,
}

fn main() {}
