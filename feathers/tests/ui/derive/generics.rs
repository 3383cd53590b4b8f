//! A record has no type parameters.

#![allow(unused)]

use feathers::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, Service)]
struct Todo<T> {
    #[service(id)]
    id: i64,
    text: T,
}

fn main() {}
