//! The message has the legal form of one_of.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(one_of)]
    a: String,
    #[service(one_of())]
    b: String,
    #[service(one_of(1))]
    c: String,
    #[service(one_of("a", "a"))]
    d: String,
}

fn main() {}
