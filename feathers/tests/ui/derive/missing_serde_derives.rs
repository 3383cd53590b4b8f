//! A record is serialisable.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Service)]
struct Todo {
    #[service(id)]
    id: i64,
    text: String,
}

fn main() {}
