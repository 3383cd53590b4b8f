//! The id of a record is always there.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: Option<i64>,
    text: String,
}

fn main() {}
