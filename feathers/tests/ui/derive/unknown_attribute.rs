//! The message for a misspelt attribute names the one that was meant.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(lenght(1..=280))]
    text: String,
}

fn main() {}
