//! The message has the legal forms of length.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    #[service(length)]
    a: String,
    #[service(length())]
    b: String,
    #[service(length(5))]
    c: String,
    #[service(length(..))]
    d: String,
    #[service(length(mim = 1))]
    e: String,
    #[service(length(-1..=5))]
    f: String,
    #[service(length(min = 5, max = 1))]
    g: String,
}

fn main() {}
