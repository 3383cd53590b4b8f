//! No index is of JSON.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
#[service(index(any, rank), unique(tags, rank))]
struct Todo {
    #[service(id)]
    id: i64,
    rank: i64,
    #[service(index)]
    any: Vec<i64>,
    tags: Vec<String>,
}

fn main() {}
