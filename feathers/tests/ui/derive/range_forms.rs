//! The message has the legal forms of range.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(range(1))]
    a: i64,
    #[service(range = 1)]
    b: i64,
    #[service(range("a"..="b"))]
    c: i64,
    #[service(range(0..0))]
    d: i64,
}

fn main() {}
