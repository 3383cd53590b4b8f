//! A list of scalars has no holes, and no lists.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Ticket {
    #[service(id)]
    id: i64,
    names: Vec<Option<String>>,
    table: Vec<Vec<i64>>,
}

fn main() {}
