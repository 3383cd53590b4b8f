//! Range is a rule for numbers.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(range(1..=3))]
    text: String,
}

fn main() {}
