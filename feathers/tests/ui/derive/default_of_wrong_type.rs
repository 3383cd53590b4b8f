//! A default has the type of its field.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(default = "no")]
    done: bool,
    #[service(default = 1 + true)]
    rank: i64,
}

fn main() {}
