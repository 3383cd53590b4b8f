//! JSON is not compared, so that it is neither unique nor an index.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(json, unique)]
    info: String,
    #[service(unique)]
    tags: Vec<String>,
    #[service(index)]
    any: Vec<i64>,
}

fn main() {}
