//! Length is a rule for texts.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(length(1..=3))]
    rank: i64,
}

fn main() {}
