//! An attribute stands once.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(hidden, length(1..), hidden, length(..5))]
    text: String,
}

fn main() {}
